//! Does the store take what it is given, and when is it asked again?

use core::time::Duration;

use hal::Tick;
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;

/// Silence of the store for so long is a failure: flash that dies often hangs first.
const OVERDUE: Duration = Duration::from_secs(10);

/// Verdict and deadlines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoreHealth {
    failing: bool,
    pub(crate) last_failure: Option<String>,
    retry_at: Option<Tick>,
    overdue_at: Option<Tick>,
    backoff: Backoff,
}

impl StoreHealth {
    pub(crate) const fn new(seed: u64) -> Self {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed);
        Self { failing: false, last_failure: None, retry_at: None, overdue_at: None, backoff }
    }

    pub(crate) const fn is_failing(&self) -> bool {
        self.failing
    }

    /// A request that will be answered was given.
    pub(crate) fn asked(&mut self, now: Tick) {
        self.overdue_at = self.overdue_at.or(Some(now + OVERDUE));
    }

    /// It answered; `more` answers are outstanding. `true`: this ended a failure.
    pub(crate) fn answered(&mut self, more: bool, now: Tick) -> bool {
        self.overdue_at = more.then_some(now + OVERDUE);
        self.retry_at = None;
        self.backoff.reset();
        core::mem::take(&mut self.failing)
    }

    /// It refused. `true`: this began a failure.
    pub(crate) fn refused(&mut self, why: String, now: Tick) -> bool {
        self.last_failure = Some(why);
        self.overdue_at = None;
        if self.retry_at.is_none() {
            self.retry_at = Some(now + self.backoff.draw());
        }
        !core::mem::replace(&mut self.failing, true)
    }

    pub(crate) fn is_overdue(&self, now: Tick) -> bool {
        self.overdue_at.is_some_and(|at| at <= now)
    }

    /// It is time to ask a failing store again.
    pub(crate) fn take_retry(&mut self, now: Tick) -> bool {
        let due = self.retry_at.is_some_and(|at| at <= now);
        if due {
            self.retry_at = None;
        }
        due
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.retry_at.into_iter().chain(self.overdue_at).min()
    }
}
