//! The encrypted form: AES-CBC with an IV of zeros, written as upper-case hexadecimal (DC-09 5.4).

use core::fmt;

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};

const BLOCK: usize = 16;
const IV: [u8; BLOCK] = [0; BLOCK];

/// A shared key of 128, 192 or 256 bits. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Bytes);

#[derive(Clone, PartialEq, Eq)]
enum Bytes {
    K128([u8; 16]),
    K192([u8; 24]),
    K256([u8; 32]),
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not 16, 24 or 32 bytes; how many there were.
    Length(usize),
    /// A character that is not hexadecimal.
    NotHex,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(bytes) => {
                write!(
                    f,
                    "the key has {bytes} bytes; AES wants 16, 24 or 32 (as hexadecimal: 32, 48 or 64 characters)"
                )
            }
            Self::NotHex => {
                f.write_str("the key is not hexadecimal; a key of plain characters is `ascii:...`")
            }
        }
    }
}

impl core::error::Error for KeyError {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The characters themselves are the key (16, 24 or 32 of them), as many receivers have it.
    ///
    /// # Errors
    /// [`KeyError::Length`].
    pub fn from_ascii(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(text.as_bytes())
    }

    /// Two hexadecimal characters a byte, as the standard has it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let bytes = from_hex(text.as_bytes()).ok_or(KeyError::NotHex)?;
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = match bytes.len() {
            16 => bytes.try_into().map(Bytes::K128),
            24 => bytes.try_into().map(Bytes::K192),
            32 => bytes.try_into().map(Bytes::K256),
            other => return Err(KeyError::Length(other)),
        };
        key.map(Self).map_err(|_| KeyError::Length(bytes.len()))
    }

    /// Pads and encrypts `text` (what stands between `[` and CR).
    ///
    /// `pad` is the source of pseudo-random bytes; `|`, `[` and `]` are left out of the pad, and `|`
    /// always follows it. An already full block gets a whole one more (DC-09 5.4.1).
    pub(crate) fn encrypt(&self, text: &str, pad: &mut dyn FnMut() -> u8) -> String {
        let unpadded = text.len() + 1;
        let missing = BLOCK - unpadded % BLOCK;
        let mut plain = Vec::with_capacity(unpadded + missing);
        plain.extend((0..missing).map(|_| pad_byte(pad())));
        plain.push(b'|');
        plain.extend_from_slice(text.as_bytes());
        let secret = match &self.0 {
            Bytes::K128(k) => cbc::Encryptor::<Aes128>::new(k.into(), &IV.into())
                .encrypt_padded_vec_mut::<NoPadding>(&plain),
            Bytes::K192(k) => cbc::Encryptor::<Aes192>::new(k.into(), &IV.into())
                .encrypt_padded_vec_mut::<NoPadding>(&plain),
            Bytes::K256(k) => cbc::Encryptor::<Aes256>::new(k.into(), &IV.into())
                .encrypt_padded_vec_mut::<NoPadding>(&plain),
        };
        secret.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Decrypts hexadecimal text; the pad is still in front.
    pub(crate) fn decrypt(&self, hex: &[u8]) -> Option<Vec<u8>> {
        let secret = from_hex(hex)?;
        if secret.is_empty() || secret.len() % BLOCK != 0 {
            return None;
        }
        match &self.0 {
            Bytes::K128(k) => cbc::Decryptor::<Aes128>::new(k.into(), &IV.into())
                .decrypt_padded_vec_mut::<NoPadding>(&secret),
            Bytes::K192(k) => cbc::Decryptor::<Aes192>::new(k.into(), &IV.into())
                .decrypt_padded_vec_mut::<NoPadding>(&secret),
            Bytes::K256(k) => cbc::Decryptor::<Aes256>::new(k.into(), &IV.into())
                .decrypt_padded_vec_mut::<NoPadding>(&secret),
        }
        .ok()
    }
}

const fn pad_byte(byte: u8) -> u8 {
    match byte {
        // Moved out of the way of the frame's own marks, and of the line end that some receivers cut at.
        b'|' | b'[' | b']' | b'\r' | b'\n' => b'0',
        other => other,
    }
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() % 2 != 0 {
        return None;
    }
    let nibble = |c: u8| char::from(c).to_digit(16).and_then(|v| u8::try_from(v).ok());
    text.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_lengths_and_both_spellings_of_a_key_work() {
        for text in ["A".repeat(16), "B".repeat(24), "C".repeat(32)] {
            let ascii = Key::from_ascii(&text).unwrap();
            let hex: String = text.bytes().map(|b| format!("{b:02x}")).collect();
            assert_eq!(Key::from_hex(&hex).unwrap(), ascii);

            let mut next = 0_u8;
            let secret = ascii.encrypt("#1234|1131 01 015]_16:20:01,09-24-2025", &mut || {
                next = next.wrapping_add(31);
                next
            });
            assert_eq!(secret.len() % 32, 0);
            let plain = ascii.decrypt(secret.as_bytes()).unwrap();
            assert!(plain.ends_with(b"|#1234|1131 01 015]_16:20:01,09-24-2025"));
        }
    }

    #[test]
    fn a_full_block_gets_a_whole_block_of_pad() {
        let key = Key::from_ascii("AAAAAAAAAAAAAAAA").unwrap();
        assert_eq!(key.encrypt("123456789012345", &mut || b'x').len(), 2 * 32);
    }

    #[test]
    fn marks_never_stand_in_the_pad() {
        let key = Key::from_ascii("AAAAAAAAAAAAAAAA").unwrap();
        for mark in *b"|[]\r\n" {
            let plain = key.decrypt(key.encrypt("]", &mut || mark).as_bytes()).unwrap();
            assert_eq!(plain, b"00000000000000|]");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_no_key_is_ever_printed() {
        assert_eq!(Key::from_ascii("short"), Err(KeyError::Length(5)));
        assert_eq!(Key::from_hex("xy"), Err(KeyError::NotHex));
        let key = Key::from_ascii("AAAAAAAAAAAAAAAA").unwrap();
        assert_eq!(format!("{key:?}"), "Key(..)");
        assert_eq!(key.decrypt(b"ABC"), None);
        assert_eq!(key.decrypt(b""), None);
    }
}
