//! The fields of a message.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{EventCode, digits};

/// The subscriber's account at the station: four of `0`-`9` and `B`-`F`.
///
/// `A` does not exist on the wire: installers who key an `A` send a zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Account([u8; 4]);

/// Why a text is no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountError;

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account is four of 0-9 and B-F (A cannot be sent: use 0)")
    }
}

impl core::error::Error for AccountError {}

impl Account {
    pub(crate) const fn from_values(values: [u8; 4]) -> Self {
        Self(values)
    }

    pub(crate) const fn values(self) -> [u8; 4] {
        self.0
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let values: Option<Vec<u8>> = text.chars().map(digits::value_of_hex).collect();
        let values = values.ok_or(AccountError)?;
        values.try_into().map(Self).map_err(|_| AccountError)
    }
}

impl TryFrom<String> for Account {
    type Error = AccountError;

    fn try_from(text: String) -> Result<Self, AccountError> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| write!(f, "{}", digits::hex_of_value(*value)))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The two digits that name the format; both mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageType {
    /// `18`, preferred.
    T18,
    /// `98`, optional.
    T98,
}

/// What happened to the event (DC-05, "event qualifier").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Qualifier {
    /// `1`: a new event, or an opening.
    Event,
    /// `3`: a restoral, or a closing.
    Restore,
    /// `6`: reported before and still there.
    Status,
}

impl Qualifier {
    /// As the digit on the wire.
    #[must_use]
    pub const fn value(self) -> u8 {
        match self {
            Self::Event => 1,
            Self::Restore => 3,
            Self::Status => 6,
        }
    }

    pub(crate) const fn from_value(value: u8) -> Option<Self> {
        match value {
            1 => Some(Self::Event),
            3 => Some(Self::Restore),
            6 => Some(Self::Status),
            _ => None,
        }
    }

    /// As people write it in front of the code: `E`, `R`, `P`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Event => 'E',
            Self::Restore => 'R',
            Self::Status => 'P',
        }
    }
}

/// Group or partition, two digits; `00`: none given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(pub(crate) [u8; 2]);

/// Zone or user, three digits; `000`: none given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Zone(pub(crate) [u8; 3]);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| write!(f, "{}", digits::hex_of_value(*value)))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| write!(f, "{}", digits::hex_of_value(*value)))
    }
}

/// A text with another length or other characters than the field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    digits: usize,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the field is {} of 0-9 and B-F", self.digits)
    }
}

impl core::error::Error for FieldError {}

pub(crate) fn field<const N: usize>(text: &str) -> Result<[u8; N], FieldError> {
    let values: Option<Vec<u8>> = text.chars().map(digits::value_of_hex).collect();
    values.and_then(|values| values.try_into().ok()).ok_or(FieldError { digits: N })
}

impl FromStr for Partition {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        field(text).map(Self)
    }
}

impl FromStr for Zone {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        field(text).map(Self)
    }
}

/// A complete message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Whose.
    pub account: Account,
    /// In which of the two spellings of the format.
    pub message_type: MessageType,
    /// New, restored or still there.
    pub qualifier: Qualifier,
    /// What.
    pub event: EventCode,
    /// In which partition.
    pub partition: Partition,
    /// Where, or who.
    pub zone: Zone,
}

impl fmt::Display for Message {
    /// As a station's operator reads it: `1234 E131 01 015 perimeter burglary`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, qualifier, event, partition, zone, .. } = self;
        write!(f, "{account} {}{event} {partition} {zone} {}", qualifier.letter(), event.describe().words)
    }
}
