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
    /// One entry per link.
    pub links: Vec<LinkStatus>,
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
    /// Smoothed round trip over all targets, microseconds.
    pub srtt_us: Option<u32>,
    /// Lost rounds of the latest window, per cent.
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
