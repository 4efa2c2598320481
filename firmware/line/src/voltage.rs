//! Honest voltage: a panel must see a dead line when nothing can be delivered.

use core::time::Duration;

use hal::Tick;
use serde::{Deserialize, Serialize};

/// Whether the line is fed, and what is on its way to change that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Voltage {
    fed: bool,
    works: bool,
    since: Tick,
    withdraw_after: Option<Duration>,
    restore_after: Duration,
}

impl Voltage {
    /// A line starts fed: a restart of the box raises no trouble.
    pub(crate) const fn new(withdraw_after: Option<Duration>, restore_after: Duration, now: Tick) -> Self {
        Self { fed: true, works: true, since: now, withdraw_after, restore_after }
    }

    pub(crate) fn path(&mut self, works: bool, now: Tick) {
        if works != self.works {
            self.works = works;
            self.since = now;
        }
    }

    /// The change that is due; never in mid-call.
    pub(crate) fn change(&mut self, in_call: bool, now: Tick) -> Option<bool> {
        let due = self.deadline().is_some_and(|at| at <= now) && !in_call;
        if due {
            self.fed = !self.fed;
        }
        due.then_some(self.fed)
    }

    /// When a change becomes due, if nothing else happens.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        match (self.fed, self.works) {
            (true, false) => self.withdraw_after.map(|after| self.since + after),
            (false, true) => Some(self.since + self.restore_after),
            (true, true) | (false, false) => None,
        }
    }

    pub(crate) const fn is_fed(&self) -> bool {
        self.fed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000;

    #[test]
    fn voltage_goes_after_a_minute_without_a_path_and_comes_back_after_half_a_minute_with_one() {
        let mut voltage = Voltage::new(Some(Duration::from_secs(60)), Duration::from_secs(30), Tick(0));
        voltage.path(false, Tick(0));
        assert_eq!(voltage.change(false, Tick(59 * SECOND)), None);
        assert_eq!(voltage.change(true, Tick(60 * SECOND)), None, "never in mid-call");
        assert_eq!(voltage.change(false, Tick(61 * SECOND)), Some(false));

        voltage.path(true, Tick(70 * SECOND));
        voltage.path(false, Tick(80 * SECOND));
        voltage.path(true, Tick(90 * SECOND));
        assert_eq!(voltage.change(false, Tick(119 * SECOND)), None, "the path must hold for half a minute");
        assert_eq!(voltage.change(false, Tick(120 * SECOND)), Some(true));
    }

    #[test]
    fn a_line_that_is_never_withdrawn_keeps_its_voltage() {
        let mut voltage = Voltage::new(None, Duration::from_secs(30), Tick(0));
        voltage.path(false, Tick(0));
        assert_eq!((voltage.deadline(), voltage.is_fed()), (None, true));
    }
}
