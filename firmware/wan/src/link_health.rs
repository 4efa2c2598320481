//! The judgement of one link in one family.
//!
//! ```text
//!              carrier lost, interface gone                 (from every state)
//!  NoCarrier <─────────────────────────────────────────────────────
//!  NoAddress <───────────────────────────────────────────── address or gateway gone
//!      │ carrier and addressing; also: addressing changed
//!      v
//!   Probing ── answered, while the site starts or the link was up ──> Up <──────────────────┐
//!      │  └─── answered, else ──────────────────┐                     │ round missed        │
//!      │ rounds_down missed                     │                     v                     │
//!      │                                        │                  Suspect ── answered ─────┤
//!      v                                        v                     │ rounds_down missed  │
//!    Down ──────────── answered ───────────> HoldDown                 │                     │
//!     ^ ^                                     │   └── all answered for hold_down ───────────┘
//!     │ └──────────── round missed ───────────┘                       │
//!     └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! It refuses to know of other links, of routes and of probes: it is told evidence and says a verdict.

use hal::Tick;
use serde::{Deserialize, Serialize};

use crate::probe_window::Evidence;
use crate::{Timing, Verdict, VerdictWhy};

/// Answered rounds in a row without which no hold time is believed.
pub(crate) const PROVING_ROUNDS: u8 = 5;

/// A link's judgement and what of it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkHealth {
    state: State,
    why: Option<VerdictWhy>,
    since: Option<Tick>,
    told: Option<Verdict>,
}

/// The verdict with what it needs to become another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The kernel has said nothing of the link yet.
    Unheard,
    NoCarrier,
    NoAddress,
    /// `trusted`: one answered round is enough, there is nothing to be mistrusted for.
    Probing {
        trusted: bool,
    },
    Up {
        since: Tick,
    },
    /// A suspicion that the burst clears does not end the time the link has been up.
    Suspect {
        up_since: Tick,
    },
    Down,
    HoldDown {
        since: Tick,
    },
}

/// What the kernel says of a link in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    NoCarrier,
    NoAddress,
    /// Carrier and addressing, which differ from before.
    Moved,
}

/// A change that people should know: between verdicts that stand, not those on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) from: Verdict,
    pub(crate) to: Verdict,
    pub(crate) why: VerdictWhy,
}

impl LinkHealth {
    pub(crate) const fn new() -> Self {
        Self { state: State::Unheard, why: None, since: None, told: None }
    }

    /// The kernel's word is law at once. `starting`: the site has just begun and has to find a link.
    pub(crate) fn stand_on(&mut self, footing: Footing, starting: bool, now: Tick) {
        let (state, why) = match footing {
            Footing::NoCarrier => (State::NoCarrier, VerdictWhy::Carrier),
            Footing::NoAddress => (State::NoAddress, VerdictWhy::Addressing),
            Footing::Moved => {
                let why =
                    if self.state == State::NoCarrier { VerdictWhy::Carrier } else { VerdictWhy::Addressing };
                (State::Probing { trusted: starting || self.was_up() }, why)
            }
        };
        if state != self.state {
            self.enter(state, why, now);
        }
    }

    /// The evidence is weighed. `true` if the verdict changed.
    pub(crate) fn weigh(&mut self, evidence: Evidence, timing: &Timing, now: Tick) -> bool {
        let Some((state, why)) = self.next(evidence, timing, now) else { return false };
        self.enter(state, why, now);
        true
    }

    /// What is worth a record and has not been told. A verdict on the way is not: it ends in one
    /// that stands, and a record per lost packet would wear out the flash. `patient`: the box has
    /// just started, and what is merely not there yet is not told.
    pub(crate) fn tell(&mut self, patient: bool) -> Option<Told> {
        let to = self.verdict();
        let tellable = match to {
            Verdict::Probing | Verdict::Suspect | Verdict::HoldDown => false,
            Verdict::Up | Verdict::Down => true,
            Verdict::NoCarrier | Verdict::NoAddress => self.told.is_some() || !patient,
        };
        if !tellable || self.told == Some(to) {
            return None;
        }
        let from = self.told.replace(to).unwrap_or(Verdict::Probing);
        self.why.map(|why| Told { from, to, why })
    }

    pub(crate) const fn state(&self) -> State {
        self.state
    }

    pub(crate) const fn why(&self) -> Option<VerdictWhy> {
        self.why
    }

    pub(crate) const fn since(&self) -> Option<Tick> {
        self.since
    }

    pub(crate) const fn verdict(&self) -> Verdict {
        match self.state {
            State::NoCarrier => Verdict::NoCarrier,
            State::NoAddress => Verdict::NoAddress,
            State::Unheard | State::Probing { .. } => Verdict::Probing,
            State::Up { .. } => Verdict::Up,
            State::Suspect { .. } => Verdict::Suspect,
            State::Down => Verdict::Down,
            State::HoldDown { .. } => Verdict::HoldDown,
        }
    }

    fn next(&self, evidence: Evidence, timing: &Timing, now: Tick) -> Option<(State, VerdictWhy)> {
        let missed = evidence.missed_in_row;
        let is_down = missed >= timing.rounds_down.max(1);
        let answered = evidence.answered_in_row > 0;
        match self.state {
            State::Unheard | State::NoCarrier | State::NoAddress => None,
            State::Probing { .. } | State::Up { .. } | State::Suspect { .. } if is_down => {
                let why = if evidence.unreachable {
                    VerdictWhy::Unreachable
                } else {
                    VerdictWhy::RoundsMissed(missed)
                };
                Some((State::Down, why))
            }
            State::Probing { trusted: true } if answered => {
                Some((State::Up { since: now }, VerdictWhy::Answered))
            }
            State::Probing { trusted: false } | State::Down if answered => {
                Some((State::HoldDown { since: now }, VerdictWhy::Answered))
            }
            State::Up { since } if missed > 0 => {
                Some((State::Suspect { up_since: since }, VerdictWhy::RoundMissed))
            }
            State::Suspect { up_since } if answered => {
                Some((State::Up { since: up_since }, VerdictWhy::Answered))
            }
            State::HoldDown { .. } if missed > 0 => Some((State::Down, VerdictWhy::RoundMissed)),
            State::HoldDown { since } => {
                let proven =
                    now.since(since) >= timing.hold_down && evidence.answered_in_row >= PROVING_ROUNDS;
                proven.then_some((State::Up { since: now }, VerdictWhy::HoldTimePassed))
            }
            State::Probing { .. } | State::Up { .. } | State::Suspect { .. } | State::Down => None,
        }
    }

    fn enter(&mut self, state: State, why: VerdictWhy, now: Tick) {
        self.state = state;
        self.why = Some(why);
        self.since = match state {
            State::Up { since } => Some(since),
            State::Unheard
            | State::NoCarrier
            | State::NoAddress
            | State::Probing { .. }
            | State::Suspect { .. }
            | State::Down
            | State::HoldDown { .. } => Some(now),
        };
    }

    const fn was_up(&self) -> bool {
        match self.state {
            State::Up { .. } | State::Suspect { .. } | State::Probing { trusted: true } => true,
            State::Unheard
            | State::NoCarrier
            | State::NoAddress
            | State::Probing { trusted: false }
            | State::Down
            | State::HoldDown { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
