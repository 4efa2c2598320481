//! The machine's verbs. What follows from what they are told happens in `settle`.

use std::collections::VecDeque;

use core::net::IpAddr;
use core::time::Duration;

use hal::{Family, LinkId, Now, Tick};
use serde::{Deserialize, Serialize};

use crate::election::Choice;
use crate::failover::{Answered, Failover};
use crate::jitter::Jitter;
use crate::lane::Lane;
use crate::per_family::PerFamily;
use crate::probe_window::Noted;
use crate::{
    Action, Hop, LinkConfig, LinkFacts, ProbeOutcome, RoutesApplied, Timing, WanConfig, WanCounters, Why,
};

/// Facts of all links come at once when the daemon starts; nothing is chosen before, or after so long.
pub(crate) const HEAR_ALL_WITHIN: Duration = Duration::from_millis(250);

/// A box that has just started waits so long for carriers and leases before it complains of them.
pub(crate) const START_PATIENCE: Duration = Duration::from_secs(10);

/// From the first address of a family on, the best link may still be taken at once.
pub(crate) const SETTLE_TIME: Duration = Duration::from_secs(3);

/// Actions that wait to be polled: all probes of a full site with 16 targets a family fit. A
/// caller that does not poll gets no more, and is counted.
const MAX_ACTIONS: usize = 2048;

/// Which link carries the site. See the crate's page for what goes in and out.
///
/// `Clone` and serde make a snapshot of it: the same snapshot and events give the same actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wan {
    pub(crate) timing: Timing,
    pub(crate) links: Vec<Link>,
    pub(crate) families: PerFamily<FamilyState>,
    pub(crate) failover: Failover,
    pub(crate) jitter: Jitter,
    pub(crate) started: Option<Tick>,
    /// All facts were heard, or waited for.
    pub(crate) ready: bool,
    /// The latest time told; it never runs backwards.
    pub(crate) clock: Tick,
    /// The earliest thing that will happen by itself.
    pub(crate) wake: Option<Tick>,
    pub(crate) counters: WanCounters,
    actions: VecDeque<Action>,
}

/// One link as the site file and the kernel have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) config: LinkConfig,
    pub(crate) facts: Option<LinkFacts>,
    pub(crate) lanes: PerFamily<Option<Lane>>,
}

/// What an election needs to know of the ones before, and its latest outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FamilyState {
    pub(crate) settles_until: Option<Tick>,
    /// The kernel already routed this family when the daemon started: the site is not starting, so
    /// nothing is taken at once that would otherwise have to prove itself.
    pub(crate) took_over: bool,
    pub(crate) chosen: Option<LinkId>,
    pub(crate) why: Option<Why>,
    pub(crate) works: bool,
    pub(crate) revisit: Option<Tick>,
    /// [`crate::Notice::AllDown`] was told and not taken back.
    pub(crate) all_down: bool,
    pub(crate) ever_worked: bool,
}

impl Wan {
    /// A machine that knows nothing yet. `seed` is its only entropy: it varies probe times.
    #[must_use]
    pub fn new(config: WanConfig, seed: u64) -> Self {
        let timing = config.timing;
        let link = |config: LinkConfig| Link {
            lanes: PerFamily::new(|family| Lane::new(&config, family, &timing)),
            facts: None,
            config,
        };
        Self {
            links: config.links.into_iter().map(link).collect(),
            timing,
            families: PerFamily::default(),
            failover: Failover::default(),
            jitter: Jitter::new(seed),
            started: None,
            ready: false,
            clock: Tick::ZERO,
            wake: None,
            counters: WanCounters::default(),
            actions: VecDeque::new(),
        }
    }

    /// The links that the kernel leads to when the daemon starts; before any facts.
    pub fn handle_adopted(&mut self, v4: Option<LinkId>, v6: Option<LinkId>, now: Now) {
        let now = self.at(now);
        for (family, link) in [(Family::V4, v4), (Family::V6, v6)] {
            let Some(link) = link else { continue };
            let known = self.links.iter().any(|l| l.config.id == link && l.lanes.of(family).is_some());
            if known && self.failover.adopt(family, link, now) {
                self.families.of_mut(family).took_over = true;
            } else {
                self.counters.odd_input += 1;
            }
        }
        self.settle(now);
    }

    /// The kernel's truth of a link, whenever any of it changed; once for every link at start.
    pub fn handle_facts(&mut self, facts: LinkFacts, now: Now) {
        let now = self.at(now);
        if let Some(at) = self.links.iter().position(|l| l.config.id == facts.link) {
            self.stand_on(at, facts, now);
        } else {
            self.counters.odd_input += 1;
        }
        self.settle(now);
    }

    /// What became of a probe.
    pub fn handle_outcome(&mut self, outcome: ProbeOutcome, now: Now) {
        let now = self.at(now);
        let family = Family::of(&outcome.target);
        let lane = self.links.iter_mut().find(|l| l.config.id == outcome.link);
        match lane.and_then(|l| l.lanes.of_mut(family).as_mut()).map(|l| l.note(&outcome)) {
            None | Some(Noted::Odd) => self.counters.odd_input += 1,
            Some(Noted::Undecided) => {}
            Some(Noted::Decided) => self.settle(now),
        }
    }

    /// The kernel's answer to [`Action::ApplyRoutes`].
    pub fn handle_routes_applied(&mut self, applied: RoutesApplied, now: Now) {
        let now = self.at(now);
        match self.failover.answer(applied, now) {
            Some(answered) => self.plan_answered(&answered),
            None => self.counters.odd_input += 1,
        }
        self.settle(now);
    }

    /// The deadline of [`Self::poll_timeout`] has come (or any other time: it is harmless). Outcomes
    /// that already wait outside should be handed in first: only here a round ends unanswered.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.at(now);
        self.expire(now);
        self.settle(now);
    }

    /// The next thing to do, until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called; never before the latest time told.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        // An event that comes late must not end rounds whose answers wait behind it.
        let soonest = self.clock + Duration::from_millis(1);
        self.wake.map(|deadline| deadline.max(soonest))
    }

    /// The link that carries a family, as acknowledged by the kernel, and the box's address on it.
    #[must_use]
    pub fn uplink(&self, family: Family) -> Option<(LinkId, IpAddr)> {
        let active = self.failover.seat(family).active?;
        let lane = self.link(active)?.lanes.of(family).as_ref()?;
        lane.hop().map(|hop| (active, hop.source))
    }

    pub(crate) fn link(&self, id: LinkId) -> Option<&Link> {
        self.links.iter().find(|l| l.config.id == id)
    }

    pub(crate) fn lanes(&self, family: Family) -> impl Iterator<Item = &Lane> {
        self.links.iter().filter_map(move |l| l.lanes.of(family).as_ref())
    }

    pub(crate) fn push(&mut self, action: Action) {
        if self.actions.len() < MAX_ACTIONS {
            self.actions.push_back(action);
        } else {
            self.counters.actions_dropped += 1;
        }
    }

    fn at(&mut self, now: Now) -> Tick {
        self.clock = self.clock.max(now.tick);
        self.started.get_or_insert(self.clock);
        self.clock
    }

    fn stand_on(&mut self, at: usize, facts: LinkFacts, now: Tick) {
        let Some(link) = self.links.get_mut(at) else { return };
        for family in Family::BOTH {
            let hop = hop_of(&facts, family);
            let state = self.families.of_mut(family);
            if hop.is_some() {
                state.settles_until.get_or_insert(now + SETTLE_TIME);
            }
            let starting = state.settles_until.is_some_and(|until| now < until);
            if let Some(lane) = link.lanes.of_mut(family) {
                lane.stand_on(facts.carrier && facts.ifindex.is_some(), hop, starting, now);
            }
        }
        link.facts = Some(facts);
    }

    fn plan_answered(&mut self, answered: &Answered) {
        for link in &mut self.links {
            for family in Family::BOTH {
                if let Some(lane) = link.lanes.of_mut(family) {
                    lane.plan_answered(&answered.tables);
                }
            }
        }
        self.tell_moves(&answered.moves);
    }

    fn expire(&mut self, now: Tick) {
        for link in &mut self.links {
            for family in Family::BOTH {
                if let Some(lane) = link.lanes.of_mut(family) {
                    self.counters.late_rounds += u64::from(lane.expire(now));
                }
            }
        }
        if let Some(answered) = self.failover.expire(now) {
            self.plan_answered(&answered);
        }
    }
}

impl FamilyState {
    pub(crate) const fn take(&mut self, choice: Choice) {
        self.chosen = choice.link;
        self.why = Some(choice.why);
        self.works = choice.works;
        self.revisit = choice.revisit;
    }
}

/// The way out over a link: it needs an interface with carrier, and an address of the family.
pub(crate) fn hop_of(facts: &LinkFacts, family: Family) -> Option<Hop> {
    let ifindex = facts.ifindex.filter(|_| facts.carrier)?;
    let addressing = facts.addressing(family).filter(|a| Family::of(&a.source) == family)?;
    Some(Hop { link: facts.link, ifindex, gateway: addressing.gateway, source: addressing.source })
}
