//! Signals that wait and signals on their way, by urgency.

use hal::Tick;
use serde::{Deserialize, Serialize};

use crate::action::{SignalKey, Submission};
use crate::delivery::Delivery;

/// On their way at once: one for each line of a card, so that a slow station holds up nobody.
const MAX_ON_THE_WAY: usize = 8;
/// Waiting: eight panels with a full memory each. More are refused, and that is told.
const MAX_WAITING: usize = 1024;

/// See the file's head.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Queue {
    waiting: Vec<Delivery>,
    pub(crate) on_the_way: Vec<Delivery>,
}

impl Queue {
    /// Takes a signal; `false` when there is no room. A known one is not taken twice.
    pub(crate) fn push(&mut self, submission: Submission, now: Tick) -> bool {
        if self.holds(submission.signal) {
            return true;
        }
        if self.waiting.len() == MAX_WAITING {
            return false;
        }
        let behind = |d: &Delivery| d.submission.urgency <= submission.urgency;
        let place = self.waiting.partition_point(behind);
        self.waiting.insert(place, Delivery::new(submission, now));
        true
    }

    /// Lets the most urgent go, as long as there is room on the way.
    pub(crate) fn start(&mut self, now: Tick) {
        let room = MAX_ON_THE_WAY.saturating_sub(self.on_the_way.len()).min(self.waiting.len());
        for mut delivery in self.waiting.drain(..room) {
            delivery.due = Some(now);
            self.on_the_way.push(delivery);
        }
    }

    pub(crate) fn remove(&mut self, signal: SignalKey) -> Option<Delivery> {
        let place = self.on_the_way.iter().position(|d| d.submission.signal == signal)?;
        Some(self.on_the_way.remove(place))
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.on_the_way.iter().filter_map(|d| d.due).min()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len() + self.on_the_way.len()
    }

    fn holds(&self, signal: SignalKey) -> bool {
        self.waiting.iter().chain(&self.on_the_way).any(|d| d.submission.signal == signal)
    }
}
