//! What follows from new facts, in this order and in the same turn: verdicts, choices, routes, probes.
//!
//! Routes are asked for before probes, so that no socket is used before its table stands.

use std::collections::BTreeSet;

use hal::{Family, LinkId, Tick};

use crate::election::{self, Candidate, Choice, Terms};
use crate::failover::{Move, Want};
use crate::per_family::PerFamily;
use crate::schedule::Role;
use crate::wan::{HEAR_ALL_WITHIN, START_PATIENCE, hop_of};
use crate::{Action, FamilyPlan, Hop, Notice, Verdict, Wan, Why};

impl Wan {
    pub(crate) fn settle(&mut self, now: Tick) {
        self.listen(now);
        self.judge(now);
        if self.ready {
            let wants = PerFamily::new(|family| self.choose(family, now));
            let whys = PerFamily::new(|family| self.families.of(family).why.unwrap_or(Why::KeepCurrent));
            if let Some(plan) = self.failover.propose(&wants, whys, now) {
                self.push(Action::ApplyRoutes(plan));
            }
        }
        self.probe(now);
        self.wake = self.deadline();
    }

    fn deadline(&self) -> Option<Tick> {
        let started = self.started?;
        let patience = Some(started + START_PATIENCE).filter(|until| self.clock < *until);
        let hearing = Some(started + HEAR_ALL_WITHIN).filter(|until| self.clock < *until);
        let families = Family::BOTH.into_iter().filter_map(|family| self.family_deadline(family));
        [patience, hearing, self.failover.deadline()].into_iter().flatten().chain(families).min()
    }

    fn family_deadline(&self, family: Family) -> Option<Tick> {
        let state = self.families.of(family);
        let settled = state.settles_until.filter(|until| self.clock < *until);
        let scene = self.scene(family);
        let lanes = self.lanes(family).flat_map(|lane| {
            [lane.window.deadline(), lane.due(scene.role(lane.link()), &self.timing)].into_iter().flatten()
        });
        settled.into_iter().chain(state.revisit).chain(lanes).min()
    }

    /// Traffic moved: people are told, then the flows of links that died are forgotten, each once.
    pub(crate) fn tell_moves(&mut self, moves: &[Move]) {
        for Move { family, from, to, why, took } in moves.iter().copied() {
            self.push(Action::Tell(Notice::Switched { family, from, to, why, took }));
        }
        let dead: BTreeSet<LinkId> = moves.iter().filter_map(Move::dead).collect();
        for link in dead.into_iter().filter(|link| !self.still_carries(*link)).collect::<Vec<_>>() {
            self.push(Action::FlushFlows { link });
        }
    }

    pub(crate) fn candidates(&self, family: Family) -> Vec<Candidate> {
        self.lanes(family).map(crate::lane::Lane::candidate).collect()
    }

    pub(crate) fn patient(&self, now: Tick) -> bool {
        self.started.is_none_or(|started| now < started + START_PATIENCE)
    }

    /// Nothing is chosen before every link was heard of: the first to speak is not the best.
    fn listen(&mut self, now: Tick) {
        let all = self.links.iter().all(|l| l.facts.is_some());
        let waited = self.started.is_some_and(|started| now >= started + HEAR_ALL_WITHIN);
        let any = self.links.iter().any(|l| l.facts.is_some());
        self.ready |= all || (any && waited);
        if !self.patient(now) {
            // Whoever should have spoken of it is not there: such a link carries nothing.
            for link in self.links.iter_mut().filter(|l| l.facts.is_none()) {
                for family in Family::BOTH {
                    if let Some(lane) = link.lanes.of_mut(family) {
                        lane.stand_on(false, None, false, now);
                    }
                }
            }
        }
    }

    fn judge(&mut self, now: Tick) {
        let patient = self.patient(now);
        let mut told = Vec::new();
        for link in &mut self.links {
            for family in Family::BOTH {
                let Some(lane) = link.lanes.of_mut(family) else { continue };
                if lane.weigh(&self.timing, now) {
                    self.counters.suspicions += u64::from(lane.health.verdict() == Verdict::Suspect);
                }
                let link = link.config.id;
                told.extend(lane.health.tell(patient).map(|t| Notice::Judged {
                    link,
                    family,
                    from: t.from,
                    to: t.to,
                    why: t.why,
                }));
            }
        }
        for notice in told {
            self.push(Action::Tell(notice));
        }
    }

    fn choose(&mut self, family: Family, now: Tick) -> Want {
        let tables = self.links.iter().filter_map(|l| hop_of(l.facts.as_ref()?, family)).collect();
        let candidates = self.candidates(family);
        if candidates.is_empty() {
            return Want { plan: FamilyPlan::default(), tables };
        }
        let seat = *self.failover.seat(family);
        let state = self.families.of_mut(family);
        let terms = Terms {
            now,
            failback_after: self.timing.failback_after,
            settling: !state.took_over && state.settles_until.is_some_and(|until| now < until),
            adopted: seat.adopted,
        };
        let choice = election::elect(seat.active, &candidates, terms);
        state.take(choice);
        self.tell_reach(family, choice, &candidates, now);
        let standby = election::standby(choice.link, &candidates);
        let plan = FamilyPlan { active: self.hop(family, choice.link), standby: self.hop(family, standby) };
        Want { plan, tables }
    }

    fn tell_reach(&mut self, family: Family, choice: Choice, candidates: &[Candidate], now: Tick) {
        let judged = candidates.iter().any(|c| c.standing == election::Standing::Down);
        let patient = self.patient(now);
        let state = self.families.of_mut(family);
        state.ever_worked |= choice.works;
        let all_down = choice.why == Why::AllDown && (state.ever_worked || judged || !patient);
        if all_down && !state.all_down {
            state.all_down = true;
            self.push(Action::Tell(Notice::AllDown { family }));
        } else if choice.works && state.all_down {
            state.all_down = false;
            self.push(Action::Tell(Notice::AnyUp { family }));
        }
    }

    fn probe(&mut self, now: Tick) {
        for family in Family::BOTH {
            let scene = self.scene(family);
            let mut probes = Vec::new();
            for link in &mut self.links {
                let Some(lane) = link.lanes.of_mut(family) else { continue };
                let role = scene.role(link.config.id);
                if lane.due(role, &self.timing).is_some_and(|due| due <= now) {
                    probes.extend(lane.send(role, &self.timing, self.jitter.draw(), now));
                }
            }
            for probe in probes {
                self.push(Action::SendProbe(probe));
            }
        }
    }

    fn scene(&self, family: Family) -> Scene {
        let carrier = self.failover.asked_for(family).or(self.failover.seat(family).active);
        let lane = carrier.and_then(|id| self.link(id)).and_then(|l| l.lanes.of(family).as_ref());
        Scene {
            carrier,
            alone: election::standby(carrier, &self.candidates(family)).is_none(),
            needed: self.ready && !self.families.of(family).works,
            doubt: lane.is_some_and(|l| l.health.verdict() == Verdict::Suspect),
        }
    }

    fn hop(&self, family: Family, link: Option<LinkId>) -> Option<Hop> {
        self.link(link?)?.lanes.of(family).as_ref()?.hop()
    }

    /// The link's mark covers both families: flows of a family that still works must not be cut.
    fn still_carries(&self, link: LinkId) -> bool {
        Family::BOTH.into_iter().any(|family| {
            let lane = self.link(link).and_then(|l| l.lanes.of(family).as_ref());
            let alive = lane.is_some_and(|l| match l.health.verdict() {
                Verdict::Up | Verdict::Suspect | Verdict::Probing | Verdict::HoldDown => true,
                Verdict::NoCarrier | Verdict::NoAddress | Verdict::Down => false,
            });
            alive && self.failover.seat(family).active == Some(link)
        })
    }
}

/// What every link of a family needs to know of the others.
struct Scene {
    carrier: Option<LinkId>,
    alone: bool,
    needed: bool,
    doubt: bool,
}

impl Scene {
    fn role(&self, link: LinkId) -> Role {
        let active = self.carrier == Some(link);
        Role { active, alone: self.alone, needed: self.needed, doubt: self.doubt && !active }
    }
}
