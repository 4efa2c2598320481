//! What a restart needs to know, folded from the evidence: signals without an acknowledgement, numbers in use.

use std::collections::{BTreeMap, BTreeSet};

use hal::LineId;
use line::{SignalId, Step};
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
    #[serde(with = "pairs")]
    pub lines: BTreeMap<LineId, u64>,
    /// For each station the first sequence that is surely unused.
    #[serde(with = "pairs")]
    pub sequences: BTreeMap<StationId, Sequence>,
    /// Accounts on test and until when, milliseconds since 1970 UTC.
    #[serde(default)]
    pub on_test: BTreeMap<String, u64>,
    /// What panels of the last half hour said and were not told about: said again, it is the same signal.
    #[serde(default)]
    pub open: Vec<OpenSignal>,
    /// Troubles of the box that a station was told of, and not of their end: code and zone, `301 000`.
    #[serde(default)]
    pub troubles: BTreeSet<String>,
}

/// A panel's signal that was not kissed off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSignal {
    /// Which.
    pub signal: SignalId,
    /// As heard.
    pub digits: String,
    /// When it was first heard, milliseconds since 1970 UTC.
    pub heard_ms: u64,
    /// A station has it.
    pub delivered: bool,
}

/// Of all lines together; the oldest gives way, and is a signal of its own when it is said again.
const MAX_OPEN: usize = 128;

impl Recovery {
    /// The next entry of the log, and its wall time if the clock was believed.
    pub fn take(&mut self, entry: &Entry, wall_ms: Option<u64>) {
        match entry {
            Entry::Checkpoint(checkpoint) => *self = (**checkpoint).clone(),
            Entry::Signal(signal) => self.signal(signal),
            Entry::Acknowledged { signal, .. } => self.acknowledged(*signal),
            Entry::Call { call, step, .. } => {
                self.used(call.line, call.number);
                self.step(step, wall_ms);
            }
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
            | Entry::Voltage { .. }
            | Entry::Dropped { .. }
            | Entry::Lost { .. }
            | Entry::Unreadable { .. } => {}
        }
    }

    /// Without a believed time nobody could say later how old it is: a duplicate is better than a loss.
    fn step(&mut self, step: &Step, wall_ms: Option<u64>) {
        match step {
            Step::Message { digits, signal, .. } => {
                let known = self.open.iter().any(|open| open.signal == *signal);
                let Some(heard_ms) = wall_ms.filter(|_| !known) else { return };
                if self.open.len() == MAX_OPEN {
                    self.open.remove(0);
                }
                let digits = digits.clone();
                self.open.push(OpenSignal { signal: *signal, digits, heard_ms, delivered: false });
            }
            Step::KissedOff { signal, .. } | Step::NotTaken { signal } => {
                self.open.retain(|open| open.signal != *signal);
            }
            Step::OffHook
            | Step::DialTone
            | Step::Number { .. }
            | Step::Answered
            | Step::Handshake { .. }
            | Step::Faulty { .. }
            | Step::Delivered { .. }
            | Step::NotKissedOff { .. }
            | Step::MachineTone { .. }
            | Step::Reorder
            | Step::Howler
            | Step::HungUp { .. }
            | Step::CardLost => {}
        }
    }

    fn signal(&mut self, signal: &SignalEntry) {
        self.next_signal = self.next_signal.max(signal.signal.0 + 1);
        if let Some(heard) = signal.heard {
            self.used(heard.line, heard.number);
        }
        if signal.heard.is_none() {
            self.trouble(signal);
        }
        self.undelivered.push(signal.clone());
    }

    fn trouble(&mut self, signal: &SignalEntry) {
        let Some((qualifier, code)) = signal.event.split_at_checked(1) else { return };
        let name = format!("{code} {}", signal.zone);
        match qualifier {
            // A reset and a test have no end.
            "1" if !matches!(code, "305" | "602" | "607") => drop(self.troubles.insert(name)),
            "3" => drop(self.troubles.remove(&name)),
            _ => {}
        }
    }

    fn acknowledged(&mut self, signal: SignalKey) {
        let of = |entry: &&SignalEntry| entry.signal == signal;
        let heard = self.undelivered.iter().find(of).and_then(|entry| entry.heard);
        self.open.iter_mut().filter(|open| Some(open.signal) == heard).for_each(|open| open.delivered = true);
        self.undelivered.retain(|open| open.signal != signal);
    }

    fn used(&mut self, line: LineId, number: u64) {
        let next = self.lines.entry(line).or_default();
        *next = (*next).max(number + 1);
    }
}

/// A map as a list of pairs: a key that is a number cannot be read back from within a tagged enum.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K, V, S>(map: &BTreeMap<K, V>, to: S) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        S: Serializer,
    {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::<(K, V)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_as_it_was_written() {
        let recovery = Recovery {
            next_signal: 5,
            lines: [(LineId(3), 7)].into(),
            sequences: [(StationId(0), Sequence::FIRST)].into(),
            on_test: [("1234".to_owned(), 9)].into(),
            open: vec![OpenSignal {
                signal: SignalId { line: LineId(3), number: 6 },
                digits: "1234181131010158".to_owned(),
                heard_ms: 77,
                delivered: true,
            }],
            ..Recovery::default()
        };
        let entry = Entry::Checkpoint(Box::new(recovery.clone()));

        let text = serde_json::to_string(&entry).unwrap();

        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
        let mut after = Recovery::default();
        after.take(&entry, None);
        assert_eq!(after, recovery);
    }
}
