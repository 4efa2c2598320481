//! Writing: each line names the hash of the one before it.

use core::fmt;
use core::str::FromStr;

use crc::{CRC_32_ISO_HDLC, Crc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// SHA-256 of an entry's JSON text.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashError;

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hash is 64 hexadecimal characters")
    }
}

impl core::error::Error for HashError {}

impl Hash {
    /// Of an entry's JSON text.
    #[must_use]
    pub fn of(json: &str) -> Self {
        Self(Sha256::digest(json.as_bytes()).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let nibble = |c: u8| char::from(c).to_digit(16).and_then(|v| u8::try_from(v).ok());
        let byte = |pair: &[u8]| Some(nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(HashError)
    }
}

impl TryFrom<String> for Hash {
    type Error = HashError;

    fn try_from(text: String) -> Result<Self, HashError> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

/// When an entry was made, as in every message of the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Number of the daemon's start.
    pub boot: u32,
    /// Milliseconds of the box's boot clock.
    pub tick_ms: u64,
    /// Milliseconds since 1970 UTC; absent while the box's clock is not believed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wall_ms: Option<u64>,
}

/// One line, without its checksum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link<E> {
    pub(crate) n: u64,
    pub(crate) prev: Hash,
    pub(crate) at: At,
    pub(crate) entry: E,
}

/// The end of a log, to which lines are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Number of the newest entry; 0 before the first.
    pub newest: u64,
    /// Its hash; zeros before the first.
    pub head: Hash,
}

impl Chain {
    /// The line of the next entry, line feed included.
    ///
    /// # Errors
    /// When the entry cannot be written as JSON; the chain is as it was.
    pub fn append(&mut self, at: At, entry: &impl Serialize) -> Result<String, serde_json::Error> {
        let link = Link { n: self.newest + 1, prev: self.head, at, entry };
        let json = serde_json::to_string(&link)?;
        *self = Self { newest: link.n, head: Hash::of(&json) };
        Ok(format!("{} {json}\n", checksum(&json)))
    }
}

/// Eight hexadecimal characters.
pub(crate) fn checksum(json: &str) -> String {
    format!("{:08x}", CRC.checksum(json.as_bytes()))
}
