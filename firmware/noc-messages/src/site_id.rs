//! The name of a site, safe in topics, file names and certificates.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// 1 to 48 of `a-z`, `0-9` and `-`, not beginning or ending with `-`.
///
/// Nothing that MQTT gives a meaning (`/`, `+`, `#`, `$`) can get into a topic this way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteId(String);

/// Why a text is no site name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteIdError;

impl fmt::Display for SiteIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a site name is 1 to 48 of a-z, 0-9 and '-', not beginning or ending with '-'")
    }
}

impl core::error::Error for SiteIdError {}

impl SiteId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SiteId {
    type Err = SiteIdError;

    fn from_str(text: &str) -> Result<Self, SiteIdError> {
        let fits = (1..=48).contains(&text.len());
        let clean = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits && clean && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(SiteIdError)
        }
    }
}

impl TryFrom<String> for SiteId {
    type Error = SiteIdError;

    fn try_from(text: String) -> Result<Self, SiteIdError> {
        text.parse()
    }
}

impl From<SiteId> for String {
    fn from(id: SiteId) -> Self {
        id.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_mqtt_understands_can_be_a_site_name() {
        for bad in ["", "a/b", "#", "+", "a+", "$sys", "-a", "a-", "Ä", "A", "a b", &"x".repeat(49)] {
            assert_eq!(bad.parse::<SiteId>(), Err(SiteIdError), "{bad:?}");
        }
        assert!("clinic-017".parse::<SiteId>().is_ok());
    }
}
