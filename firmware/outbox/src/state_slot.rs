//! The retained state document: only the latest counts, and it goes out at most once a second.

use core::time::Duration;

use hal::Tick;
use noc_messages::StateDocument;
use serde::{Deserialize, Serialize};

const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The latest document and when it may go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StateSlot {
    latest: Option<StateDocument>,
    /// The latest has not been handed to this session.
    pending: bool,
    not_before: Tick,
}

impl StateSlot {
    pub(crate) fn set(&mut self, document: StateDocument) {
        self.latest = Some(document);
        self.pending = true;
    }

    /// A session begins: the broker may have lost the document.
    pub(crate) fn rewind(&mut self) {
        self.pending = self.latest.is_some();
        self.not_before = Tick::ZERO;
    }

    pub(crate) fn take(&mut self, now: Tick) -> Option<&StateDocument> {
        if !self.pending || now < self.not_before {
            return None;
        }
        self.pending = false;
        self.not_before = now + AT_MOST_EVERY;
        self.latest.as_ref()
    }

    pub(crate) fn due(&self) -> Option<Tick> {
        self.pending.then_some(self.not_before)
    }
}
