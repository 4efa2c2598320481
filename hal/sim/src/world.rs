//! A box among its links: steps a [`Wan`] from deadline to deadline and carries its probes.
//!
//! Time jumps to whatever happens next. At one instant arrivals are handed in first, one by one with
//! all actions drained in between, then the box's own deadline: as the daemon's loop does it.

use core::time::Duration;
use std::collections::BTreeMap;

use hal::{Family, LinkId, Now, Tick};
use wan::{Action, Notice, Probe, ProbeOutcome, RoutesApplied, Wan, WanConfig};

use crate::{Entropy, SimKernel, SimLink};

/// A log longer than this is a runaway.
const MAX_LOG: usize = 1_000_000;

/// More turns at one instant are a livelock.
const MAX_TURNS_AT_ONCE: u32 = 10_000;

/// A change of the world.
pub type Fault = fn(&mut SimLink);

/// Something the box did, other than probing.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// When.
    pub at: Tick,
    /// What.
    pub action: Action,
}

/// The box, its links, its kernel and the time.
#[derive(Clone, Debug)]
pub struct World {
    /// The machine under test.
    pub wan: Wan,
    /// Where its plans go.
    pub kernel: SimKernel,
    links: BTreeMap<LinkId, SimLink>,
    entropy: Entropy,
    now: Tick,
    arrivals: BTreeMap<(Tick, u64), Arrival>,
    arrivals_made: u64,
    log: Vec<LogEntry>,
    trace: Option<Vec<LogEntry>>,
    probes: BTreeMap<(LinkId, Family), u64>,
}

#[derive(Clone, Debug)]
enum Arrival {
    Outcome(ProbeOutcome),
    Applied(RoutesApplied),
    Change(LinkId, Fault),
}

impl World {
    /// A box that has heard nothing yet, with all links of the configuration healthy.
    #[must_use]
    pub fn new(config: WanConfig, seed: u64) -> Self {
        let links = config.links.iter().map(|l| (l.id, SimLink::healthy(l.id))).collect();
        Self {
            wan: Wan::new(config, seed),
            kernel: SimKernel::default(),
            links,
            entropy: Entropy::new(seed ^ 0x5eed),
            now: Tick(1_000),
            arrivals: BTreeMap::new(),
            arrivals_made: 0,
            log: Vec::new(),
            trace: None,
            probes: BTreeMap::new(),
        }
    }

    /// Keeps every action from here on, probes included.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// Every action since [`Self::keep_trace`].
    #[must_use]
    pub fn trace(&self) -> &[LogEntry] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// The daemon starts: what the kernel leads to is adopted, then the facts of every link are told.
    pub fn start(&mut self, v4: Option<LinkId>, v6: Option<LinkId>) {
        self.wan.handle_adopted(v4, v6, Now::at(self.now));
        self.drain();
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            self.tell_facts(id);
        }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// A link as it is.
    ///
    /// # Panics
    /// If the configuration has no such link.
    #[must_use]
    pub fn link(&self, id: LinkId) -> &SimLink {
        &self.links[&id]
    }

    /// Changes a link at this instant; the kernel tells the box if it can see the change.
    pub fn change(&mut self, id: LinkId, change: impl FnOnce(&mut SimLink)) {
        let link = self.links.get_mut(&id).expect("the test names a link of its configuration");
        let before = link.facts();
        change(link);
        if link.facts() != before {
            self.tell_facts(id);
        }
    }

    /// Changes a link later.
    pub fn change_at(&mut self, at: Tick, id: LinkId, fault: Fault) {
        self.arrive(at, Arrival::Change(id, fault));
    }

    /// Lets so much time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Lets time pass until then.
    ///
    /// # Panics
    /// If the machine asks to be woken in the past, or for ever at one instant.
    pub fn run_until(&mut self, until: Tick) {
        let mut turns = 0;
        while let Some(next) = self.next().filter(|next| *next <= until) {
            // After a stall, what was due meanwhile is due at once.
            turns = if next <= self.now { turns + 1 } else { 0 };
            assert!(turns < MAX_TURNS_AT_ONCE, "time stands still at {next}");
            self.now = self.now.max(next);
            self.turn();
        }
        self.now = until;
    }

    /// Runs until the box does something that `wanted` recognises, at most for `limit`.
    pub fn run_until_action(&mut self, limit: Duration, wanted: impl Fn(&Action) -> bool) -> Option<Tick> {
        let (end, seen) = (self.now + limit, self.log.len());
        loop {
            if let Some(entry) = self.log[seen..].iter().find(|e| wanted(&e.action)) {
                return Some(entry.at);
            }
            let next = self.next().filter(|next| *next <= end)?;
            self.run_until(next);
        }
    }

    /// The box's process stands still for so long; the world does not.
    pub fn stall(&mut self, time: Duration) {
        let end = self.now + time;
        let late: Vec<(Tick, u64)> = self.arrivals.range(..=(end, u64::MAX)).map(|(key, _)| *key).collect();
        for key in late {
            let Some(arrival) = self.arrivals.remove(&key) else { continue };
            self.arrive(end, arrival);
        }
        self.now = end;
    }

    /// Everything the box did but probing.
    #[must_use]
    pub fn log(&self) -> &[LogEntry] {
        &self.log
    }

    /// What the box told since `from`.
    pub fn notices(&self, from: Tick) -> impl Iterator<Item = &Notice> {
        self.log.iter().filter(move |e| e.at >= from).filter_map(|e| match &e.action {
            Action::Tell(notice) => Some(notice),
            Action::SendProbe(_) | Action::ApplyRoutes(_) | Action::FlushFlows { .. } => None,
        })
    }

    /// Switches told since `from`, the first choice after start included.
    #[must_use]
    pub fn switches(&self, from: Tick) -> usize {
        self.notices(from).filter(|n| matches!(n, Notice::Switched { .. })).count()
    }

    /// Probes sent so far.
    #[must_use]
    pub fn probes(&self, link: LinkId, family: Family) -> u64 {
        self.probes.get(&(link, family)).copied().unwrap_or(0)
    }

    /// A packet from the LAN comes back.
    #[must_use]
    pub fn carries(&self, family: Family) -> bool {
        self.kernel.active(family).is_some_and(|link| self.links[&link].works(family))
    }

    fn next(&self) -> Option<Tick> {
        let arrival = self.arrivals.keys().next().map(|(at, _)| *at);
        arrival.into_iter().chain(self.wan.poll_timeout()).min()
    }

    fn turn(&mut self) {
        while let Some(entry) = self.arrivals.first_entry().filter(|e| e.key().0 <= self.now) {
            match entry.remove() {
                Arrival::Outcome(outcome) => self.wan.handle_outcome(outcome, Now::at(self.now)),
                Arrival::Applied(applied) => self.wan.handle_routes_applied(applied, Now::at(self.now)),
                Arrival::Change(id, fault) => self.change(id, fault),
            }
            self.drain();
        }
        if self.wan.poll_timeout().is_some_and(|at| at <= self.now) {
            self.wan.handle_timeout(Now::at(self.now));
            self.drain();
        }
    }

    fn tell_facts(&mut self, id: LinkId) {
        let facts = self.links[&id].facts();
        self.wan.handle_facts(facts, Now::at(self.now));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.wan.poll_action() {
            if let Some(trace) = &mut self.trace {
                trace.push(LogEntry { at: self.now, action: action.clone() });
            }
            self.act(action);
        }
        let deadline = self.wan.poll_timeout();
        assert!(
            deadline.is_none_or(|at| at > self.now),
            "a deadline in the past: {deadline:?} at {}",
            self.now
        );
    }

    fn act(&mut self, action: Action) {
        match &action {
            Action::SendProbe(probe) => return self.carry(*probe),
            Action::ApplyRoutes(plan) => {
                let applied = self.kernel.apply(plan);
                if !self.kernel.mute {
                    self.arrive(self.now + self.kernel.delay, Arrival::Applied(applied));
                }
            }
            Action::FlushFlows { link } => self.kernel.flush(*link),
            Action::Tell(_) => {}
        }
        assert!(self.log.len() < MAX_LOG, "the box never stops talking");
        self.log.push(LogEntry { at: self.now, action });
    }

    fn carry(&mut self, probe: Probe) {
        let family = Family::of(&probe.target);
        *self.probes.entry((probe.link, family)).or_default() += 1;
        let routed = self.kernel.has_table(probe.link, probe.source) || self.kernel.refuses.contains(&family);
        assert!(routed, "a probe before its route: {probe:?}");
        let Some((delay, result)) = self.links[&probe.link].answer(&probe, &mut self.entropy) else { return };
        let outcome =
            ProbeOutcome { link: probe.link, target: probe.target, sequence: probe.sequence, result };
        let delay =
            Duration::from_millis(u64::try_from(delay.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
        self.arrive(self.now + delay, Arrival::Outcome(outcome));
    }

    fn arrive(&mut self, at: Tick, arrival: Arrival) {
        self.arrivals_made += 1;
        self.arrivals.insert((at, self.arrivals_made), arrival);
    }
}
