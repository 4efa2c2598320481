//! The two checksums. Audio is many and short-lived: 16 bits. Everything else must never be
//! believed wrongly: 32 bits.

use crc::{CRC_16_IBM_SDLC, CRC_32_ISO_HDLC, Crc};

const CRC16: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_SDLC);
const CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// CRC-16/IBM-SDLC, for audio frames.
#[must_use]
pub fn crc16(octets: &[u8]) -> u16 {
    CRC16.checksum(octets)
}

/// CRC-32/ISO-HDLC, for every other frame.
#[must_use]
pub fn crc32(octets: &[u8]) -> u32 {
    CRC32.checksum(octets)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_values_are_those_of_the_catalogue() {
        assert_eq!(super::crc16(b"123456789"), 0x906e);
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
    }
}
