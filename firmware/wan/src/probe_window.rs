//! What is known of the latest probe rounds of one link in one family: facts only.
//!
//! A round is one echo request to every target, all at once. The window stores when a round was
//! sent and what came back after how long; whether a round was answered, how many were missed in a
//! row and how much is lost is computed when somebody asks, so a late reply repairs all of it.
//! It refuses to judge the link: that is `link_health`'s.

use std::collections::VecDeque;

use core::time::Duration;

use hal::Tick;
use serde::{Deserialize, Serialize};

use crate::{Failure, ProbeResult};

/// The rounds remembered: at the shortest interval they span more than [`ANSWER_CEILING`], so that
/// no round leaves the window undecided.
pub(crate) const WINDOW_ROUNDS: usize = 128;

/// An answer that took longer is a fact for statistics, but no proof of a working link.
pub(crate) const ANSWER_CEILING: Duration = Duration::from_secs(2);

/// The time for an answer while no round trip is known: a geostationary satellite passes.
const TIMEOUT_UNKNOWN: Duration = Duration::from_millis(750);

/// Half of an interval is what our own clockwork may be late, but never more than half of this.
const TOLERANT_INTERVAL: Duration = Duration::from_secs(1);

/// Answered rounds are counted no further back than this; nobody asks for more.
const STREAK_ENOUGH: u8 = 8;

/// The latest rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProbeWindow {
    targets: usize,
    quorum: usize,
    timeout_floor: Duration,
    rounds: VecDeque<Round>,
    next_number: u32,
    /// Every round before this one is decided.
    open_from: u32,
    srtt_us: Option<u32>,
}

/// What the outcome of a probe did to its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// No such probe is remembered, or its fate was known.
    Odd,
    /// The round says what it said before.
    Undecided,
    /// The round says something else: the evidence changed.
    Decided,
}

/// What the latest rounds say, newest first; undecided and discarded rounds say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Rounds without a quorum since the last one with it.
    pub(crate) missed_in_row: u8,
    /// In all of those, routers or the kernel said so.
    pub(crate) unreachable: bool,
    /// Rounds with a quorum since the last one without it.
    pub(crate) answered_in_row: u8,
}

/// How many rounds ended without a quorum, by how their end was noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    pub(crate) in_time: u32,
    /// By our own fault: these never count as missed.
    pub(crate) too_late: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Round {
    number: u32,
    sent_at: Tick,
    deadline: Tick,
    /// How late the deadline may be noticed for the round to count.
    tolerance: Duration,
    fates: Vec<Fate>,
    expiry: Option<Expiry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Fate {
    Waiting,
    Answered { rtt_us: u32 },
    Failed(Failure),
}

/// How the deadline of an undecided round was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Expiry {
    InTime,
    TooLate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Open,
    Answered,
    Missed,
    Unreachable,
    Discarded,
}

impl ProbeWindow {
    pub(crate) fn new(targets: usize, quorum: u8, timeout_floor: Duration) -> Self {
        Self {
            targets,
            quorum: usize::from(quorum).clamp(1, targets.max(1)),
            timeout_floor,
            rounds: VecDeque::new(),
            next_number: 0,
            open_from: 0,
            srtt_us: None,
        }
    }

    /// A round leaves. Its number is the sequence of all its probes.
    pub(crate) fn send(&mut self, interval: Duration, now: Tick) -> u32 {
        if self.rounds.len() >= WINDOW_ROUNDS {
            self.rounds.pop_front();
        }
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        self.rounds.push_back(Round {
            number,
            sent_at: now,
            deadline: now + self.timeout(),
            tolerance: interval.min(TOLERANT_INTERVAL) / 2,
            fates: vec![Fate::Waiting; self.targets],
            expiry: None,
        });
        number
    }

    /// What became of a probe.
    pub(crate) fn note(&mut self, number: u32, target: usize, result: ProbeResult) -> Noted {
        let quorum = self.quorum;
        let Some(round) = self.round_mut(number) else { return Noted::Odd };
        let before = round.finding(quorum);
        let Some(fate) = round.fates.get_mut(target) else { return Noted::Odd };
        match (*fate, result) {
            (Fate::Answered { .. }, _) | (Fate::Failed(_), ProbeResult::Failed(_)) => return Noted::Odd,
            (Fate::Waiting | Fate::Failed(_), ProbeResult::Answered { rtt_us }) => {
                *fate = Fate::Answered { rtt_us };
            }
            (Fate::Waiting, ProbeResult::Failed(failure)) => *fate = Fate::Failed(failure),
        }
        let after = round.finding(quorum);
        if before == after {
            return Noted::Undecided;
        }
        if after == Finding::Answered {
            let rtt_us = round.rtt_us(quorum);
            self.smooth(rtt_us);
        }
        self.forget_decided();
        Noted::Decided
    }

    /// The deadlines of rounds that ended by now.
    pub(crate) fn expire(&mut self, now: Tick) -> Expired {
        let quorum = self.quorum;
        let mut expired = Expired::default();
        for round in self.open_rounds_mut() {
            if round.deadline > now || round.finding(quorum) != Finding::Open {
                continue;
            }
            let in_time = now.since(round.deadline) <= round.tolerance;
            round.expiry = Some(if in_time { Expiry::InTime } else { Expiry::TooLate });
            expired.in_time += u32::from(in_time);
            expired.too_late += u32::from(!in_time);
        }
        self.forget_decided();
        expired
    }

    /// When the next undecided round ends.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        let open = self.rounds.range(self.open_index()..);
        open.filter(|r| r.finding(self.quorum) == Finding::Open).map(|r| r.deadline).min()
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let mut evidence = Evidence { unreachable: true, ..Evidence::default() };
        for round in self.rounds.iter().rev() {
            match round.finding(self.quorum) {
                Finding::Open | Finding::Discarded => continue,
                Finding::Answered
                    if evidence.missed_in_row == 0 && evidence.answered_in_row < STREAK_ENOUGH =>
                {
                    evidence.answered_in_row = evidence.answered_in_row.saturating_add(1);
                }
                missed @ (Finding::Missed | Finding::Unreachable) if evidence.answered_in_row == 0 => {
                    evidence.missed_in_row = evidence.missed_in_row.saturating_add(1);
                    evidence.unreachable &= missed == Finding::Unreachable;
                }
                Finding::Answered | Finding::Missed | Finding::Unreachable => break,
            }
        }
        evidence.unreachable &= evidence.missed_in_row > 0;
        evidence
    }

    /// Lost rounds of the window, per cent.
    pub(crate) fn loss_pct(&self) -> Option<u8> {
        let findings = self.rounds.iter().map(|r| r.finding(self.quorum));
        let (mut lost, mut all) = (0, 0);
        for finding in findings {
            match finding {
                Finding::Open | Finding::Discarded => {}
                Finding::Answered => all += 1,
                Finding::Missed | Finding::Unreachable => {
                    all += 1;
                    lost += 1;
                }
            }
        }
        percent(lost, all)
    }

    /// Lost probes of one target, per cent; a probe whose time is not over does not count.
    pub(crate) fn target_loss_pct(&self, target: usize, now: Tick) -> Option<u8> {
        let (mut lost, mut all) = (0, 0);
        for round in self.rounds.iter().filter(|r| r.expiry != Some(Expiry::TooLate)) {
            match round.fates.get(target) {
                Some(Fate::Answered { .. }) => all += 1,
                Some(Fate::Failed(_)) => (lost, all) = (lost + 1, all + 1),
                Some(Fate::Waiting) if round.deadline <= now => (lost, all) = (lost + 1, all + 1),
                Some(Fate::Waiting) | None => {}
            }
        }
        percent(lost, all)
    }

    /// The latest round trip of one target.
    pub(crate) fn target_rtt_us(&self, target: usize) -> Option<u32> {
        self.rounds.iter().rev().find_map(|r| match r.fates.get(target) {
            Some(Fate::Answered { rtt_us }) => Some(*rtt_us),
            Some(Fate::Waiting | Fate::Failed(_)) | None => None,
        })
    }

    /// The smoothed time until a quorum had answered.
    pub(crate) const fn srtt_us(&self) -> Option<u32> {
        self.srtt_us
    }

    /// Forgets everything but the numbering: the path is another one.
    pub(crate) fn clear(&mut self) {
        self.rounds.clear();
        self.open_from = self.next_number;
        self.srtt_us = None;
    }

    /// `max(4 * srtt, floor)`, never above the ceiling.
    pub(crate) fn timeout(&self) -> Duration {
        let by_srtt = self.srtt_us.map_or(TIMEOUT_UNKNOWN, |us| Duration::from_micros(u64::from(us) * 4));
        by_srtt.max(self.timeout_floor).min(ANSWER_CEILING.max(self.timeout_floor))
    }

    /// Rises by half and falls by an eighth of the difference: a path that slows down is given time
    /// at once, one that hurries for a moment is not held to it.
    fn smooth(&mut self, rtt_us: u32) {
        self.srtt_us = Some(match self.srtt_us {
            None => rtt_us,
            Some(srtt) if rtt_us > srtt => srtt + (rtt_us - srtt).div_ceil(2),
            Some(srtt) => srtt - (srtt - rtt_us) / 8,
        });
    }

    fn round_mut(&mut self, number: u32) -> Option<&mut Round> {
        let index = self.index_of(number)?;
        self.rounds.get_mut(index)
    }

    fn index_of(&self, number: u32) -> Option<usize> {
        let first = self.rounds.front()?.number;
        let index = usize::try_from(number.wrapping_sub(first)).ok()?;
        (index < self.rounds.len()).then_some(index)
    }

    fn open_index(&self) -> usize {
        if self.open_from == self.next_number {
            return self.rounds.len();
        }
        self.index_of(self.open_from).unwrap_or(0)
    }

    fn open_rounds_mut(&mut self) -> impl Iterator<Item = &mut Round> {
        let from = self.open_index();
        self.rounds.range_mut(from..)
    }

    fn forget_decided(&mut self) {
        let open = self.rounds.range(self.open_index()..);
        let first = open.into_iter().find(|r| r.finding(self.quorum) == Finding::Open);
        self.open_from = first.map_or(self.next_number, |r| r.number);
    }
}

impl Round {
    fn finding(&self, quorum: usize) -> Finding {
        if self.proofs().count() >= quorum {
            return Finding::Answered;
        }
        if self.fates.iter().filter(|f| f.is_certain_loss()).count() + quorum > self.fates.len() {
            return Finding::Unreachable;
        }
        match self.expiry {
            None => Finding::Open,
            Some(Expiry::InTime) => Finding::Missed,
            Some(Expiry::TooLate) => Finding::Discarded,
        }
    }

    /// The time until the quorum was reached.
    fn rtt_us(&self, quorum: usize) -> u32 {
        let mut rtts: Vec<u32> = self.proofs().collect();
        rtts.sort_unstable();
        rtts.get(quorum - 1).copied().unwrap_or(u32::MAX)
    }

    /// The round trips that prove a working link.
    fn proofs(&self) -> impl Iterator<Item = u32> + '_ {
        self.fates.iter().filter_map(|fate| match fate {
            Fate::Answered { rtt_us } if Duration::from_micros(u64::from(*rtt_us)) <= ANSWER_CEILING => {
                Some(*rtt_us)
            }
            Fate::Answered { .. } | Fate::Waiting | Fate::Failed(_) => None,
        })
    }
}

impl Fate {
    /// A socket that could not send says nothing of the path: such a probe is lost when its time is over.
    const fn is_certain_loss(&self) -> bool {
        match self {
            Self::Failed(Failure::Unreachable | Failure::NoRoute) => true,
            Self::Failed(Failure::Socket) | Self::Waiting | Self::Answered { .. } => false,
        }
    }
}

fn percent(part: u32, whole: u32) -> Option<u8> {
    let rounded_up = (part * 100).div_ceil(whole.max(1));
    (whole > 0).then(|| u8::try_from(rounded_up).expect("a part of the whole is at most 100 %"))
}

#[cfg(test)]
mod tests;
