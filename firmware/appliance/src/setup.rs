//! What the appliance is told once, at start: the board's and the site's facts that it needs.

use core::time::Duration;

use hal::LineId;
use noc_messages::SiteId;
use outbox::OutboxConfig;
use serde::{Deserialize, Serialize};
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
}
