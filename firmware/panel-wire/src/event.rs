//! Event codes: three digits, and what they mean in plain words.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{digits, message, table};

/// Three digits, for example `131`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventCode([u8; 3]);

/// What kind of event it is; the order is the order in which events of several lines are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Fire, and gas that kills: 110-118, 151, 158, 159, 162.
    Fire,
    /// Medical and panic: 100-109, 120-129.
    Personal,
    /// Burglary and 24-hour zones: the other 1xx.
    Burglary,
    /// Fire supervisory: 2xx.
    Supervisory,
    /// Trouble: 3xx.
    Trouble,
    /// Opening, closing, access: 4xx.
    Access,
    /// Bypass and disable: 5xx.
    Bypass,
    /// Test and miscellaneous: 6xx.
    Test,
    /// Everything else.
    Other,
}

/// A code explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// In plain words; `unlisted event` for a code that the standard does not list.
    pub words: &'static str,
    /// What kind.
    pub category: Category,
    /// Nobody on the premises may notice that it was sent (duress, silent panic).
    pub silent: bool,
}

impl EventCode {
    pub(crate) const fn from_values(values: [u8; 3]) -> Self {
        Self(values)
    }

    pub(crate) const fn values(self) -> [u8; 3] {
        self.0
    }

    /// The code as a number; `None` when it holds a hexadecimal digit.
    #[must_use]
    pub fn number(self) -> Option<u16> {
        self.0.iter().try_fold(0, |number, value| match value {
            10 => Some(number * 10),
            1..=9 => Some(number * 10 + u16::from(*value)),
            _ => None,
        })
    }

    /// What it means.
    #[must_use]
    pub fn describe(self) -> Described {
        let number = self.number().unwrap_or(0);
        Described {
            words: table::words(number),
            category: category(number),
            silent: matches!(number, 121 | 122),
        }
    }

    /// The listen-in code: after the kiss-off the call becomes a voice call (606).
    #[must_use]
    pub fn is_listen_in(self) -> bool {
        self.number() == Some(606)
    }
}

const fn category(number: u16) -> Category {
    match number {
        110..=118 | 151 | 158 | 159 | 162 => Category::Fire,
        100..=109 | 120..=129 => Category::Personal,
        119 | 130..=199 => Category::Burglary,
        200..=299 => Category::Supervisory,
        300..=399 => Category::Trouble,
        400..=499 => Category::Access,
        500..=599 => Category::Bypass,
        600..=699 => Category::Test,
        _ => Category::Other,
    }
}

impl FromStr for EventCode {
    type Err = message::FieldError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        message::field(text).map(Self)
    }
}

impl TryFrom<String> for EventCode {
    type Error = message::FieldError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EventCode> for String {
    fn from(code: EventCode) -> Self {
        code.to_string()
    }
}

impl fmt::Display for EventCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| write!(f, "{}", digits::hex_of_value(*value)))
    }
}

impl fmt::Debug for EventCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(code: &str) -> Described {
        code.parse::<EventCode>().unwrap().describe()
    }

    #[test]
    fn fire_goes_before_burglary_and_trouble_after_it() {
        assert_eq!(describe("110").category, Category::Fire);
        assert!(describe("162").category < describe("130").category, "carbon monoxide is life safety");
        assert!(describe("120").category < describe("130").category);
        assert!(describe("130").category < describe("301").category);
    }

    #[test]
    fn only_duress_and_silent_panic_are_silent() {
        let silent: Vec<_> = (100..1000)
            .map(|n| n.to_string())
            .filter(|code| code.parse::<EventCode>().is_ok_and(|code| code.describe().silent))
            .collect();
        assert_eq!(silent, ["121", "122"]);
    }

    #[test]
    fn a_code_outside_the_table_is_named_so() {
        assert_eq!(describe("199").words, "unlisted event");
        assert_eq!(describe("BCD").words, "unlisted event");
        assert!("1A1".parse::<EventCode>().is_err(), "A cannot be sent");
        assert!("13".parse::<EventCode>().is_err());
    }
}
