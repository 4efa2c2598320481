//! Values of TOML: what was found, what would be right, in words.

use toml::de::DeValue;

use crate::key::{Form, Key, Kind, Need};
use crate::suggest::nearest;

/// A whole number that is not negative.
pub(crate) fn whole(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// One of the words; `Err` says what was found and perhaps meant.
pub(crate) fn one_of(words: &[&'static str], value: &DeValue<'_>) -> Result<&'static str, String> {
    let Some(written) = value.as_str() else { return Err(found(value)) };
    if let Some(word) = words.iter().find(|word| **word == written) {
        return Ok(word);
    }
    let near = nearest(written, words.iter().copied());
    Err(near.map_or_else(|| found(value), |near| format!("{} (meant {near:?}?)", found(value))))
}

/// What was found, short enough for a message.
pub(crate) fn found(value: &DeValue<'_>) -> String {
    let short = |text: &str| {
        const ENOUGH: usize = 60;
        let cut: String = text.chars().take(ENOUGH).collect();
        if cut.len() < text.len() { format!("{cut:?}...") } else { format!("{cut:?}") }
    };
    match (value.as_str(), value.as_integer(), value.as_bool()) {
        (Some(text), ..) => short(text),
        (_, Some(integer), _) => format!("the number {integer}"),
        (.., Some(flag)) => flag.to_string(),
        _ => format!("a value of type {}", value.type_str()),
    }
}

/// The value as a report shows it.
pub(crate) fn spell(value: &DeValue<'_>) -> String {
    let Some(entries) = value.as_array() else {
        return value.as_str().map_or_else(|| found(value).replace("the number ", ""), str::to_owned);
    };
    entries.iter().map(|entry| spell(entry.get_ref())).collect::<Vec<_>>().join(", ")
}

/// How the key would be written.
pub(crate) fn example(key: &Key) -> String {
    let name = key.name;
    let quoted = |text: &str| format!("{name} = \"{text}\"");
    let default = match key.need {
        Need::Default(text) => Some(text),
        Need::Required | Need::Without(_) => None,
    };
    match key.kind {
        Kind::Flag => format!("{name} = {}", default.unwrap_or("true")),
        Kind::Whole { min, .. } => {
            format!("{name} = {}", default.map_or_else(|| min.to_string(), str::to_owned))
        }
        Kind::Time { min, .. } | Kind::TimeOrNever { min, .. } | Kind::Size { min, .. } => {
            quoted(default.unwrap_or(min))
        }
        Kind::Word(words) => quoted(default.unwrap_or(words[0])),
        Kind::Words(words) => format!("{name} = [\"{}\"]", words[0]),
        Kind::Addresses { .. } => format!("{name} = [\"192.0.2.1\", \"2001:db8::1\"]"),
        Kind::Names { .. } | Kind::Section(_) => format!("[{name}]"),
        Kind::Sections { .. } => format!("[[{name}]]"),
        Kind::Text(form) => quoted(match form {
            Form::SiteName => "clinic-017",
            Form::Name => "fibre",
            Form::Port => "wan1",
            Form::Label => "a few words",
            Form::BoardName => "lab",
            Form::Interface => "eth0",
            Form::Device => "/dev/ttyS1",
            Form::Folder => "/sys/class/power_supply/mains",
            Form::Address4 => "192.0.2.1",
            Form::Address6 => "fe80::1",
            Form::HostPort => "broker.example.net:8883",
            Form::Host => "broker.example.net",
            Form::Secret => "/etc/holdfast/site.key",
            Form::AddressPort => "192.0.2.1:9000",
            Form::Account => "A017",
            Form::HexNumber => default.unwrap_or("1"),
        }),
    }
}

/// A default as the value it would be in a file.
pub(crate) fn default<'a>(kind: &Kind, text: &'a str) -> DeValue<'a> {
    match kind {
        Kind::Flag | Kind::Whole { .. } => {
            DeValue::parse(text).expect("defaults are TOML: tested").into_inner()
        }
        Kind::Text(_) | Kind::Time { .. } | Kind::TimeOrNever { .. } | Kind::Size { .. } | Kind::Word(_) => {
            DeValue::String(text.into())
        }
        Kind::Words(_)
        | Kind::Addresses { .. }
        | Kind::Names { .. }
        | Kind::Section(_)
        | Kind::Sections { .. } => {
            unreachable!("lists and sections have no default text")
        }
    }
}
