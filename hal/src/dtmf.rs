//! The sixteen DTMF symbols (ITU-T Q.23): what a digit on a line is called everywhere.

use core::fmt;

use serde::{Deserialize, Serialize};

/// One of the sixteen symbols.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Dtmf(u8);

/// A character that is no DTMF symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDtmf(pub char);

impl fmt::Display for NotDtmf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no DTMF symbol: 0-9, *, #, A-D", self.0)
    }
}

impl core::error::Error for NotDtmf {}

/// Low group, Hz, by row of the keypad (Q.23).
const ROWS: [u16; 4] = [697, 770, 852, 941];
/// High group, Hz, by column of the keypad (Q.23).
const COLUMNS: [u16; 4] = [1209, 1336, 1477, 1633];
/// The keypad, row by row.
const KEYS: [u8; 16] = *b"123A456B789C*0#D";

impl Dtmf {
    /// All sixteen, in the order of the keypad's rows.
    pub const ALL: [Self; 16] = {
        let mut all = [Self(0); 16];
        let mut i = 0;
        while i < 16 {
            all[i] = Self(KEYS[i]);
            i += 1;
        }
        all
    };

    /// The symbol at a row and a column of the keypad, each 0..4.
    #[must_use]
    pub fn at(row: usize, column: usize) -> Option<Self> {
        if row < 4 && column < 4 { KEYS.get(row * 4 + column).map(|key| Self(*key)) } else { None }
    }

    /// Its two frequencies, Hz: low group, high group.
    #[must_use]
    pub fn frequencies(self) -> (u16, u16) {
        let place = KEYS.iter().position(|key| *key == self.0).expect("only keys of the keypad are made");
        (ROWS[place / 4], COLUMNS[place % 4])
    }

    /// As printed on the key.
    #[must_use]
    pub const fn as_char(self) -> char {
        self.0 as char
    }
}

impl TryFrom<char> for Dtmf {
    type Error = NotDtmf;

    fn try_from(key: char) -> Result<Self, NotDtmf> {
        let upper = key.to_ascii_uppercase();
        let byte = u8::try_from(upper).map_err(|_| NotDtmf(key))?;
        if KEYS.contains(&byte) { Ok(Self(byte)) } else { Err(NotDtmf(key)) }
    }
}

impl From<Dtmf> for char {
    fn from(digit: Dtmf) -> Self {
        digit.as_char()
    }
}

impl fmt::Display for Dtmf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl fmt::Debug for Dtmf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_knows_its_tones_and_its_place() {
        for (index, digit) in Dtmf::ALL.into_iter().enumerate() {
            assert_eq!(Dtmf::at(index / 4, index % 4), Some(digit));
            assert_eq!(digit.frequencies(), (ROWS[index / 4], COLUMNS[index % 4]));
        }
        assert_eq!(Dtmf::try_from('d').map(Dtmf::frequencies), Ok((941, 1633)));
        assert_eq!(Dtmf::at(4, 0), None);
        assert_eq!(Dtmf::try_from('E'), Err(NotDtmf('E')));
        assert_eq!(Dtmf::try_from('é'), Err(NotDtmf('é')));
    }
}
