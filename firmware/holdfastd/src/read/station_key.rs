//! The key of a station: from a line of text to what frames are encrypted with.
//!
//! It refuses to show any part of a key: what is wrong is told by counts and places.

use board_configs::KeyEncoding;
use station_wire::Key;

/// Far more than any key and its line feed.
pub(crate) const MAX_KEY_FILE: u64 = 1024;

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Found, expected.
    pub(crate) what: String,
    pub(crate) remedy: &'static str,
}

/// The key that a file's text is.
pub(crate) fn key(text: &str, encoding: KeyEncoding) -> Result<Key, Wrong> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let line = match encoding {
        KeyEncoding::Hex => line.trim(),
        KeyEncoding::Ascii => line,
    };
    match refused(line, encoding) {
        Some(wrong) => Err(wrong),
        None => Ok(match encoding {
            KeyEncoding::Hex => Key::from_hex(line),
            KeyEncoding::Ascii => Key::from_ascii(line),
        }
        .expect("length and characters were judged")),
    }
}

fn refused(line: &str, encoding: KeyEncoding) -> Option<Wrong> {
    let wrong = |what: String, remedy| Some(Wrong { what, remedy });
    let length = line.chars().count();
    if length == 0 {
        return wrong(
            "it is empty".to_owned(),
            "Write the key that the alarm receiving centre gave you into it.",
        );
    }
    if line.contains(['\n', '\r']) {
        return wrong("it has more than one line".to_owned(), "Leave the line with the key only.");
    }
    let (fits, lengths, unit): (fn(char) -> bool, [usize; 3], &str) = match encoding {
        KeyEncoding::Hex => (|c| c.is_ascii_hexdigit(), [32, 48, 64], "hexadecimal digits"),
        KeyEncoding::Ascii => (|c| c == ' ' || c.is_ascii_graphic(), [16, 24, 32], "characters"),
    };
    let expected = format!("expected {}, {} or {} {unit}", lengths[0], lengths[1], lengths[2]);
    let odd = line.chars().position(|c| !fits(c)).map(|at| at + 1);
    let is_of_the_other_length = encoding == KeyEncoding::Hex && [16, 24].contains(&length);
    if is_of_the_other_length || (odd.is_some() && encoding == KeyEncoding::Hex && length == 32) {
        let what = format!("{length} characters are a key of plain characters; {expected}");
        return wrong(
            what,
            "Write key_encoding = \"ascii\" if the receiver takes the characters themselves.",
        );
    }
    if let Some(at) = odd {
        let what = format!("character {at} cannot stand in it; {expected}");
        return wrong(
            what,
            "Write the key as the alarm receiving centre gave it, without blanks or a prefix.",
        );
    }
    if lengths.contains(&length) {
        return None;
    }
    if encoding == KeyEncoding::Ascii
        && [48, 64].contains(&length)
        && line.chars().all(|c| c.is_ascii_hexdigit())
    {
        let what = format!("{length} hexadecimal digits are a key by themselves; {expected}");
        return wrong(what, "Remove key_encoding = \"ascii\".");
    }
    wrong(format!("it has {length} {unit}; {expected}"), "Copy the key anew, or ask for it again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_line_of_the_right_length() {
        let digits =
            |n: usize| "0123456789abcdefABCDEF0123456789".chars().cycle().take(n).collect::<String>();
        for length in [32, 48, 64] {
            let key_of = |text: &str| key(text, KeyEncoding::Hex);
            let plain = key_of(&digits(length)).unwrap();
            for end in ["\n", "\r\n", "  \n"] {
                assert_eq!(key_of(&format!("{}{end}", digits(length))), Ok(plain.clone()), "{length}{end:?}");
            }
        }
        for length in [16, 24, 32] {
            let plain = key(&digits(length), KeyEncoding::Ascii).unwrap();
            assert_eq!(key(&format!("{}\n", digits(length)), KeyEncoding::Ascii), Ok(plain.clone()));
            assert_ne!(key(&digits(2 * length), KeyEncoding::Hex), Ok(plain), "read as written");
        }
        assert!(key("a b c d e f g h ", KeyEncoding::Ascii).is_ok(), "a blank is a character");
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_without_the_key() {
        let (hex, ascii) = (KeyEncoding::Hex, KeyEncoding::Ascii);
        let cases = [
            ("", hex, "it is empty"),
            ("\n", ascii, "it is empty"),
            ("5eca\n5eca\n", hex, "more than one line"),
            ("5eca5eca5eca5eca5eca5eca5eca5ec", hex, "it has 31 hexadecimal digits; expected 32, 48 or 64"),
            ("5eca5eca5eca5eca", hex, "16 characters are a key of plain characters"),
            ("zeca5eca5eca5eca5eca5eca5eca5eca", hex, "32 characters are a key of plain characters"),
            ("5eca5eca 5eca5eca5eca5eca5eca5eca5", hex, "character 9 cannot stand in it"),
            ("5eca5eca5eca5ec", ascii, "it has 15 characters; expected 16, 24 or 32"),
            ("5eca5eca5eca5ec\u{e9}", ascii, "character 16 cannot stand in it"),
            ("5eca5eca5eca5eca5eca5eca5eca5eca5eca5eca5eca5eca", ascii, "48 hexadecimal digits are a key"),
        ];
        for (text, encoding, words) in cases {
            let wrong = key(text, encoding).unwrap_err();
            assert!(wrong.what.contains(words), "{text:?}: {wrong:?}");
            assert!(!format!("{wrong:?}").contains("5eca"), "{wrong:?}");
        }
    }
}
