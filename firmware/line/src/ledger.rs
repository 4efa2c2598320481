//! Which digits are which signal: the memory that keeps one event one event.

use core::time::Duration;
use std::collections::VecDeque;

use hal::{Dtmf, LineId, Tick};
use serde::{Deserialize, Serialize};

use crate::action::SignalId;

/// Signals of a line that were not kissed off. A panel holds some dozens at most; the oldest gives way.
const MAX_OPEN: usize = 64;

/// The open signals of one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    line: LineId,
    next: u64,
    same_signal: Duration,
    open: VecDeque<Open>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    signal: SignalId,
    digits: Vec<Dtmf>,
    /// From then on the same digits are another signal.
    until: Tick,
    delivered: bool,
}

/// What digits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) signal: SignalId,
    /// Never heard before.
    pub(crate) first: bool,
    pub(crate) delivered: bool,
}

impl Ledger {
    /// `next` is the number of the next signal; it must never have been used on this line.
    pub(crate) const fn new(line: LineId, next: u64, same_signal: Duration) -> Self {
        Self { line, next, same_signal, open: VecDeque::new() }
    }

    /// The signal that these digits are.
    pub(crate) fn identify(&mut self, digits: &[Dtmf], now: Tick) -> Known {
        self.open.retain(|open| now < open.until);
        if let Some(open) = self.open.iter().find(|open| open.digits == digits) {
            return Known { signal: open.signal, first: false, delivered: open.delivered };
        }
        let signal = SignalId { line: self.line, number: self.next };
        self.next += 1;
        self.keep(Open { signal, digits: digits.to_vec(), until: now + self.same_signal, delivered: false });
        Known { signal, first: true, delivered: false }
    }

    /// A signal that an earlier run has heard so long ago.
    pub(crate) fn restore(&mut self, signal: SignalId, digits: &[Dtmf], age: Duration, now: Tick) {
        let until = now + self.same_signal.saturating_sub(age);
        self.keep(Open { signal, digits: digits.to_vec(), until, delivered: false });
    }

    fn keep(&mut self, open: Open) {
        if self.open.len() == MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back(open);
    }

    pub(crate) fn delivered(&mut self, signal: SignalId) {
        if let Some(open) = self.open.iter_mut().find(|open| open.signal == signal) {
            open.delivered = true;
        }
    }

    /// The panel was told, or nobody took the signal: the same digits are another event from here on.
    pub(crate) fn forget(&mut self, signal: SignalId) {
        self.open.retain(|open| open.signal != signal);
    }

    pub(crate) fn is_open(&self, signal: SignalId) -> bool {
        self.open.iter().any(|open| open.signal == signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: u64 = 60_000;

    fn digits(text: &str) -> Vec<Dtmf> {
        text.chars().map(|key| Dtmf::try_from(key).unwrap()).collect()
    }

    #[test]
    fn the_same_digits_are_the_same_signal_until_the_panel_was_told() {
        let mut ledger = Ledger::new(LineId(0), 7, Duration::from_secs(1800));
        let first = ledger.identify(&digits("11"), Tick(0));
        assert_eq!((first.signal.number, first.first), (7, true));
        assert_eq!(ledger.identify(&digits("12"), Tick(0)).signal.number, 8);

        ledger.delivered(first.signal);
        let again = ledger.identify(&digits("11"), Tick(29 * MINUTES));
        assert_eq!(again, Known { signal: first.signal, first: false, delivered: true });

        ledger.forget(first.signal);
        assert!(ledger.identify(&digits("11"), Tick(29 * MINUTES)).first);
    }

    #[test]
    fn after_half_an_hour_the_same_digits_are_another_event() {
        let mut ledger = Ledger::new(LineId(0), 1, Duration::from_secs(1800));
        ledger.identify(&digits("11"), Tick(0));
        assert!(ledger.identify(&digits("11"), Tick(30 * MINUTES)).first);
    }

    #[test]
    fn a_signal_of_an_earlier_run_is_the_same_for_the_rest_of_its_half_hour() {
        let mut ledger = Ledger::new(LineId(0), 8, Duration::from_secs(1800));
        let earlier = SignalId { line: LineId(0), number: 7 };
        ledger.restore(earlier, &digits("11"), Duration::from_secs(25 * 60), Tick(1_000));
        assert_eq!(ledger.identify(&digits("11"), Tick(4 * MINUTES)).signal, earlier);
        assert!(ledger.identify(&digits("11"), Tick(6 * MINUTES)).first);
    }

    #[test]
    fn a_line_that_dials_for_ever_takes_no_more_memory() {
        let mut ledger = Ledger::new(LineId(0), 1, Duration::from_secs(1800));
        for number in 0..500 {
            ledger.identify(&digits(&number.to_string()), Tick(0));
        }
        assert_eq!(ledger.open.len(), MAX_OPEN);
    }
}
