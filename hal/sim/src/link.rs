//! A WAN link: a cable, and behind it a path in each family.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use hal::{Family, LinkId};
use wan::{Addressing, Failure, LinkFacts, Probe, ProbeResult};

use crate::Entropy;

/// A WAN link as it is, not as anybody judges it.
#[derive(Clone, Debug, PartialEq)]
pub struct SimLink {
    /// Its number.
    pub id: LinkId,
    /// `None` while the interface does not exist.
    pub ifindex: Option<u32>,
    /// The cable is in.
    pub carrier: bool,
    /// IPv4 behind it.
    pub v4: Path,
    /// IPv6 behind it.
    pub v6: Path,
}

/// What lies behind a link in one family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// `None` without an address or gateway.
    pub addressing: Option<Addressing>,
    /// The least time there and back.
    pub rtt: Duration,
    /// At most so much on top, evenly spread.
    pub jitter: Duration,
    /// So many of a thousand probes get no answer.
    pub loss_permille: u16,
    /// Nothing is answered, with carrier and addressing as before.
    pub blackhole: bool,
    /// Answered at once by a router's or the kernel's refusal.
    pub refusal: Option<Failure>,
    /// Targets that are dead by themselves.
    pub dead_targets: BTreeSet<IpAddr>,
}

impl SimLink {
    /// A link with carrier and both families, 20 ms away.
    #[must_use]
    pub fn healthy(id: LinkId) -> Self {
        let n = id.number();
        let v4 = Addressing { source: [192, 0, 2, n].into(), gateway: Some([192, 0, 2, 100 + n].into()) };
        let v6 = Addressing {
            source: [0x2001, 0xdb8, u16::from(n), 0, 0, 0, 0, 2].into(),
            gateway: Some([0xfe80, 0, 0, 0, 0, 0, 0, u16::from(n)].into()),
        };
        let path = |addressing| Path {
            addressing: Some(addressing),
            rtt: Duration::from_millis(20),
            jitter: Duration::from_millis(2),
            ..Path::default()
        };
        Self { id, ifindex: Some(10 + u32::from(n)), carrier: true, v4: path(v4), v6: path(v6) }
    }

    /// The path of one family.
    #[must_use]
    pub const fn path(&self, family: Family) -> &Path {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// The path of one family.
    pub const fn path_mut(&mut self, family: Family) -> &mut Path {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }

    /// What the kernel says of it.
    #[must_use]
    pub const fn facts(&self) -> LinkFacts {
        LinkFacts {
            link: self.id,
            ifindex: self.ifindex,
            carrier: self.carrier,
            v4: self.v4.addressing,
            v6: self.v6.addressing,
        }
    }

    /// A packet sent into it comes back.
    #[must_use]
    pub const fn works(&self, family: Family) -> bool {
        let path = self.path(family);
        let plugged = self.carrier && self.ifindex.is_some() && path.addressing.is_some();
        plugged && !path.blackhole && path.refusal.is_none()
    }

    /// What becomes of a probe, and after how long; `None` for silence.
    pub fn answer(&self, probe: &Probe, entropy: &mut Entropy) -> Option<(Duration, ProbeResult)> {
        let path = self.path(Family::of(&probe.target));
        let lost = entropy.permille(path.loss_permille);
        let spread_us = u64::try_from(path.jitter.as_micros()).unwrap_or(u64::MAX);
        let rtt = path.rtt + Duration::from_micros(entropy.below(spread_us.saturating_add(1)));
        if self.ifindex.is_none() || path.addressing.is_none_or(|a| a.source != probe.source) {
            return Some((Duration::ZERO, ProbeResult::Failed(Failure::Socket)));
        }
        if let Some(failure) = path.refusal {
            return Some((Duration::ZERO, ProbeResult::Failed(failure)));
        }
        if lost || !self.works(Family::of(&probe.target)) || path.dead_targets.contains(&probe.target) {
            return None;
        }
        let rtt_us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        Some((rtt, ProbeResult::Answered { rtt_us }))
    }
}
