//! What the appliance is told once, at start: the board's and the site's facts that it needs.

use core::time::Duration;

use board_configs::{Board, Insecure, LineProfile, Release, Site};
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

impl Setup {
    /// From what was read at start.
    #[must_use]
    pub fn new(board: &Board, site: &Site, version: &str) -> Self {
        let mqtt = site.mqtt.as_ref();
        Self {
            site: site.site.clone(),
            board: board.name.clone(),
            version: version.to_owned(),
            lines: site
                .lines
                .iter()
                .map(|l| LineSetup { line: l.line, profile: word_of(l.profile).to_owned(), name: l.name.clone() })
                .collect(),
            card_expected: board.card.is_some() && !site.lines.is_empty(),
            broker_expected: mqtt.is_some(),
            metrics_every: mqtt.map_or(Duration::from_secs(60), |m| m.metrics_every),
            insecure: site.insecure.iter().map(|w| insecure_word(*w).to_owned()).collect(),
            wan: site.wan_config(),
            outbox: OutboxConfig {
                site: site.site.clone(),
                records: site.spool.records,
                bytes: site.spool.bytes,
                metrics: site.spool.metrics,
                release_on_puback: mqtt.is_some_and(|m| m.release == Release::Puback),
            },
        }
    }
}

const fn word_of(profile: LineProfile) -> &'static str {
    match profile {
        LineProfile::Alarm => "alarm",
        LineProfile::Elevator => "elevator",
        LineProfile::Phone => "phone",
        LineProfile::Fax => "fax",
    }
}

const fn insecure_word(word: Insecure) -> &'static str {
    match word {
        Insecure::MqttWithoutTls => "mqtt-without-tls",
        Insecure::Dc09Clear => "dc09-clear",
    }
}
