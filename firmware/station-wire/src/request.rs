//! What we send: a signal or a supervision message, in clear or encrypted.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::crypto::Key;
use crate::envelope;
use crate::timestamp::Timestamp;

/// 0001 to 9999, then 0001 again; a retry keeps its number (DC-09 5.5.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(u16);

impl Sequence {
    /// The first one.
    pub const FIRST: Self = Self(1);

    /// `None` unless `number` is in 1..=9999.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 1 && number <= 9999 { Some(Self(number)) } else { None }
    }

    /// The bare number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 >= 9999 { Self::FIRST } else { Self(self.0 + 1) }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

/// Who speaks to whom: `R`, `L` and `#` of the frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// `R`: receiver number, hexadecimal, 1 to 6 digits. Always sent: some receivers answer wrongly
    /// without it.
    pub receiver: u32,
    /// `L`: account prefix, hexadecimal, 1 to 6 digits; 0 for none.
    pub prefix: u32,
    /// `#`: the account, 3 to 16 hexadecimal digits.
    pub account: String,
}

/// Why a text is no account of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Not 3 to 16 hexadecimal digits.
    Account,
    /// More than six hexadecimal digits.
    Number,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "the account is 3 to 16 hexadecimal digits",
            Self::Number => "receiver and prefix are at most six hexadecimal digits",
        })
    }
}

impl core::error::Error for AddressError {}

/// The largest receiver number or prefix: six hexadecimal digits.
const MAX_NUMBER: u32 = 0xFF_FFFF;

impl Address {
    /// Checked and in upper case.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new(receiver: u32, prefix: u32, account: &str) -> Result<Self, AddressError> {
        let fits = (3..=16).contains(&account.len()) && account.bytes().all(|b| b.is_ascii_hexdigit());
        if !fits {
            return Err(AddressError::Account);
        }
        if receiver > MAX_NUMBER || prefix > MAX_NUMBER {
            return Err(AddressError::Number);
        }
        Ok(Self { receiver, prefix, account: account.to_ascii_uppercase() })
    }
}

/// How supervision messages are spelled; a station may accept only one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupervisionFormat {
    /// With the account, as most receivers want it.
    #[default]
    WithAccount,
    /// Without.
    Bare,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// `"ADM-CID"`: a Contact ID message in DC-09's spelling.
    ContactId {
        /// The panel's account, which need not be the frame's.
        account: String,
        /// Qualifier and event, for example `1131`.
        event: String,
        /// Two digits.
        partition: String,
        /// Three digits.
        zone: String,
        /// When it happened, if that is not now (`H` extension); for signals sent late.
        occurred: Option<Timestamp>,
    },
    /// `"NULL"`: nothing but a sign of life.
    Supervision(SupervisionFormat),
}

/// One frame to a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// A retry keeps it.
    pub sequence: Sequence,
    /// Who speaks.
    pub address: Address,
    /// What is said.
    pub content: Content,
    /// The message clock's time; mandatory when encrypted.
    pub timestamp: Option<Timestamp>,
}

impl Request {
    /// The frame's bytes, LF to CR, to be written with one send.
    ///
    /// `pad` yields pseudo-random bytes; it is asked only when there is a key.
    #[must_use]
    pub fn encode(&self, key: Option<&Key>, pad: &mut dyn FnMut() -> u8) -> Vec<u8> {
        let Address { receiver, prefix, account } = &self.address;
        let shown = match &self.content {
            Content::Supervision(SupervisionFormat::Bare) => String::new(),
            Content::Supervision(SupervisionFormat::WithAccount) | Content::ContactId { .. } => {
                format!("#{account}")
            }
        };
        let stamp = self.timestamp.map(|stamp| format!("_{stamp}")).unwrap_or_default();
        let text = format!("{}{stamp}", self.data());
        let text = key.map_or_else(|| text.clone(), |key| key.encrypt(&text, pad));
        let star = if key.is_some() { "*" } else { "" };
        let body =
            format!("\"{star}{}\"{}R{receiver:X}L{prefix:X}{shown}[{text}", self.identifier(), self.sequence);
        envelope::wrap(body.as_bytes())
    }

    const fn identifier(&self) -> &'static str {
        match self.content {
            Content::ContactId { .. } => "ADM-CID",
            Content::Supervision(_) => "NULL",
        }
    }

    /// What follows the opening bracket, up to the last closing one.
    fn data(&self) -> String {
        match &self.content {
            Content::ContactId { account, event, partition, zone, occurred } => {
                let late = occurred.map(|at| format!("[H{at}]")).unwrap_or_default();
                format!("#{account}|{event} {partition} {zone}]{late}")
            }
            Content::Supervision(_) => "]".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content: Content, timestamp: Option<Timestamp>) -> Request {
        let address = Address::new(1, 0, "1234").unwrap();
        Request { sequence: Sequence::FIRST, address, content, timestamp }
    }

    fn clear(request: &Request) -> String {
        String::from_utf8(request.encode(None, &mut || unreachable!("nothing to pad"))).unwrap()
    }

    #[test]
    fn a_signal_is_spelled_as_the_standard_has_it() {
        let content = Content::ContactId {
            account: "1234".to_owned(),
            event: "1131".to_owned(),
            partition: "01".to_owned(),
            zone: "015".to_owned(),
            occurred: None,
        };
        let frame = clear(&request(content.clone(), None));
        assert_eq!(&frame[9..], "\"ADM-CID\"0001R1L0#1234[#1234|1131 01 015]\r");

        let Content::ContactId { account, event, partition, zone, .. } = content else { unreachable!() };
        let occurred = Some(Timestamp::from_seconds(0));
        let late = Content::ContactId { account, event, partition, zone, occurred };
        let frame = clear(&request(late, Some(Timestamp::from_seconds(60))));
        assert!(frame.ends_with("|1131 01 015][H00:00:00,01-01-1970]_00:01:00,01-01-1970\r"), "{frame}");
    }

    #[test]
    fn supervision_matches_frames_seen_in_the_field() {
        let mut seen = request(
            Content::Supervision(SupervisionFormat::WithAccount),
            Some("16:56:18,09-07-2023".parse().unwrap()),
        );
        seen.sequence = Sequence(0);
        seen.address = Address::new(1, 1, "9413").unwrap();
        assert_eq!(clear(&seen), "\nEEA50029\"NULL\"0000R1L1#9413[]_16:56:18,09-07-2023\r");
    }

    #[test]
    fn sequences_wrap_past_zero() {
        assert_eq!(Sequence(9999).next(), Sequence::FIRST);
        assert_eq!(Sequence(9998).next(), Sequence(9999));
        assert_eq!(Sequence::new(0), None);
        assert_eq!(Sequence::new(10_000), None);
    }

    #[test]
    fn an_account_that_no_receiver_would_take_is_refused() {
        for bad in ["12", "12345678901234567", "12G4", ""] {
            assert_eq!(Address::new(0, 0, bad), Err(AddressError::Account), "{bad}");
        }
        assert_eq!(Address::new(0x100_0000, 0, "123"), Err(AddressError::Number));
        assert_eq!(Address::new(0, 0, "abc").unwrap().account, "ABC");
    }
}
