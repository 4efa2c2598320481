//! A line of the store: `<CRC-32 in 8 hex digits> <JSON>\n`, the checksum over the JSON.
//!
//! ```text
//! 5a1c09be {"record":{"at_ms":1764000000000,"upto":{"boot":3,"seq":9},"record":{"site":...}}}
//! ```

use noc_messages::{Class, Position};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::chain::Skip;
use crate::checksum;
use crate::site::Site;

/// What a line says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// All that was known of the site before the lines below; the first line of a segment.
    Checkpoint(Box<Site>),
    /// A record.
    Record(RecordLine),
    /// The watermark passed something that is not held.
    Skip(SkipLine),
    /// The site numbers its records from the beginning again.
    Era(EraLine),
}

/// A record.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordLine {
    /// When it arrived, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The watermark of its class, if this record moved it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upto: Option<Position>,
    /// As it came.
    pub record: Box<RawValue>,
}

/// The watermark passed something that is not held.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkipLine {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Of which class.
    pub class: Class,
    /// What.
    #[serde(flatten)]
    pub skip: Skip,
}

/// The site numbers its records from the beginning again.
#[derive(Debug, Serialize, Deserialize)]
pub struct EraLine {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Number of the numbering, from 0.
    pub era: u32,
}

impl Entry {
    pub(crate) fn record(at_ms: u64, upto: Option<Position>, text: &RawValue) -> Self {
        Self::Record(RecordLine { at_ms, upto, record: text.to_owned() })
    }

    pub(crate) const fn skip(at_ms: u64, class: Class, skip: Skip) -> Self {
        Self::Skip(SkipLine { at_ms, class, skip })
    }

    pub(crate) const fn era(at_ms: u64, era: u32) -> Self {
        Self::Era(EraLine { at_ms, era })
    }

    /// Appends the line.
    ///
    /// # Errors
    /// When it cannot be told in JSON.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let json = serde_json::to_string(self)?;
        out.extend_from_slice(format!("{:08x} {json}\n", checksum::of(json.as_bytes())).as_bytes());
        Ok(())
    }

    /// Reads a line without its end.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Self> {
        let (sum, json) = (line.get(..8)?, line.get(9..)?);
        let sum = u32::from_str_radix(core::str::from_utf8(sum).ok()?, 16).ok()?;
        if line[8] != b' ' || sum != checksum::of(json) {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Vec<u8> {
        let record = RawValue::from_string(r#"{"a": 1}"#.to_owned()).unwrap();
        let mut line = Vec::new();
        Entry::record(7, Some(Position { boot: 1, seq: 2 }), &record).write(&mut line).unwrap();
        line
    }

    #[test]
    fn a_line_of_version_one_is_pinned() {
        let json = r#"{"record":{"at_ms":7,"upto":{"boot":1,"seq":2},"record":{"a": 1}}}"#;
        let text = String::from_utf8(line()).unwrap();
        assert_eq!(text, format!("{:08x} {json}\n", checksum::of(json.as_bytes())));
    }

    #[test]
    fn a_line_with_any_bit_flipped_or_any_byte_missing_is_no_line() {
        let line = line();
        let line = line.strip_suffix(b"\n").unwrap();
        assert!(matches!(Entry::read(line), Some(Entry::Record(_))));
        for byte in 0..line.len() {
            assert!(Entry::read(&line[..byte]).is_none(), "cut at {byte}");
            for bit in 0..8 {
                let mut flipped = line.to_vec();
                flipped[byte] ^= 1 << bit;
                // A hex digit in capitals says the same number.
                if byte < 8 && flipped[byte].eq_ignore_ascii_case(&line[byte]) {
                    continue;
                }
                assert!(Entry::read(&flipped).is_none(), "byte {byte} bit {bit}");
            }
        }
    }
}
