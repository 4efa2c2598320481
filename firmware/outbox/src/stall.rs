//! A watermark that does not move: the collector is away, or it lost what the broker had taken.
//!
//! A PUBACK is not storage, so what is acknowledged and never confirmed is sent again: a window of
//! it only, and ever more rarely, because a collector that is merely away must not cost a metered
//! link the whole spool every half minute. As soon as the watermark moves again, all is sent that
//! lies beyond it.

use core::time::Duration;

use hal::Tick;
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;

const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(3600);
/// While PUBACKs are outstanding the question is not ripe.
const UNRIPE: Duration = Duration::from_secs(5);

/// When records are sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stall {
    at: Option<Tick>,
    /// Windows repeated since the watermark last moved.
    probes: u32,
    backoff: Backoff,
    pub(crate) repeats: u64,
}

impl Stall {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { at: None, probes: 0, backoff: Backoff::new(SHORTEST, LONGEST, seed), repeats: 0 }
    }

    /// Keeps a deadline running exactly while something published awaits the watermark.
    pub(crate) fn watch(&mut self, awaiting: bool, now: Tick) {
        match (awaiting, self.at) {
            (true, None) => self.at = Some(now + self.backoff.same()),
            (true, Some(_)) => {}
            (false, _) => self.at = None,
        }
    }

    /// The watermark moved. `true`: publishing must begin again behind it.
    pub(crate) fn moved(&mut self) -> bool {
        self.at = None;
        self.backoff.reset();
        core::mem::take(&mut self.probes) > 0
    }

    /// A session began or ended: it starts from the watermark anyway.
    pub(crate) const fn restart(&mut self) {
        self.at = None;
        self.probes = 0;
    }

    /// `true`: send a window again.
    pub(crate) fn is_ripe(&mut self, in_flight: bool, now: Tick) -> bool {
        if self.at.is_none_or(|at| at > now) {
            return false;
        }
        if in_flight {
            self.at = Some(now + UNRIPE);
            return false;
        }
        self.at = None;
        self.backoff.grow();
        self.probes += 1;
        self.repeats += 1;
        true
    }

    /// How many windows were repeated in vain, if any.
    pub(crate) fn probes(&self) -> Option<u32> {
        (self.probes > 0).then_some(self.probes)
    }

    pub(crate) const fn deadline(&self) -> Option<Tick> {
        self.at
    }
}
