//! What a key of a file is: its kind, its bounds, its default, its meaning.
//!
//! One description serves the reader (types, ranges, unknown keys), the JSON Schemas for editors and
//! the tables of the documentation, so that none of them can drift from the others.

use std::time::Duration;

use crate::units::{size, spell_size, spell_time, time};

/// The word for a time that does not come.
pub(crate) const NEVER: &str = "never";

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Whether it has to be there.
    pub need: Need,
    /// What it means, one sentence or two.
    pub about: &'static str,
}

/// Whether a key has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The file is refused without it.
    Required,
    /// This value holds without it, as it would be written without quotes.
    Default(&'static str),
    /// What holds without it, in words.
    Without(&'static str),
}

/// What the value of a key is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of a form of its own.
    Text(Form),
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Whole {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A time with its unit: `"200ms"`.
    Time {
        /// The shortest, as it would be written.
        min: &'static str,
        /// The longest.
        max: &'static str,
    },
    /// A time with its unit, or `"never"`.
    TimeOrNever {
        /// The shortest, as it would be written.
        min: &'static str,
        /// The longest.
        max: &'static str,
    },
    /// A size with its unit: `"64MiB"`.
    Size {
        /// The smallest, as it would be written.
        min: &'static str,
        /// The largest.
        max: &'static str,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any of these words, each once.
    Words(&'static [&'static str]),
    /// A list of IP addresses.
    Addresses {
        /// At most so many.
        max: usize,
    },
    /// A section whose keys are free names.
    Names {
        /// The form of its values.
        values: Form,
        /// At most so many.
        max: usize,
    },
    /// A section: `[name]`.
    Section(&'static [Key]),
    /// A list of sections: `[[name]]`.
    Sections {
        /// The keys of each.
        keys: &'static [Key],
        /// At most so many.
        max: usize,
    },
}

/// Forms of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A site's name: safe in topics, file names and certificates.
    SiteName,
    /// A short name that people type: 1 to 15 of a-z, 0-9 and '-', beginning with a letter.
    Name,
    /// A port as it is printed beside a connector, of the form of a name.
    Port,
    /// Free text for people, 1 to 120 characters without control characters.
    Label,
    /// A board's name: the stem of its file.
    BoardName,
    /// A network interface of the kernel.
    Interface,
    /// An absolute path of a device.
    Device,
    /// An absolute path of a folder.
    Folder,
    /// An IPv4 address.
    Address4,
    /// An IPv6 address.
    Address6,
    /// A host name or address, with or without a port.
    HostPort,
    /// A host name or address.
    Host,
    /// A path, or `credential:NAME`.
    Secret,
    /// An IP address with its port.
    AddressPort,
    /// An account at a station (DC-09): 3 to 16 hexadecimal digits.
    Account,
    /// A number as DC-09 writes receiver and prefix: 1 to 6 hexadecimal digits.
    HexNumber,
}

impl Form {
    /// What is expected, in words.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::SiteName => "1 to 48 of a-z, 0-9 and '-', not beginning or ending with '-'",
            Self::Name | Self::Port => "1 to 15 of a-z, 0-9 and '-', beginning with a letter",
            Self::Label => "1 to 120 characters on one line",
            Self::BoardName => "1 to 32 of a-z, 0-9, '-' and '_', the name of a board's file without .toml",
            Self::Interface => "a network interface: 1 to 15 characters without blanks, '/' and ':'",
            Self::Device => "an absolute path such as \"/dev/ttyS1\"",
            Self::Folder => "an absolute path such as \"/sys/class/power_supply/mains\"",
            Self::Address4 => "an IPv4 address such as \"192.0.2.1\"",
            Self::Address6 => "an IPv6 address such as \"fe80::1\"",
            Self::HostPort => {
                "\"host:port\", for example \"broker.example.net:8883\" or \"[2001:db8::1]:8883\""
            }
            Self::Host => "a host name or an IP address",
            Self::Secret => "the path of a file, or \"credential:NAME\" for a systemd credential",
            Self::AddressPort => "an IP address with its port, \"192.0.2.1:9000\" or \"[2001:db8::1]:9000\"",
            Self::Account => "3 to 16 of 0-9 and A-F in quotes",
            Self::HexNumber => "1 to 6 of 0-9 and A-F in quotes",
        }
    }

    /// Whether `text` has this form.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        let length = text.chars().count();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match self {
            Self::SiteName => text.parse::<noc_messages::SiteId>().is_ok(),
            Self::Name | Self::Port => {
                (1..=15).contains(&length)
                    && text.chars().all(plain)
                    && text.starts_with(|c: char| c.is_ascii_lowercase())
            }
            Self::Label => (1..=120).contains(&length) && !text.chars().any(char::is_control),
            Self::BoardName => (1..=32).contains(&length) && text.chars().all(|c| plain(c) || c == '_'),
            Self::Interface => is_interface(text),
            Self::Device | Self::Folder => {
                text.starts_with('/') && text.len() > 1 && !text.chars().any(char::is_control)
            }
            Self::Address4 => text.parse::<core::net::Ipv4Addr>().is_ok(),
            Self::Address6 => text.parse::<core::net::Ipv6Addr>().is_ok(),
            Self::HostPort => crate::broker::parse(text).is_some(),
            Self::Host => crate::broker::is_host(text),
            Self::Secret => crate::secret::parse(text).is_some(),
            Self::AddressPort => {
                text.parse::<core::net::SocketAddr>().is_ok_and(|address| address.port() != 0)
            }
            Self::Account => (3..=16).contains(&length) && is_hex(text),
            Self::HexNumber => (1..=6).contains(&length) && is_hex(text),
        }
    }
}

impl Kind {
    /// What is expected, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Text(form) => form.expected().to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Time { min, max } => {
                format!("a time from {min} to {max}, written like \"{min}\" (ms, s, m, h)")
            }
            Self::TimeOrNever { min, max } => {
                format!("a time from {min} to {max}, written like \"{min}\" (ms, s, m, h), or \"{NEVER}\"")
            }
            Self::Size { min, max } => {
                format!("a size from {min} to {max}, written like \"{min}\" (B, KiB, MiB, GiB)")
            }
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Words(words) => format!("a list of any of {}", words.join(", ")),
            Self::Addresses { max } => format!("a list of 1 to {max} IP addresses in quotes"),
            Self::Names { values, max } => {
                format!("at most {max} lines `name = value`, each {}", values.expected())
            }
            Self::Section(_) => "a section".to_owned(),
            Self::Sections { max, .. } => format!("at most {max} sections"),
        }
    }

    /// The keys below this one.
    #[must_use]
    pub const fn keys(&self) -> &'static [Key] {
        match self {
            Self::Section(keys) | Self::Sections { keys, .. } => keys,
            Self::Text(_)
            | Self::Flag
            | Self::Whole { .. }
            | Self::Time { .. }
            | Self::TimeOrNever { .. }
            | Self::Size { .. }
            | Self::Word(_)
            | Self::Words(_)
            | Self::Addresses { .. }
            | Self::Names { .. } => &[],
        }
    }
}

/// A time within bounds written as text; `Err` says the bounds.
pub(crate) fn bounded_time(text: &str, min: &str, max: &str) -> Result<Duration, String> {
    let bound = |bound| time(bound).expect("the bounds of a key are times: tested");
    match time(text) {
        Some(value) if value < bound(min) => Err(format!("{} is less than {min}", spell_time(value))),
        Some(value) if value > bound(max) => Err(format!("{} is more than {max}", spell_time(value))),
        Some(value) => Ok(value),
        None => Err(format!("{text:?} is not a time")),
    }
}

/// The same, or [`NEVER`], which is `None`.
pub(crate) fn bounded_time_or_never(text: &str, min: &str, max: &str) -> Result<Option<Duration>, String> {
    if text == NEVER { Ok(None) } else { bounded_time(text, min, max).map(Some) }
}

/// A size within bounds written as text; `Err` says the bounds.
pub(crate) fn bounded_size(text: &str, min: &str, max: &str) -> Result<u64, String> {
    let bound = |bound| size(bound).expect("the bounds of a key are sizes: tested");
    match size(text) {
        Some(value) if value < bound(min) => Err(format!("{} is less than {min}", spell_size(value))),
        Some(value) if value > bound(max) => Err(format!("{} is more than {max}", spell_size(value))),
        Some(value) => Ok(value),
        None => Err(format!("{text:?} is not a size")),
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_interface(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_graphic() && !b"/:\"\\".contains(&b);
    (1..=15).contains(&text.len()) && text.bytes().all(allowed) && text != "." && text != ".."
}
