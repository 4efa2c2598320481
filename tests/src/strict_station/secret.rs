//! The station's side of the encrypted form (DC-09 5.4): AES-CBC, IV of zeros, block by block.

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use anyhow::{Result, bail};

const BLOCK: usize = 16;

/// A key of 16, 24 or 32 octets.
#[derive(Clone)]
pub(super) enum Secret {
    Bits128(Box<Aes128>),
    Bits192(Box<Aes192>),
    Bits256(Box<Aes256>),
}

impl Secret {
    pub(super) fn new(key: &[u8]) -> Result<Self> {
        Ok(match key.len() {
            16 => Self::Bits128(Box::new(Aes128::new(GenericArray::from_slice(key)))),
            24 => Self::Bits192(Box::new(Aes192::new(GenericArray::from_slice(key)))),
            32 => Self::Bits256(Box::new(Aes256::new(GenericArray::from_slice(key)))),
            other => bail!("a key of {other} octets: AES wants 16, 24 or 32"),
        })
    }

    /// Upper-case hexadecimal of a text that is padded in front to whole blocks.
    pub(super) fn seal(&self, text: &str) -> String {
        let marked = format!("|{text}");
        let pad = BLOCK - marked.len() % BLOCK;
        let mut plain: Vec<u8> = (0..pad).map(|place| b'a' + u8::try_from(place).unwrap_or(0)).collect();
        plain.extend_from_slice(marked.as_bytes());
        let mut before = [0; BLOCK];
        let mut hex = String::new();
        for block in plain.chunks_exact(BLOCK) {
            before = self.encrypt_block(xor(block, &before));
            hex.extend(before.iter().map(|octet| format!("{octet:02X}")));
        }
        hex
    }

    /// The octets behind hexadecimal text of whole blocks, as they were before encryption.
    pub(super) fn open(&self, hex: &[u8]) -> Option<Vec<u8>> {
        if hex.is_empty() || hex.len() % (2 * BLOCK) != 0 {
            return None;
        }
        let digit = |octet: u8| match octet {
            b'0'..=b'9' => Some(octet - b'0'),
            b'A'..=b'F' => Some(octet - b'A' + 10),
            _ => None,
        };
        let secret: Vec<u8> =
            hex.chunks_exact(2).map(|p| Some(digit(p[0])? * 16 + digit(p[1])?)).collect::<Option<_>>()?;
        let mut before = [0; BLOCK];
        let mut plain = Vec::with_capacity(secret.len());
        for block in secret.chunks_exact(BLOCK) {
            plain.extend(xor(&self.decrypt_block(block), &before));
            before.copy_from_slice(block);
        }
        Some(plain)
    }

    fn encrypt_block(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = GenericArray::from(block);
        match self {
            Self::Bits128(key) => key.encrypt_block(&mut block),
            Self::Bits192(key) => key.encrypt_block(&mut block),
            Self::Bits256(key) => key.encrypt_block(&mut block),
        }
        block.into()
    }

    fn decrypt_block(&self, block: &[u8]) -> [u8; BLOCK] {
        let mut block = GenericArray::clone_from_slice(block);
        match self {
            Self::Bits128(key) => key.decrypt_block(&mut block),
            Self::Bits192(key) => key.decrypt_block(&mut block),
            Self::Bits256(key) => key.decrypt_block(&mut block),
        }
        block.into()
    }
}

fn xor(left: &[u8], right: &[u8; BLOCK]) -> [u8; BLOCK] {
    let mut both = *right;
    both.iter_mut().zip(left).for_each(|(octet, other)| *octet ^= other);
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        for length in [16, 24, 32] {
            let secret = Secret::new(&vec![7; length]).unwrap();
            let hex = secret.seal("]_16:20:01,09-24-2025");
            let plain = secret.open(hex.as_bytes()).unwrap();
            assert!(plain.ends_with(b"|]_16:20:01,09-24-2025"), "{length}");
            let other = Secret::new(&vec![8; length]).unwrap();
            assert_ne!(other.open(hex.as_bytes()).unwrap(), plain);
            assert_eq!(secret.open(hex.to_lowercase().as_bytes()), None, "lower case is not the standard's");
        }
    }
}
