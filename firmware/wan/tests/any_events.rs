//! Whatever is told at whatever time, the machine keeps its laws.

use std::net::IpAddr;

use hal::{Family, LinkId, Now, Tick};
use proptest::collection::vec;
use proptest::prelude::*;
use wan::{
    Action, Addressing, Failure, Hop, LinkConfig, LinkFacts, Probe, ProbeOutcome, ProbeResult, RoutePlan,
    RoutesApplied, Timing, Wan, WanConfig,
};

const LINKS: u8 = 3;

/// A plan is asked for again when it was not answered for so long.
const ANSWER_WITHIN_MS: u64 = 1_000;

#[derive(Clone, Debug)]
enum Told {
    Facts {
        link: u8,
        ifindex: Option<u32>,
        carrier: bool,
        v4: Option<u8>,
        v6: Option<u8>,
    },
    /// The answer to one of the latest probes.
    Outcome {
        back: usize,
        result: ProbeResult,
    },
    Stranger {
        link: u8,
        sequence: u32,
        result: ProbeResult,
    },
    Applied {
        v4: bool,
        v6: bool,
    },
    StrangePlan {
        generation: u64,
    },
    Adopted {
        v4: Option<u8>,
        v6: Option<u8>,
    },
    Timeout,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_events_at_any_time_keep_the_laws(
        events in vec((told(), step()), 1..250),
        seed: u64,
        timing in timing(),
        ranks in vec(0_u8..3, usize::from(LINKS)),
        quorum in 0_u8..4,
    ) {
        let mut judge = Judge::new(config(&ranks, quorum, timing), seed);
        for (event, step) in events {
            judge.tell(&event, step);
        }
        prop_assert!(judge.broken.is_empty(), "{:?}", judge.broken);
    }

    #[test]
    fn the_same_events_give_the_same_actions(events in vec((told(), step()), 1..120), seed: u64) {
        let run = || {
            let mut judge = Judge::new(config(&[1, 2, 3], 1, Timing::default()), seed);
            for (event, step) in &events {
                judge.tell(event, *step);
            }
            (judge.wan, judge.actions)
        };
        prop_assert_eq!(run(), run());
    }
}

/// Follows the machine and remembers which laws it broke.
struct Judge {
    wan: Wan,
    clock: u64,
    /// The machine's own view of time: it never runs backwards.
    latest: u64,
    facts: Vec<Option<LinkFacts>>,
    probes: Vec<Probe>,
    outstanding: Option<(RoutePlan, u64)>,
    /// Hops of plans that the kernel has answered, or left unanswered for too long.
    routed: Vec<Hop>,
    generation: u64,
    actions: Vec<Action>,
    broken: Vec<String>,
}

impl Judge {
    fn new(config: WanConfig, seed: u64) -> Self {
        Self {
            wan: Wan::new(config, seed),
            clock: 0,
            latest: 0,
            facts: vec![None; usize::from(LINKS) + 1],
            probes: Vec::new(),
            outstanding: None,
            routed: Vec::new(),
            generation: 0,
            actions: Vec::new(),
            broken: Vec::new(),
        }
    }

    fn tell(&mut self, event: &Told, step: i64) {
        let nothing_to_answer = match event {
            Told::Outcome { back, .. } => *back >= self.probes.len(),
            Told::Applied { .. } => self.outstanding.is_none(),
            Told::Facts { .. }
            | Told::Stranger { .. }
            | Told::StrangePlan { .. }
            | Told::Adopted { .. }
            | Told::Timeout => false,
        };
        if nothing_to_answer {
            return;
        }
        self.clock = self.clock.saturating_add_signed(step);
        self.latest = self.latest.max(self.clock);
        let now = Now::at(Tick(self.clock));
        match event {
            Told::Facts { link, ifindex, carrier, v4, v6 } => {
                let facts = facts(*link, *ifindex, *carrier, *v4, *v6);
                if let Some(slot) = self.facts.get_mut(usize::from(*link)) {
                    *slot = Some(facts.clone());
                }
                self.wan.handle_facts(facts, now);
            }
            Told::Outcome { back, result } => {
                let Some(probe) = self.probes.iter().rev().nth(*back).copied() else { return };
                self.outcome(probe.link, probe.target, probe.sequence, *result, now);
            }
            Told::Stranger { link, sequence, result } => {
                self.outcome(id(*link), targets()[0], *sequence, *result, now);
            }
            Told::Applied { v4, v6 } => {
                let Some((plan, _)) = self.outstanding.take() else { return };
                self.routed.extend(&plan.tables);
                let applied = RoutesApplied { generation: plan.generation, v4: *v4, v6: *v6 };
                self.wan.handle_routes_applied(applied, now);
            }
            Told::StrangePlan { generation } => {
                let generation = self.generation + 1 + generation;
                self.wan.handle_routes_applied(RoutesApplied { generation, v4: true, v6: true }, now);
            }
            Told::Adopted { v4, v6 } => self.wan.handle_adopted(v4.map(id), v6.map(id), now),
            Told::Timeout => self.wan.handle_timeout(now),
        }
        self.drain();
        let _ = (self.wan.status(now), self.wan.explain(now));
    }

    fn outcome(&mut self, link: LinkId, target: IpAddr, sequence: u32, result: ProbeResult, now: Now) {
        self.wan.handle_outcome(ProbeOutcome { link, target, sequence, result }, now);
    }

    fn drain(&mut self) {
        while let Some(action) = self.wan.poll_action() {
            match &action {
                Action::SendProbe(probe) => self.judge_probe(*probe),
                Action::ApplyRoutes(plan) => self.judge_plan(plan),
                Action::FlushFlows { .. } | Action::Tell(_) => {}
            }
            self.actions.push(action);
        }
        if self.wan.poll_timeout().is_some_and(|at| at <= Tick(self.latest)) {
            self.broken.push(format!("a deadline in the past at {}", self.latest));
        }
    }

    fn judge_probe(&mut self, probe: Probe) {
        if !self.stands(probe.link, probe.source) {
            self.broken.push(format!("a probe over a link that cannot carry: {probe:?}"));
        }
        let overdue = self.outstanding.iter().filter(|(_, at)| self.latest >= at + ANSWER_WITHIN_MS);
        let mut hops = self.routed.iter().chain(overdue.flat_map(|(plan, _)| &plan.tables));
        if !hops.any(|hop| hop.link == probe.link && hop.source == probe.source) {
            self.broken.push(format!("a probe before its route: {probe:?}"));
        }
        self.probes.push(probe);
    }

    fn judge_plan(&mut self, plan: &RoutePlan) {
        if let Some((earlier, at)) = &self.outstanding {
            if self.latest < at + ANSWER_WITHIN_MS {
                self.broken.push(format!("two plans at once: {earlier:?} {plan:?}"));
            }
        }
        if plan.generation <= self.generation {
            self.broken.push(format!("a generation that does not rise: {plan:?}"));
        }
        let mut hops = plan.tables.clone();
        for family in Family::BOTH {
            let part = plan.family(family);
            hops.extend(part.active.iter().chain(&part.standby));
            if part.active.is_some() && part.active.map(|h| h.link) == part.standby.map(|h| h.link) {
                self.broken.push(format!("a link behind itself: {plan:?}"));
            }
        }
        for hop in hops {
            if !self.stands(hop.link, hop.source) {
                self.broken.push(format!("a route over a link that cannot carry: {hop:?}"));
            }
        }
        self.generation = plan.generation;
        self.routed.extend(self.outstanding.iter().flat_map(|(earlier, _)| &earlier.tables));
        self.outstanding = Some((plan.clone(), self.latest));
    }

    /// By the latest facts, the link has an interface, carrier and this address.
    fn stands(&self, link: LinkId, source: IpAddr) -> bool {
        self.facts[usize::from(link.number())].as_ref().is_some_and(|f| {
            let addressing = f.addressing(Family::of(&source));
            f.carrier && f.ifindex.is_some() && addressing.is_some_and(|a| a.source == source)
        })
    }
}

fn told() -> impl Strategy<Value = Told> {
    let link = || 1..=LINKS;
    let facts = (
        1..=LINKS + 1,
        prop::option::weighted(0.9, 1_u32..5),
        prop::bool::weighted(0.8),
        prop::option::weighted(0.8, 0_u8..3),
        prop::option::weighted(0.6, 0_u8..3),
    );
    prop_oneof![
        3 => facts.prop_map(|(link, ifindex, carrier, v4, v6)| Told::Facts { link, ifindex, carrier, v4, v6 }),
        8 => (0_usize..40, result()).prop_map(|(back, result)| Told::Outcome { back, result }),
        1 => (1..=LINKS + 1, any::<u32>(), result())
            .prop_map(|(link, sequence, result)| Told::Stranger { link, sequence, result }),
        4 => (prop::bool::weighted(0.8), prop::bool::weighted(0.8)).prop_map(|(v4, v6)| Told::Applied { v4, v6 }),
        1 => (0_u64..3).prop_map(|generation| Told::StrangePlan { generation }),
        1 => (prop::option::of(link()), prop::option::of(1..=LINKS + 1))
            .prop_map(|(v4, v6)| Told::Adopted { v4, v6 }),
        8 => Just(Told::Timeout),
    ]
}

fn result() -> impl Strategy<Value = ProbeResult> {
    prop_oneof![
        4 => (0_u32..400_000).prop_map(|rtt_us| ProbeResult::Answered { rtt_us }),
        1 => any::<u32>().prop_map(|rtt_us| ProbeResult::Answered { rtt_us }),
        1 => prop_oneof![Just(Failure::Unreachable), Just(Failure::NoRoute), Just(Failure::Socket)]
            .prop_map(ProbeResult::Failed),
    ]
}

/// Milliseconds between events: mostly small, sometimes none, backwards or ages.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => 0_i64..60,
        3 => 0_i64..3_000,
        1 => -500_i64..0,
        1 => Just(i64::MAX / 1_000),
    ]
}

fn timing() -> impl Strategy<Value = Timing> {
    let ms = |ms: std::ops::Range<u64>| ms.prop_map(std::time::Duration::from_millis);
    (ms(0..500), ms(0..3_000), ms(0..60_000), ms(0..100), ms(0..3_000), 0_u8..5, ms(0..10_000), ms(0..90_000))
        .prop_map(|(active, standby, metered, burst, floor, down, hold, failback)| Timing {
            probe_active: active,
            probe_standby: standby,
            probe_metered: metered,
            probe_burst: burst,
            timeout_floor: floor,
            rounds_down: down,
            hold_down: hold,
            failback_after: failback,
        })
}

fn config(ranks: &[u8], quorum: u8, timing: Timing) -> WanConfig {
    let link = |(rank, n): (&u8, u8)| LinkConfig {
        id: id(n),
        name: format!("link{n}"),
        rank: *rank,
        metered: n == 2,
        targets: targets(),
        quorum,
    };
    WanConfig { links: ranks.iter().zip(1..).map(link).collect(), timing }
}

fn targets() -> Vec<IpAddr> {
    let literals = ["198.51.100.1", "198.51.100.2", "2001:db8::1"];
    literals.iter().map(|t| t.parse().expect("a literal address")).collect()
}

fn facts(link: u8, ifindex: Option<u32>, carrier: bool, v4: Option<u8>, v6: Option<u8>) -> LinkFacts {
    let v4 = v4.map(|n| Addressing { source: [192, 0, 2, n].into(), gateway: Some([192, 0, 2, 100].into()) });
    let v6 =
        v6.map(|n| Addressing { source: [0x2001, 0xdb8, 0, 0, 0, 0, 1, n.into()].into(), gateway: None });
    LinkFacts { link: id(link), ifindex, carrier, v4, v6 }
}

fn id(n: u8) -> LinkId {
    LinkId::new(n).expect("a number of 1..=49")
}
