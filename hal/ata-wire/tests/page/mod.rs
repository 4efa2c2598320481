//! Reads PROTOCOL.md: its fenced blocks, their fields, their octets.

pub(crate) mod message;

use std::collections::BTreeMap;

pub(crate) const PAGE: &str = include_str!("../../PROTOCOL.md");

/// The fields of a `vector` block; `line` and `step` may come more than once.
pub(crate) struct Vector(BTreeMap<String, Vec<String>>);

impl Vector {
    pub(crate) fn text(&self, key: &str) -> &str {
        let values =
            self.0.get(key).unwrap_or_else(|| panic!("PROTOCOL.md: `{}` without {key}", self.name()));
        &values[0]
    }

    pub(crate) fn name(&self) -> &str {
        self.0.get("message").map_or("nameless vector", |values| &values[0])
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn all(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn number<T: TryFrom<u32>>(&self, key: &str) -> T {
        number(self.text(key))
    }

    pub(crate) fn octets(&self, key: &str) -> Vec<u8> {
        octets(self.text(key))
    }
}

pub(crate) fn number<T: TryFrom<u32>>(text: &str) -> T {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    let wide = parsed.unwrap_or_else(|error| panic!("PROTOCOL.md: number `{text}`: {error}"));
    T::try_from(wide).unwrap_or_else(|_| panic!("PROTOCOL.md: number `{text}` is too large"))
}

pub(crate) fn octets(text: &str) -> Vec<u8> {
    let octet =
        |hex| u8::from_str_radix(hex, 16).unwrap_or_else(|e| panic!("PROTOCOL.md: octet `{hex}`: {e}"));
    text.split_whitespace().map(octet).collect()
}

/// The insides of all fences of a language, in order.
pub(crate) fn fences(language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let blocks = PAGE.split(&opening).skip(1);
    blocks.map(|rest| rest.split("```").next().expect("split gives at least one part").to_owned()).collect()
}

pub(crate) fn vectors() -> Vec<Vector> {
    fences("vector").iter().map(|block| parse(block)).collect()
}

/// `key: value` lines; a line that begins with a blank continues the one before.
fn parse(block: &str) -> Vector {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last = String::new();
    for line in block.lines() {
        if line.starts_with(' ') {
            let value = fields.get_mut(&last).and_then(|values| values.last_mut());
            let value = value.unwrap_or_else(|| panic!("PROTOCOL.md: `{line}` continues nothing"));
            value.push_str(line);
        } else {
            let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("PROTOCOL.md: `{line}`"));
            last = key.to_owned();
            fields.entry(last.clone()).or_default().push(value.trim().to_owned());
        }
    }
    Vector(fields)
}
