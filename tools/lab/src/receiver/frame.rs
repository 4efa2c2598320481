//! A frame of SIA DC-09 in clear, as a receiver reads it.

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// `ADM-CID`, `NULL` ...
    pub(crate) id: String,
    pub(crate) sequence: String,
    pub(crate) account: String,
    /// Between the first brackets.
    pub(crate) data: String,
    /// `R`, `L` and account as they were written: an answer repeats them.
    address: String,
}

impl Frame {
    /// `<LF>CCCC0LLL"id"SSSS...[...]...<CR>`; `None`: damaged, or no frame.
    pub(crate) fn parse(raw: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(raw).ok()?.strip_prefix('\n')?.strip_suffix('\r')?;
        let (crc, rest) = text.split_at_checked(4)?;
        let (length, body) = rest.split_at_checked(4)?;
        let number = |digits| u16::from_str_radix(digits, 16).ok();
        let whole = number(crc)? == crc16(body.as_bytes()) && usize::from(number(length)?) == body.len();
        if !whole {
            return None;
        }
        let (id, rest) = body.strip_prefix('"')?.split_once('"')?;
        let (sequence, rest) = rest.split_at_checked(4)?;
        let (address, rest) = rest.split_once('[')?;
        let (data, _) = rest.split_once(']')?;
        let (_, account) = address.split_once('#')?;
        let [id, sequence, account, data, address] =
            [id, sequence, account, data, address].map(str::to_owned);
        Some(Self { id, sequence, account, data, address })
    }

    /// `ACK` for it.
    pub(crate) fn acknowledgement(&self) -> Vec<u8> {
        framed(&format!("\"ACK\"{}{}[]", self.sequence, self.address))
    }
}

/// A body between its sum, its length and the ends of a frame.
pub(crate) fn framed(body: &str) -> Vec<u8> {
    format!("\n{:04X}{:04X}{body}\r", crc16(body.as_bytes()), body.len()).into_bytes()
}

/// CRC-16/ARC, as DC-07 means it.
fn crc16(octets: &[u8]) -> u16 {
    octets.iter().fold(0, |crc, octet| {
        (0..8).fold(crc ^ u16::from(*octet), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xA001 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_published_one() {
        assert_eq!(crc16(b"123456789"), 0xBB3D);
    }

    #[test]
    fn an_event_is_read_and_its_acknowledgement_repeats_the_address() {
        let raw = framed(r##""ADM-CID"0007R1L0#A017[#1234|1131 01 015]_13:14:15,11-24-2026"##);
        let frame = Frame::parse(&raw).unwrap();
        let read = [&frame.id, &frame.sequence, &frame.account, &frame.data].map(String::as_str);
        assert_eq!(read, ["ADM-CID", "0007", "A017", "#1234|1131 01 015"]);
        assert_eq!(frame.acknowledgement(), framed(r##""ACK"0007R1L0#A017[]"##));
    }

    #[test]
    fn what_is_damaged_is_no_frame() {
        let good = framed(r##""NULL"0000L0#A017[]"##);
        assert!(Frame::parse(&good).is_some());
        for place in 0..good.len() {
            let mut damaged = good.clone();
            damaged[place] ^= 1;
            assert_eq!(Frame::parse(&damaged), None, "octet {place}");
        }
    }
}
