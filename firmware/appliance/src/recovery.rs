//! What a restart needs to know, folded from the evidence: signals without an acknowledgement, numbers in use.

use std::collections::BTreeMap;

use hal::LineId;
use serde::{Deserialize, Serialize};
use station::{SignalKey, StationId};
use station_wire::Sequence;

use crate::entry::{Entry, SignalEntry};

/// The fold. Fed with every entry in order, from a checkpoint on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Signals that no station has acknowledged yet, oldest first.
    pub undelivered: Vec<SignalEntry>,
    /// The next signal's name.
    pub next_signal: u64,
    /// For each line the number that no call or signal of it has used.
    pub lines: BTreeMap<LineId, u64>,
    /// For each station the first sequence that is surely unused.
    pub sequences: BTreeMap<StationId, Sequence>,
    /// Accounts on test and until when, milliseconds since 1970 UTC.
    #[serde(default)]
    pub on_test: BTreeMap<String, u64>,
}

impl Recovery {
    /// The next entry of the log.
    pub fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Checkpoint(checkpoint) => *self = (**checkpoint).clone(),
            Entry::Signal(signal) => self.signal(signal),
            Entry::Acknowledged { signal, .. } => self.acknowledged(*signal),
            Entry::Call { call, .. } => self.used(call.line, call.number),
            Entry::Reserved { station, next } => {
                self.sequences.insert(StationId(*station), *next);
            }
            Entry::OnTest { account, until_ms: Some(until), .. } => {
                self.on_test.insert(account.clone(), *until);
            }
            Entry::OnTest { account, until_ms: None, .. } => {
                self.on_test.remove(account);
            }
            Entry::Start { .. }
            | Entry::Sent { .. }
            | Entry::Refused { .. }
            | Entry::Doubtful { .. }
            | Entry::Clock { .. }
            | Entry::Path { .. }
            | Entry::Voltage { .. } => {}
        }
    }

    fn signal(&mut self, signal: &SignalEntry) {
        self.next_signal = self.next_signal.max(signal.signal.0 + 1);
        if let Some(heard) = signal.heard {
            self.used(heard.line, heard.number);
        }
        self.undelivered.push(signal.clone());
    }

    fn acknowledged(&mut self, signal: SignalKey) {
        self.undelivered.retain(|open| open.signal != signal);
    }

    fn used(&mut self, line: LineId, number: u64) {
        let next = self.lines.entry(line).or_default();
        *next = (*next).max(number + 1);
    }
}
