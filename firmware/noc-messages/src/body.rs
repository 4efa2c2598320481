//! What a record says. The `kind` member names the variant.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Class, DeliveryBody, OnTestBody, Position, Severity, SignalBody};

/// The content of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Body {
    /// The daemon began to serve.
    Start(StartBody),
    /// The daemon was told to stop.
    Stop,
    /// A link was judged.
    Verdict(VerdictBody),
    /// Traffic moved to another link.
    Switch(SwitchBody),
    /// A condition was raised, changed or cleared.
    Condition(ConditionBody),
    /// A line changed.
    Line(LineBody),
    /// The line card came, went or misbehaved.
    Card(CardBody),
    /// Records were evicted or found damaged.
    Loss(LossBody),
    /// A sample.
    Metrics(MetricsBody),
    /// A signal was heard, or the box has one of its own.
    Signal(SignalBody),
    /// A station has taken a signal over.
    Delivery(DeliveryBody),
    /// An account was put on test, or is no longer.
    OnTest(OnTestBody),
}

/// The daemon began to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartBody {
    /// The daemon's version.
    pub version: String,
    /// The board it runs on.
    pub board: String,
    /// The link that carried IPv4 when it came, by name.
    pub adopted: Option<String>,
}

/// A link was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictBody {
    /// The link's name.
    pub link: String,
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// Verdict before.
    pub from: String,
    /// Verdict since.
    pub to: String,
    /// The evidence, in words.
    pub why: String,
}

/// Traffic moved to another link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchBody {
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// The link left; absent at the first choice.
    pub from: Option<String>,
    /// The link taken.
    pub to: String,
    /// The reason, in words.
    pub why: String,
}

/// A condition (X.733: an alarm of the box itself) was raised, changed or cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionBody {
    /// What has it, for example `link/fibre` or `card`.
    pub resource: String,
    /// What it is, for example `link-down`.
    #[serde(rename = "type")]
    pub type_id: String,
    /// `true` while it stands.
    pub raised: bool,
    /// Perceived severity; the last one when cleared.
    pub severity: Severity,
    /// The cause, in words.
    pub cause: String,
    /// How long it stood, milliseconds; only when cleared.
    pub stood_ms: Option<u64>,
}

/// A line changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineBody {
    /// The line, from 0.
    pub line: u8,
    /// `off_hook`, `on_hook`.
    pub to: String,
    /// The card's 8 kHz sample counter at the change.
    pub sample: u32,
    /// The card's boot id; with `card_seq` it names the change: the same pair is the same change.
    pub card_boot: u32,
    /// The card's event sequence; absent when the change was seen in a hello, not as an event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_seq: Option<u16>,
}

/// The line card came, went or misbehaved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardBody {
    /// `ready`, `lost`, `restarted`, `incompatible`, `events_lost`.
    pub to: String,
    /// Firmware, serial number or reason, in words.
    pub detail: String,
}

/// Records were evicted or found damaged: what is missing, from where to where, and why.
///
/// Lost are those of the class from `first` to `last` that a collector does not hold: it moves its
/// watermark over them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossBody {
    /// Of which class.
    pub class: Class,
    /// How many; 0 if nobody could count them.
    pub count: u64,
    /// Where the range begins; absent: right behind the collector's watermark.
    pub first: Option<Position>,
    /// Where it ends; absent only if nobody knows.
    pub last: Option<Position>,
    /// `full`: evicted. `missing`: evicted or never durable, and found out later. `damaged` and what
    /// was found. `too large: ` and the size: the record is its own loss.
    pub why: String,
}

/// A sample of everything countable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricsBody {
    /// Seconds since the daemon started.
    pub uptime_s: u64,
    /// Per link and family.
    pub links: Vec<LinkMetrics>,
    /// Metrics dropped since the daemon started.
    pub metrics_dropped: u64,
    /// Records waiting for the collector's watermark.
    pub spooled: u64,
    /// Bytes of them.
    pub spooled_bytes: u64,
    /// Named counters: odd input, retries, reconnects.
    pub counters: std::collections::BTreeMap<String, u64>,
}

/// A link's sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkMetrics {
    /// The link's name.
    pub link: String,
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// The verdict.
    pub verdict: String,
    /// Loss of the latest window, per cent.
    pub loss_pct: Option<u8>,
    /// Smoothed round trip, microseconds.
    pub srtt_us: Option<u32>,
    /// The address in use.
    pub source: Option<IpAddr>,
}
