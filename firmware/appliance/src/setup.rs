//! What the appliance is told once, at start: the board's and the site's facts that it needs.

use core::time::Duration;

use hal::{Family, LineId};
use line::LineConfig;
use noc_messages::SiteId;
use outbox::OutboxConfig;
use serde::{Deserialize, Serialize};
use station::StationsConfig;
use wan::WanConfig;

/// The appliance's own view of board and site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Whose box this is.
    pub site: SiteId,
    /// The board's name.
    pub board: String,
    /// The daemon's version.
    pub version: String,
    /// The lines in use.
    pub lines: Vec<LineSetup>,
    /// A card is expected; its absence is a condition.
    pub card_expected: bool,
    /// A broker is configured; being without it is a condition.
    pub broker_expected: bool,
    /// Between two metric samples.
    pub metrics_every: Duration,
    /// Safety switches taken off, by word.
    pub insecure: Vec<String>,
    /// The stations that signals go to; `None`: nobody to report to, and panels get reorder tone.
    pub stations: Option<StationsSetup>,
    /// For the WAN machine.
    pub wan: WanConfig,
    /// For the outbox.
    pub outbox: OutboxConfig,
}

/// A line in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSetup {
    /// Which.
    pub line: LineId,
    /// `alarm`, `elevator`, `phone`, `fax`.
    pub profile: String,
    /// What people call it.
    pub name: String,
    /// How it behaves; `None` for a profile that the box does not serve yet.
    pub behaviour: Option<LineConfig>,
}

/// The stations that signals go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationsSetup {
    /// For the station machine; `first_sequence` is replaced by what the evidence remembers.
    pub config: StationsConfig,
    /// The address family of each station, in the same order.
    pub families: Vec<Family>,
    /// Between two periodic tests (E602) of the box; `None`: none.
    pub test_every: Option<Duration>,
}
