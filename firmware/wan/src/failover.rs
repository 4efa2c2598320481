//! What the kernel was asked for and what stands in it.
//!
//! Traffic counts as moved only when the kernel said so. One plan is outstanding at a time; what was
//! refused is asked for again, 100 ms later at first and 5 s at most, or at once if something else is
//! wanted meanwhile. It refuses to choose: links come from the election.

use core::time::Duration;

use hal::{Family, LinkId, Tick};
use serde::{Deserialize, Serialize};

use crate::per_family::PerFamily;
use crate::{FamilyPlan, Hop, RoutePlan, RoutesApplied, Why};

/// A plan without an answer for so long counts as refused: whoever should have answered was restarted.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failover {
    generation: u64,
    /// As last acknowledged; `None` where nobody knows.
    stands: PerFamily<Option<Want>>,
    outstanding: Option<Outstanding>,
    refusal: Option<Refusal>,
    seats: PerFamily<Seat>,
    /// Plans of which a part was refused or never answered.
    pub(crate) refused: u64,
}

/// One family's part of the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Want {
    pub(crate) plan: FamilyPlan,
    pub(crate) tables: Vec<Hop>,
}

/// Who carries a family, as the kernel has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) active: Option<LinkId>,
    pub(crate) standby: Option<LinkId>,
    pub(crate) since: Option<Tick>,
    pub(crate) switches: u32,
    /// The kernel had it when the daemon started.
    pub(crate) adopted: bool,
    decided: Option<Decision>,
}

/// Traffic moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) family: Family,
    pub(crate) from: Option<LinkId>,
    pub(crate) to: LinkId,
    pub(crate) why: Why,
    pub(crate) took: Duration,
}

/// The end of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The hops that were in it.
    pub(crate) tables: Vec<Hop>,
    pub(crate) moves: Vec<Move>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Decision {
    to: LinkId,
    why: Why,
    at: Tick,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Outstanding {
    generation: u64,
    wants: PerFamily<Want>,
    /// What the plan moves, and why: the choice may be another one by the time of the answer.
    decisions: PerFamily<Option<Decision>>,
    until: Tick,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refusal {
    wants: PerFamily<Want>,
    pause: Duration,
    until: Tick,
}

impl Failover {
    /// What the kernel led to at start. Ignored once a plan was made: from then on we know better.
    pub(crate) fn adopt(&mut self, family: Family, link: LinkId, now: Tick) -> bool {
        let untouched = self.generation == 0;
        if untouched {
            *self.seats.of_mut(family) =
                Seat { active: Some(link), adopted: true, since: Some(now), ..Seat::default() };
        }
        untouched
    }

    pub(crate) const fn seat(&self, family: Family) -> &Seat {
        self.seats.of(family)
    }

    /// The plan to ask for, if there is something to ask for.
    pub(crate) fn propose(
        &mut self,
        wants: &PerFamily<Want>,
        whys: PerFamily<Why>,
        now: Tick,
    ) -> Option<RoutePlan> {
        self.decide(wants, whys, now);
        if self.outstanding.is_some() {
            return None;
        }
        if Family::BOTH.iter().all(|f| self.stands.of(*f).as_ref() == Some(wants.of(*f))) {
            self.refusal = None;
            return None;
        }
        if self.refusal.as_ref().is_some_and(|r| r.wants == *wants && now < r.until) {
            return None;
        }
        self.generation += 1;
        self.outstanding = Some(Outstanding {
            generation: self.generation,
            wants: wants.clone(),
            decisions: PerFamily::new(|family| self.seats.of(family).decided),
            until: now + ANSWER_WITHIN,
        });
        Some(plan(self.generation, wants))
    }

    /// The kernel's answer; `None` if nobody asked.
    pub(crate) fn answer(&mut self, answer: RoutesApplied, now: Tick) -> Option<Answered> {
        let asked = self.outstanding.take_if(|o| o.generation == answer.generation)?;
        Some(self.conclude(&asked, answer, now))
    }

    /// A plan that was never answered.
    pub(crate) fn expire(&mut self, now: Tick) -> Option<Answered> {
        let asked = self.outstanding.take_if(|o| o.until <= now)?;
        let silence = RoutesApplied { generation: asked.generation, v4: false, v6: false };
        Some(self.conclude(&asked, silence, now))
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        match (&self.outstanding, &self.refusal) {
            (Some(asked), _) => Some(asked.until),
            (None, refusal) => refusal.as_ref().map(|r| r.until),
        }
    }

    /// A plan waits for its answer and leads here.
    pub(crate) fn asked_for(&self, family: Family) -> Option<LinkId> {
        self.outstanding.as_ref()?.wants.of(family).plan.active.map(|hop| hop.link)
    }

    fn decide(&mut self, wants: &PerFamily<Want>, whys: PerFamily<Why>, now: Tick) {
        for family in Family::BOTH {
            let seat = self.seats.of_mut(family);
            let to = wants.of(family).plan.active.map(|hop| hop.link).filter(|to| seat.active != Some(*to));
            seat.decided = to.map(|to| match seat.decided {
                Some(decided) if decided.to == to => decided,
                Some(_) | None => Decision { to, why: *whys.of(family), at: now },
            });
        }
    }

    fn conclude(&mut self, asked: &Outstanding, answer: RoutesApplied, now: Tick) -> Answered {
        let mut moves = Vec::new();
        for (family, applied) in [(Family::V4, answer.v4), (Family::V6, answer.v6)] {
            let want = asked.wants.of(family);
            *self.stands.of_mut(family) = applied.then(|| want.clone());
            if applied {
                moves.extend(self.seat_taken(family, want.plan, *asked.decisions.of(family), now));
            }
        }
        self.refusal = if answer.v4 && answer.v6 { None } else { Some(self.refusal_of(asked, now)) };
        let tables = Family::BOTH.iter().flat_map(|f| asked.wants.of(*f).tables.iter().copied()).collect();
        Answered { tables, moves }
    }

    fn seat_taken(
        &mut self,
        family: Family,
        plan: FamilyPlan,
        decision: Option<Decision>,
        now: Tick,
    ) -> Option<Move> {
        let seat = self.seats.of_mut(family);
        seat.standby = plan.standby.map(|hop| hop.link);
        let to = plan.active?.link;
        if seat.active == Some(to) {
            return None;
        }
        let (why, at) = decision.map_or((Why::KeepCurrent, now), |d| (d.why, d.at));
        let from = seat.active.replace(to);
        seat.since = Some(now);
        seat.adopted = false;
        seat.switches = seat.switches.saturating_add(u32::from(from.is_some()));
        Some(Move { family, from, to, why, took: now.since(at) })
    }

    fn refusal_of(&mut self, asked: &Outstanding, now: Tick) -> Refusal {
        self.refused = self.refused.saturating_add(1);
        let pause = self.refusal.as_ref().map_or(RETRY_FIRST, |r| (r.pause * 2).min(RETRY_MAX));
        Refusal { wants: asked.wants.clone(), pause, until: now + pause }
    }
}

impl Move {
    /// The link that was left because it is dead.
    pub(crate) const fn dead(&self) -> Option<LinkId> {
        match self.why {
            Why::CurrentLostCarrier | Why::CurrentLostAddress | Why::CurrentDown => self.from,
            Why::First
            | Why::Adopted
            | Why::KeepCurrent
            | Why::Failback
            | Why::WaitForFailback
            | Why::AllDown => None,
        }
    }
}

fn plan(generation: u64, wants: &PerFamily<Want>) -> RoutePlan {
    let tables = Family::BOTH.iter().flat_map(|f| wants.of(*f).tables.iter().copied()).collect();
    RoutePlan { generation, tables, v4: wants.of(Family::V4).plan, v6: wants.of(Family::V6).plan }
}

#[cfg(test)]
mod tests;
