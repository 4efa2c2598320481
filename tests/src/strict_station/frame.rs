//! A frame, read to the letter of the standard: what a lenient receiver would forgive is a fault.

use super::secret::Secret;
use super::stamp;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Frame {
    /// `ADM-CID` or `NULL`, without star.
    pub identifier: String,
    /// It came encrypted.
    pub encrypted: bool,
    /// 1 to 9999.
    pub sequence: u16,
    /// What follows `R`, as written.
    pub receiver: Option<String>,
    /// What follows `L`, as written.
    pub prefix: String,
    /// What follows `#` in front of the bracket, as written; empty when absent.
    pub account: String,
    /// What stands between the first brackets, for example `#1234|1131 01 015`.
    pub data: String,
    /// The extended fields behind it, without brackets.
    pub extended: Vec<String>,
    /// Its stamp, seconds since 1970.
    pub stamp: Option<i64>,
}

impl Frame {
    /// It reports something, as opposed to a sign of life.
    #[must_use]
    pub fn is_signal(&self) -> bool {
        self.identifier != "NULL"
    }
}

/// Reads what lies from LF to CR, both included. The error names the rule that was broken.
pub(super) fn read(octets: &[u8], secret: Option<&Secret>) -> Result<Frame, String> {
    let body = envelope(octets)?;
    let bracket = body.iter().position(|octet| *octet == b'[').ok_or("there is no opening bracket")?;
    let header = std::str::from_utf8(&body[..bracket]).map_err(|_| "the header is not ASCII")?;
    let mut frame = read_header(header)?;
    let rest = &body[bracket + 1..];
    let text = match (frame.encrypted, secret) {
        (true, Some(secret)) => {
            unpadded(&secret.open(rest).ok_or("what is encrypted is no hexadecimal blocks")?)?
        }
        (false, None) => rest.to_vec(),
        (true, None) => return Err("it is encrypted, and we share no key".to_owned()),
        (false, Some(_)) => return Err("it came in clear although we share a key".to_owned()),
    };
    let text = String::from_utf8(text).map_err(|_| "the content is not ASCII")?;
    read_content(&text, &mut frame)?;
    if frame.encrypted && frame.stamp.is_none() {
        return Err("it is encrypted and has no stamp".to_owned());
    }
    Ok(frame)
}

/// CRC-16/ARC, bit by bit.
pub(super) fn checksum(body: &[u8]) -> u16 {
    body.iter().fold(0, |crc, octet| {
        (0..8).fold(
            crc ^ u16::from(*octet),
            |crc: u16, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 }
            },
        )
    })
}

fn envelope(octets: &[u8]) -> Result<&[u8], String> {
    let inner = octets.strip_prefix(b"\n").and_then(|rest| rest.strip_suffix(b"\r"));
    let inner = inner.ok_or("it does not lie between LF and CR")?;
    let (head, body) = inner.split_at_checked(8).ok_or("it is shorter than checksum and length")?;
    if head[..4] != *format!("{:04X}", checksum(body)).as_bytes() {
        return Err("the checksum is wrong".to_owned());
    }
    if head[4..] != *format!("0{:03X}", body.len()).as_bytes() {
        return Err(format!("the length is wrong: the body has {} octets", body.len()));
    }
    Ok(body)
}

fn read_header(header: &str) -> Result<Frame, String> {
    let rest = header.strip_prefix('"').ok_or("the body does not begin with a quote")?;
    let (quoted, rest) = rest.split_once('"').ok_or("the identifier does not end with a quote")?;
    let (encrypted, identifier) = quoted.strip_prefix('*').map_or((false, quoted), |id| (true, id));
    if !["ADM-CID", "NULL"].contains(&identifier) {
        return Err(format!("nobody agreed on {identifier}"));
    }
    let (digits, rest) = rest.split_at_checked(4).ok_or("the sequence is shorter than 4 digits")?;
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) || digits == "0000" {
        return Err(format!("{digits} is no sequence of 0001 to 9999"));
    }
    let (receiver, rest) = match rest.strip_prefix('R') {
        Some(rest) => rest.split_once('L').map(|(r, rest)| (Some(r), rest)).ok_or("L is missing")?,
        None => (None, rest.strip_prefix('L').ok_or("L is missing")?),
    };
    let (prefix, account) = rest.split_once('#').map_or((rest, None), |(l, account)| (l, Some(account)));
    for (what, field, shortest, longest) in
        [("R", receiver, 1, 6), ("L", Some(prefix), 1, 6), ("#", account, 3, 16)]
    {
        if !field.is_none_or(|field| is_hex(field, shortest, longest)) {
            return Err(format!("{what} is not {shortest} to {longest} hexadecimal digits"));
        }
    }
    if identifier != "NULL" && account.is_none() {
        return Err("a signal without an account".to_owned());
    }
    Ok(Frame {
        identifier: identifier.to_owned(),
        encrypted,
        sequence: digits.parse().map_err(|_| "the sequence is no number")?,
        receiver: receiver.map(str::to_owned),
        prefix: prefix.to_owned(),
        account: account.unwrap_or_default().to_owned(),
        data: String::new(),
        extended: Vec::new(),
        stamp: None,
    })
}

fn is_hex(text: &str, shortest: usize, longest: usize) -> bool {
    (shortest..=longest).contains(&text.len())
        && text.bytes().all(|o| o.is_ascii_digit() || (b'A'..=b'F').contains(&o))
}

/// The pad is 1 to 16 octets without `|`, `[` and `]`; `|` follows it (DC-09 5.4.1).
fn unpadded(plain: &[u8]) -> Result<Vec<u8>, String> {
    let mark = plain.iter().position(|octet| *octet == b'|').ok_or("no | behind the pad: another key?")?;
    if !(1..=16).contains(&mark) {
        return Err(format!("a pad of {mark} octets: another key?"));
    }
    if plain[..mark].iter().any(|octet| [b'[', b']'].contains(octet)) {
        return Err("a bracket in the pad".to_owned());
    }
    Ok(plain[mark + 1..].to_vec())
}

fn read_content(text: &str, frame: &mut Frame) -> Result<(), String> {
    let (data, mut rest) = text.split_once(']').ok_or("there is no closing bracket")?;
    if frame.is_signal() {
        is_contact_id(data)?;
    } else if !data.is_empty() {
        return Err("a sign of life that says something".to_owned());
    }
    data.clone_into(&mut frame.data);
    while let Some(field) = rest.strip_prefix('[') {
        let (field, behind) = field.split_once(']').ok_or("an extended field does not end")?;
        if !field.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            return Err(format!("an extended field without a letter: {field}"));
        }
        if field.strip_prefix('H').is_some_and(|at| stamp::read(at).is_none()) {
            return Err(format!("no time: {field}"));
        }
        frame.extended.push(field.to_owned());
        rest = behind;
    }
    if rest.is_empty() {
        return Ok(());
    }
    let written = rest.strip_prefix('_').and_then(stamp::read);
    frame.stamp = Some(written.ok_or_else(|| format!("no stamp: {rest}"))?);
    Ok(())
}

/// `#ACCT|QXYZ GG CCC` (DC-07).
fn is_contact_id(data: &str) -> Result<(), String> {
    let told = || format!("no Contact ID message: {data}");
    let (account, message) = data.strip_prefix('#').and_then(|d| d.split_once('|')).ok_or_else(told)?;
    let fields: Vec<&str> = message.split(' ').collect();
    let [event, partition, zone] = fields[..] else { return Err(told()) };
    let fits = is_hex(account, 3, 16)
        && is_hex(event, 4, 4)
        && ["1", "3", "6"].contains(&&event[..1])
        && is_hex(partition, 2, 2)
        && is_hex(zone, 3, 3);
    if fits { Ok(()) } else { Err(told()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(checksum(b"123456789"), 0xBB3D);
    }

    #[test]
    fn frames_of_the_field_are_read_and_every_broken_rule_is_named() {
        let seen = read(b"\nEEA50029\"NULL\"0000R1L1#9413[]_16:56:18,09-07-2023\r", None);
        assert_eq!(seen, Err("0000 is no sequence of 0001 to 9999".to_owned()));
        for (body, expected) in [
            (r#""ADM-CID"0001R1L0#1234[#1234|1131 01 015]"#, None),
            (r#""ADM-CID"0001L0#1234[#1234|1131 01 015][H16:20:01,09-24-2025]_16:20:11,09-24-2025"#, None),
            (r#""NULL"9999R1L0[]_16:20:01,09-24-2025"#, None),
            (
                r#""ADM-CID"0001R1L0#1234[#1234|2131 01 015]"#,
                Some("no Contact ID message: #1234|2131 01 015"),
            ),
            (r#""ADM-CID"0001R1L0#1234[#1234|1131 01 15]"#, Some("no Contact ID message: #1234|1131 01 15")),
            (r#""ADM-CID"0001R1#1234[#1234|1131 01 015]"#, Some("L is missing")),
            (r#""ADM-CID"0001R1L0#12[#1234|1131 01 015]"#, Some("# is not 3 to 16 hexadecimal digits")),
            (r#""ADM-CID"0001R1L0[#1234|1131 01 015]"#, Some("a signal without an account")),
            (r#""NULL"0001R1L0[]_6:20:01,09-24-2025"#, Some("no stamp: _6:20:01,09-24-2025")),
            (r#""NULL"0001R1L0[x]"#, Some("a sign of life that says something")),
        ] {
            let octets = format!("\n{:04X}0{:03X}{body}\r", checksum(body.as_bytes()), body.len());
            assert_eq!(read(octets.as_bytes(), None).err().as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_wrong_length_or_a_flipped_bit_is_a_fault() {
        assert!(read(b"\n96ED0017\"SIA-DCS\"0001L0#1234[]\r", None).is_err());
        assert_eq!(
            read(b"\n96ED0016\"SIA-DCS\"0001L0#1235[]\r", None),
            Err("the checksum is wrong".to_owned())
        );
    }

    #[test]
    fn a_pad_that_breaks_the_rules_is_a_fault() {
        assert!(unpadded(b"0123456789abcde|]").is_ok());
        assert!(unpadded(b"|]").is_err(), "none");
        assert!(unpadded(b"01[3456789abcde|]").is_err(), "a bracket");
        assert!(unpadded(b"0123456789abcdef0|]").is_err(), "too long");
    }
}
