//! What a PEM text (RFC 7468) holds, as far as its labels and its first byte tell.
//!
//! It refuses to judge a certificate: signatures, names and dates are for TLS itself.

/// The first byte of every certificate and key: an ASN.1 SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// What a file has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Certificate,
    PrivateKey,
}

impl Wanted {
    const fn expected(self) -> &'static str {
        match self {
            Self::Certificate => "a block -----BEGIN CERTIFICATE-----",
            Self::PrivateKey => "a block -----BEGIN PRIVATE KEY-----",
        }
    }

    fn is(self, label: &str) -> bool {
        match self {
            Self::Certificate => label == "CERTIFICATE",
            Self::PrivateKey => ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].contains(&label),
        }
    }
}

/// `Err` says what is wrong: found, expected.
pub(super) fn judge(text: &str, wanted: Wanted) -> Result<(), String> {
    let blocks = blocks(text)?;
    if let Some((_, body)) = blocks.iter().find(|(label, _)| wanted.is(label)) {
        return match first_byte(body) {
            Some(SEQUENCE) => Ok(()),
            Some(_) | None => Err(format!("{} is there, but its text is damaged", wanted.expected())),
        };
    }
    if wanted == Wanted::PrivateKey && text.contains("ENCRYPTED") {
        return Err("the key is encrypted, and nobody is there to type its passphrase".to_owned());
    }
    let labels: Vec<_> = blocks.iter().map(|(label, _)| *label).collect();
    let found = if labels.is_empty() { "no PEM block".to_owned() } else { labels.join(", ") };
    Err(format!("found {found}, expected {}", wanted.expected()))
}

fn blocks(text: &str) -> Result<Vec<(&str, String)>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
            continue;
        };
        let end = format!("-----END {label}-----");
        let mut body = String::new();
        loop {
            match lines.next() {
                Some(line) if line == end => break,
                Some(line) => body.push_str(line),
                None => return Err(format!("the block {label:?} has no end: the file is cut off")),
            }
        }
        blocks.push((label, body));
    }
    Ok(blocks)
}

/// The first byte of a text that is base64 as a whole.
fn first_byte(body: &str) -> Option<u8> {
    let digits = body.trim_end_matches('=');
    let whole = body.len() % 4 == 0 && body.len() - digits.len() <= 2;
    let mut values = digits.bytes().map(base64);
    let (high, low) = (values.next()??, values.next()??);
    (whole && values.all(|value| value.is_some())).then_some(high << 2 | low >> 4)
}

const fn base64(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[test]
    fn labels_and_the_shape_of_the_text_are_judged() {
        let good = "MIIB\nAAAA";
        let cases = [
            (block("CERTIFICATE", good), Wanted::Certificate, None),
            (format!("words\n{}", block("CERTIFICATE", good)), Wanted::Certificate, None),
            (block("PRIVATE KEY", good), Wanted::PrivateKey, None),
            (block("EC PRIVATE KEY", good), Wanted::PrivateKey, None),
            (block("EC PARAMETERS", "BggqAA==") + &block("EC PRIVATE KEY", good), Wanted::PrivateKey, None),
            (block("PRIVATE KEY", good), Wanted::Certificate, Some("found PRIVATE KEY, expected")),
            (block("CERTIFICATE", good), Wanted::PrivateKey, Some("found CERTIFICATE, expected")),
            (block("ENCRYPTED PRIVATE KEY", good), Wanted::PrivateKey, Some("passphrase")),
            (String::new(), Wanted::Certificate, Some("found no PEM block")),
            ("-----BEGIN CERTIFICATE-----\nMIIB".into(), Wanted::Certificate, Some("cut off")),
            (block("CERTIFICATE", "MII"), Wanted::Certificate, Some("damaged")),
            (block("CERTIFICATE", "MI*B"), Wanted::Certificate, Some("damaged")),
            (block("CERTIFICATE", "AAAA"), Wanted::Certificate, Some("damaged")),
            (block("CERTIFICATE", ""), Wanted::Certificate, Some("damaged")),
            (block("CERTIFICATE", "===="), Wanted::Certificate, Some("damaged")),
        ];
        for (text, wanted, wrong) in cases {
            let found = judge(&text, wanted);
            match wrong {
                None => assert_eq!(found, Ok(()), "{text}"),
                Some(words) => assert!(found.as_ref().is_err_and(|e| e.contains(words)), "{text}{found:?}"),
            }
        }
    }
}
