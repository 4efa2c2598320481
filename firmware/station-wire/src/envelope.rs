//! The frame around everything: LF, CRC, length, the header's fields, CR.

use core::str;

use crc::{CRC_16_ARC, Crc};

/// CRC-16/ARC over the first quote up to the byte before CR (DC-09 5.5.1.2).
const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_ARC);

/// Puts LF, CRC, length and CR around a body that begins with the quoted identifier.
pub(crate) fn wrap(body: &[u8]) -> Vec<u8> {
    let mut frame = format!("\n{:04X}0{:03X}", CRC.checksum(body), body.len()).into_bytes();
    frame.extend_from_slice(body);
    frame.push(b'\r');
    frame
}

/// A frame taken apart; borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    /// Without quotes and star.
    pub(crate) id: &'a str,
    /// The star in front of the identifier.
    pub(crate) encrypted: bool,
    pub(crate) sequence: u16,
    /// As written, `None` when absent or not a number (`RNone` was seen).
    pub(crate) receiver: Option<u32>,
    /// As written; `None` when empty or not a number.
    pub(crate) prefix: Option<u32>,
    /// Without `#`; empty when absent.
    pub(crate) account: &'a str,
    /// What follows the opening bracket, CR excluded.
    pub(crate) rest: &'a [u8],
    /// The length field agrees with the frame.
    pub(crate) length_agrees: bool,
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvelopeFault {
    Shape,
    Checksum,
}

/// Takes a frame apart. `frame` is what lies between LF and CR, both excluded.
pub(crate) fn unwrap(frame: &[u8]) -> Result<Envelope<'_>, EnvelopeFault> {
    let (head, body) = frame.split_at_checked(8).ok_or(EnvelopeFault::Shape)?;
    let head = str::from_utf8(head).map_err(|_| EnvelopeFault::Shape)?;
    let number =
        |text: Option<&str>| text.and_then(|t| u16::from_str_radix(t, 16).ok()).ok_or(EnvelopeFault::Shape);
    let (checksum, length) = (number(head.get(..4))?, number(head.get(4..))?);
    if body.first() != Some(&b'"') {
        return Err(EnvelopeFault::Shape);
    }
    if CRC.checksum(body) != checksum {
        return Err(EnvelopeFault::Checksum);
    }
    let envelope = fields(body).ok_or(EnvelopeFault::Shape)?;
    Ok(Envelope { length_agrees: usize::from(length) == body.len(), ..envelope })
}

fn fields(body: &[u8]) -> Option<Envelope<'_>> {
    let bracket = body.iter().position(|b| *b == b'[')?;
    let header = str::from_utf8(body.get(..bracket)?).ok()?;
    let rest = body.get(bracket + 1..)?;
    let (quoted, header) = header.strip_prefix('"')?.split_once('"')?;
    let (encrypted, id) = quoted.strip_prefix('*').map_or((false, quoted), |id| (true, id));
    let sequence = header.get(..4)?;
    if !sequence.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (numbers, account) = header.get(4..)?.split_once('#').unwrap_or((header.get(4..)?, ""));
    let (receiver, prefix) = numbers.split_once('L').unwrap_or((numbers, ""));
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    Some(Envelope {
        id,
        encrypted,
        sequence: sequence.parse().ok()?,
        receiver: receiver.strip_prefix('R').and_then(hex),
        prefix: hex(prefix),
        account,
        rest,
        length_agrees: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_standard_and_of_the_field_are_taken_apart() {
        for frame in [
            "96ED0016\"SIA-DCS\"0001L0#1234[]",
            "F4D20029\"SIA-DCS\"0001RF3L77#1234[#1234|NRR|Atest]",
            "E4410025\"NAK\"0000R0L0A0[]_16:20:01,09-24-2025",
            "1EB60014\"ACK\"0001R1L0#1234[]",
            "EEA50029\"NULL\"0000R1L1#9413[]_16:56:18,09-07-2023",
            "EA740027\"NULL\"0000L0#1409[]_20:38:07,08-27-2026",
            "54230012\"NULL\"0000L0#AAA[]",
        ] {
            let envelope = unwrap(frame.as_bytes()).unwrap_or_else(|fault| panic!("{frame}: {fault:?}"));
            assert!(envelope.length_agrees, "{frame}");
            let wrapped = wrap(&frame.as_bytes()[8..]);
            assert_eq!(wrapped, format!("\n{frame}\r").into_bytes());
        }
        let seen = unwrap(b"F4D20029\"SIA-DCS\"0001RF3L77#1234[#1234|NRR|Atest]").unwrap();
        assert_eq!((seen.receiver, seen.prefix, seen.account), (Some(0xF3), Some(0x77), "1234"));
        assert_eq!(seen.rest, b"#1234|NRR|Atest]");
    }

    #[test]
    fn one_wrong_byte_is_a_wrong_checksum() {
        assert_eq!(unwrap(b"1EB60014\"ACK\"0002R1L0#1234[]"), Err(EnvelopeFault::Checksum));
        assert_eq!(unwrap(b"1EB6"), Err(EnvelopeFault::Shape));
        assert_eq!(unwrap(b"zzzz0014\"ACK\"0001R1L0#1234[]"), Err(EnvelopeFault::Shape));
    }
}
