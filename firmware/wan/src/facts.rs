//! What the world tells the machine.

use core::net::IpAddr;

use hal::{Family, LinkId};
use serde::{Deserialize, Serialize};

/// The whole truth of one link as the kernel has it; sent whenever any of it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFacts {
    /// Which link.
    pub link: LinkId,
    /// `None` while the interface does not exist.
    pub ifindex: Option<u32>,
    /// The interface is up and has carrier (`IFF_UP` and `IFF_LOWER_UP`).
    pub carrier: bool,
    /// `None` without a usable address or gateway of this family.
    pub v4: Option<Addressing>,
    /// `None` without a usable address or gateway of this family.
    pub v6: Option<Addressing>,
}

impl LinkFacts {
    /// The addressing of one family.
    #[must_use]
    pub const fn addressing(&self, family: Family) -> Option<Addressing> {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }
}

/// Address and gateway of a link in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressing {
    /// The box's own global address on the link.
    pub source: IpAddr,
    /// `None` on a point-to-point link.
    pub gateway: Option<IpAddr>,
}

/// What became of one probe. An outcome that never comes is a loss; nobody reports a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeOutcome {
    /// The link it was sent on, proved by the interface the reply came in on.
    pub link: LinkId,
    /// The target that was asked.
    pub target: IpAddr,
    /// The number the machine gave the probe.
    pub sequence: u32,
    /// How it ended.
    pub result: ProbeResult,
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// The echo came back with our nonce.
    Answered {
        /// Round trip, microseconds, stamped by the kernel.
        rtt_us: u32,
    },
    /// It is certain that no answer will come.
    Failed(Failure),
}

/// Why a probe failed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// A router said so (ICMP destination unreachable, time exceeded).
    Unreachable,
    /// The kernel had no route (the guard rule answered).
    NoRoute,
    /// The socket could not send (interface gone, no buffer, no permission).
    Socket,
}

/// The kernel's answer to [`crate::Action::ApplyRoutes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutesApplied {
    /// The plan it answers.
    pub generation: u64,
    /// The IPv4 part stands in the kernel.
    pub v4: bool,
    /// The IPv6 part stands in the kernel.
    pub v6: bool,
}
