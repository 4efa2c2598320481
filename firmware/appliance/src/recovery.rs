//! What a restart needs to know, folded from the evidence: signals without an acknowledgement, numbers in use.

use std::collections::{BTreeMap, BTreeSet};

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
    #[serde(with = "pairs")]
    pub lines: BTreeMap<LineId, u64>,
    /// For each station the first sequence that is surely unused.
    #[serde(with = "pairs")]
    pub sequences: BTreeMap<StationId, Sequence>,
    /// Accounts on test and until when, milliseconds since 1970 UTC.
    #[serde(default)]
    pub on_test: BTreeMap<String, u64>,
    /// Troubles of the box that a station was told of, and not of their end: code and zone, `301 000`.
    #[serde(default)]
    pub troubles: BTreeSet<String>,
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
            | Entry::Voltage { .. }
            | Entry::Dropped { .. }
            | Entry::Lost { .. }
            | Entry::Unreadable { .. } => {}
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
            ..Recovery::default()
        };
        let entry = Entry::Checkpoint(Box::new(recovery.clone()));

        let text = serde_json::to_string(&entry).unwrap();

        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
        let mut after = Recovery::default();
        after.take(&entry);
        assert_eq!(after, recovery);
    }
}
