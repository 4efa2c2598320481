//! Sizes and times as a technician reads them.

use std::time::Duration;

/// Disks are sold in powers of ten.
const UNITS: &[(u64, &str)] =
    &[(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];

/// `31.9 GB`.
pub fn size(bytes: u64) -> String {
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// `3:07`, or `1:02:03` from an hour on.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Bytes as small letters and digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A SHA-256 written in hex.
pub fn sha256_of_hex(text: &str) -> Option<[u8; 32]> {
    let text = text.trim().as_bytes();
    let mut digest = [0; 32];
    if text.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_on_the_card() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (31_914_983_424, "31.9 GB"),
            (u64::MAX, "18446744.0 TB"),
        ];
        for (bytes, text) in table {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn times_have_hours_only_when_there_are_some() {
        for (seconds, text) in [(0, "0:00"), (187, "3:07"), (3723, "1:02:03")] {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_digest_survives_hex_and_odd_text_is_none() {
        let digest: [u8; 32] = std::array::from_fn(|i| i as u8 * 7);
        assert_eq!(sha256_of_hex(&hex(&digest)), Some(digest));
        for odd in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(sha256_of_hex(odd), None, "{odd}");
        }
    }
}
