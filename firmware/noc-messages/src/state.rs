//! Retained messages: presence and the state document.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Position, SiteId, Stamp};

/// Birth and will. The session id in both keeps a late will from overriding a newer birth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Whose.
    pub site: SiteId,
    /// Is it there?
    pub state: PresenceState,
    /// Number of the daemon's start.
    pub boot: u32,
    /// Number of the connection since that start. (boot, session) only rises: an older one is stale.
    pub session: u32,
    /// The link the connection leaves by, by name; absent in a will.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<String>,
}

/// Is the site there?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PresenceState {
    /// Birth.
    Online,
    /// Will, published by the broker.
    Offline,
    /// The daemon was told to stop and said goodbye.
    Going,
}

/// X.733 perceived severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Cannot be told.
    Indeterminate,
    /// Could become one of the next.
    Warning,
    /// No service is hurt.
    Minor,
    /// Service is hurt.
    Major,
    /// Service is out.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Indeterminate => "indeterminate",
            Self::Warning => "warning",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        })
    }
}

/// A condition that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveCondition {
    /// What has it.
    pub resource: String,
    /// What it is.
    #[serde(rename = "type")]
    pub type_id: String,
    /// How bad.
    pub severity: Severity,
    /// The cause, in words.
    pub cause: String,
    /// Since when.
    pub since: Stamp,
    /// How often it was raised since the daemon started.
    pub raised: u32,
}

/// The retained truth of a site, at most 10 KiB: whoever subscribes late reads this first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateDocument {
    /// Whose.
    pub site: SiteId,
    /// Number of the daemon's start.
    pub boot: u32,
    /// Rises with every document of this boot: an older one is stale.
    pub generation: u64,
    /// When it was made.
    pub at: Stamp,
    /// The board it runs on.
    pub board: String,
    /// The daemon's version.
    pub version: String,
    /// The newest durable record made before this document.
    pub latest: Option<Position>,
    /// How records are released: `watermark` or `puback`.
    pub release: String,
    /// Safety switches taken off in the site file, by name; empty on a proper site.
    pub insecure: Vec<String>,
    /// Per family: the link that carries traffic, by name.
    pub active: std::collections::BTreeMap<String, String>,
    /// Per `link/family`: the verdict.
    pub links: std::collections::BTreeMap<String, String>,
    /// Per line number: `on_hook`, `off_hook`, `unknown`.
    pub lines: std::collections::BTreeMap<String, String>,
    /// All conditions that stand: what is not here is clear, whatever was missed.
    pub conditions: Vec<ActiveCondition>,
}
