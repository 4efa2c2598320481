//! One link in one family: its window, its verdict, its probe times and its next hop, kept together.
//!
//! It refuses to know what other links do; its role is told with every question.

use core::net::IpAddr;

use hal::{Family, LinkId, Tick};
use serde::{Deserialize, Serialize};

use crate::election::{Candidate, Standing};
use crate::jitter::Permille;
use crate::link_health::{Footing, LinkHealth, State};
use crate::probe_window::{Noted, ProbeWindow};
use crate::schedule::{self, Role, Schedule};
use crate::{Hop, LinkConfig, Probe, ProbeOutcome, Timing};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lane {
    link: LinkId,
    rank: u8,
    metered: bool,
    targets: Vec<IpAddr>,
    pub(crate) window: ProbeWindow,
    pub(crate) health: LinkHealth,
    schedule: Schedule,
    hop: Option<Hop>,
    /// The kernel has answered a plan with this hop: a probe finds its table or is refused, and never
    /// strays to another link.
    routed: bool,
}

impl Lane {
    /// `None` for a family without targets: it is not judged.
    pub(crate) fn new(config: &LinkConfig, family: Family, timing: &Timing) -> Option<Self> {
        let targets: Vec<IpAddr> = config.targets_of(family).collect();
        let window = ProbeWindow::new(targets.len(), config.quorum, timing.timeout_floor);
        (!targets.is_empty()).then(|| Self {
            link: config.id,
            rank: config.rank,
            metered: config.metered,
            targets,
            window,
            health: LinkHealth::new(),
            schedule: Schedule::new(),
            hop: None,
            routed: false,
        })
    }

    /// The kernel's truth. `starting`: the site has just begun.
    pub(crate) fn stand_on(&mut self, carrier: bool, hop: Option<Hop>, starting: bool, now: Tick) {
        let footing = match hop {
            None if !carrier => Footing::NoCarrier,
            None => Footing::NoAddress,
            Some(_) if hop == self.hop => return,
            Some(_) => Footing::Moved,
        };
        if hop != self.hop {
            self.hop = hop;
            self.routed = false;
            self.window.clear();
            self.schedule = Schedule::new();
        }
        self.health.stand_on(footing, starting, now);
    }

    /// A plan with these hops was answered.
    pub(crate) fn plan_answered(&mut self, tables: &[Hop]) {
        self.routed |= self.hop.is_some_and(|hop| tables.contains(&hop));
    }

    /// What became of a probe.
    pub(crate) fn note(&mut self, outcome: &ProbeOutcome) -> Noted {
        let target = self.targets.iter().position(|t| *t == outcome.target);
        target.map_or(Noted::Odd, |target| self.window.note(outcome.sequence, target, outcome.result))
    }

    /// Notices rounds that ended. Answers how many were noticed too late to count.
    pub(crate) fn expire(&mut self, now: Tick) -> u32 {
        let expired = self.window.expire(now);
        if expired.too_late > 0 {
            self.schedule.late();
        } else if expired.in_time > 0 {
            self.schedule.in_time();
        }
        expired.too_late
    }

    /// Weighs the evidence. `true` if the verdict changed.
    pub(crate) fn weigh(&mut self, timing: &Timing, now: Tick) -> bool {
        let evidence = self.window.evidence();
        if evidence.answered_in_row > 0 {
            self.schedule.in_time();
        }
        self.health.weigh(evidence, timing, now)
    }

    /// When the next round leaves; `None` while it may not.
    pub(crate) fn due(&self, role: Role, timing: &Timing) -> Option<Tick> {
        let interval = schedule::interval(self.health.state(), self.metered, role, timing)?;
        self.routed.then(|| self.schedule.due(interval))
    }

    /// A round leaves: one probe to every target.
    pub(crate) fn send(&mut self, role: Role, timing: &Timing, factor: Permille, now: Tick) -> Vec<Probe> {
        let interval = schedule::interval(self.health.state(), self.metered, role, timing);
        let (Some(interval), Some(hop)) = (interval, self.hop) else { return Vec::new() };
        let sequence = self.window.send(self.schedule.stretched(interval), now);
        self.schedule.sent(now, factor);
        let probe =
            |target: &IpAddr| Probe { link: self.link, source: hop.source, target: *target, sequence };
        self.targets.iter().map(probe).collect()
    }

    pub(crate) fn candidate(&self) -> Candidate {
        let standing = match self.health.state() {
            State::Unheard => Standing::Unheard,
            State::NoCarrier => Standing::NoCarrier,
            State::NoAddress => Standing::NoAddress,
            State::Probing { .. } => Standing::Unverified,
            State::Up { since } => Standing::Up { since },
            State::Suspect { .. } => Standing::Suspect,
            State::Down => Standing::Down,
            State::HoldDown { .. } => Standing::Proving { answered: self.window.evidence().answered_in_row },
        };
        Candidate { link: self.link, rank: self.rank, standing }
    }

    pub(crate) const fn link(&self) -> LinkId {
        self.link
    }

    pub(crate) const fn hop(&self) -> Option<Hop> {
        self.hop
    }

    pub(crate) const fn is_routed(&self) -> bool {
        self.routed
    }

    pub(crate) fn targets(&self) -> &[IpAddr] {
        &self.targets
    }
}
