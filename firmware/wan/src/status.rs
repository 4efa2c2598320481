//! What the machine answers when asked.

use core::net::IpAddr;

use hal::{Family, LinkId, Tick};
use serde::{Deserialize, Serialize};

use crate::{Verdict, VerdictWhy, Why};

/// The whole machine, for people and tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WanStatus {
    /// One entry per family that any link has targets for.
    pub families: Vec<FamilyStatus>,
    /// One entry per link and family that it has targets for.
    pub links: Vec<LinkStatus>,
    /// Everything counted since the daemon started.
    #[serde(default)]
    pub counters: WanCounters,
}

/// What was counted since the daemon started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WanCounters {
    /// Outcomes of no known probe (duplicates, strangers), answers nobody asked for, unknown links.
    pub odd_input: u64,
    /// Rounds discarded because the box noticed their end too late: its own fault, never a verdict.
    pub late_rounds: u64,
    /// Times an up link missed a round; most end with the next answered one.
    pub suspicions: u64,
    /// Route plans that the kernel refused in part, or never answered.
    pub plans_refused: u64,
    /// Actions given up because nobody polled them.
    pub actions_dropped: u64,
}

/// Where a family's traffic goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyStatus {
    /// Which family.
    pub family: Family,
    /// As acknowledged by the kernel.
    pub active: Option<LinkId>,
    /// Behind it in table 99.
    pub standby: Option<LinkId>,
    /// The latest reason of the election.
    pub why: Why,
    /// Since when traffic goes this way.
    pub since: Option<Tick>,
    /// Switches since the daemon started.
    pub switches: u32,
}

/// One link in one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Which link.
    pub link: LinkId,
    /// The name people use.
    pub name: String,
    /// In which family.
    pub family: Family,
    /// The judgement.
    pub verdict: Verdict,
    /// Its evidence.
    pub why: Option<VerdictWhy>,
    /// Since when.
    pub since: Option<Tick>,
    /// The address in use.
    pub source: Option<IpAddr>,
    /// The gateway in use.
    pub gateway: Option<IpAddr>,
    /// Smoothed time until a quorum of targets had answered, microseconds.
    pub srtt_us: Option<u32>,
    /// Lost rounds of the latest window (128 rounds at most), per cent.
    pub loss_pct: Option<u8>,
    /// Each target by itself.
    pub targets: Vec<TargetStatus>,
}

/// One echo target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Which.
    pub target: IpAddr,
    /// Lost probes of the latest window, per cent.
    pub loss_pct: u8,
    /// The latest round trip, microseconds.
    pub rtt_us: Option<u32>,
}
