//! Which value holds, and who said so.

use core::fmt;

use serde::Serialize;

/// A value that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// The key with its sections: `timing.hold_down`, `link[1].port`.
    pub key: String,
    /// The value as it would be written.
    pub value: String,
    /// Who said so.
    pub origin: Origin,
}

/// Who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file.
    File {
        /// Which.
        file: String,
        /// Where.
        line: Option<u32>,
    },
    /// Nobody: the default.
    Default,
    /// It follows from other values, in words.
    Derived(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: Some(line) } => write!(f, "{file}:{line}"),
            Self::File { file, line: None } => f.write_str(file),
            Self::Default => f.write_str("default"),
            Self::Derived(how) => f.write_str(how),
        }
    }
}

/// A board or site with what `check` tells about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<T> {
    /// The board or site.
    pub value: T,
    /// Every value that holds, in the order of the documentation.
    pub effective: Vec<Effective>,
    /// What is allowed and probably not wanted.
    pub warnings: Vec<crate::Problem>,
}
