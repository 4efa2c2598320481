//! A record: the unit that is numbered, stored, published, acknowledged and, if it must be, told lost.

use hal::Now;
use serde::{Deserialize, Serialize};

use crate::{Body, SiteId};

/// How much a record is worth; also the order in which classes are published and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// What a panel reported. On disk before it counts as stored.
    Signal,
    /// The box, a link, a line or a condition changed. Group commit within 1 s.
    State,
    /// Who asked for what and what was done. On disk before it counts as stored.
    Audit,
    /// A sample. RAM only; may be lost, and the number lost is told.
    Metric,
}

impl Class {
    /// All, most precious first.
    pub const ALL: [Self; 4] = [Self::Signal, Self::State, Self::Audit, Self::Metric];
    /// Those that are never lost within the stated bounds.
    pub const DURABLE: [Self; 3] = [Self::Signal, Self::State, Self::Audit];

    /// The class as it stands in topics and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::State => "state",
            Self::Audit => "audit",
            Self::Metric => "metric",
        }
    }
}

/// Identity and order of a record within its site: the daemon's start, then the count since.
///
/// `boot` rises by one with every start of the daemon, `seq` by one with every record, over all
/// classes together. (site, boot, seq) names a record for ever; a second copy of it is a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Number of the daemon's start.
    pub boot: u32,
    /// Number of the record since that start, from 1.
    pub seq: u64,
}

/// When a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds of the box's boot clock: true differences within one kernel boot.
    pub tick_ms: u64,
    /// Milliseconds since 1970 UTC; absent while the box's clock is not believed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wall_ms: Option<u64>,
}

impl From<Now> for Stamp {
    fn from(now: Now) -> Self {
        Self { tick_ms: now.tick.0, wall_ms: now.wall.map(|w| w.0) }
    }
}

/// A record as it is stored and published.
///
/// On the wire one member is added in front: `"historical": true` when it is published more than
/// 10 s after it was made, so that nobody is paged by the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Whose.
    pub site: SiteId,
    /// Which.
    #[serde(flatten)]
    pub position: Position,
    /// The record of the same class before this one; `None` for the first ever. A collector that
    /// does not hold it knows that something is missing.
    pub prev: Option<Position>,
    /// Its class.
    pub class: Class,
    /// When.
    pub at: Stamp,
    /// What.
    #[serde(flatten)]
    pub body: Body,
}
