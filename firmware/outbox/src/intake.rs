//! Records on their way into the store: kept in RAM until it has said that they are durable.

use std::collections::VecDeque;

use noc_messages::Position;
use serde::{Deserialize, Serialize};

use crate::StoredRecord;
use crate::extent::Extent;

/// What the store said of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    /// The store has yet to be asked, or refused it.
    Waiting,
    /// The store has it and has not answered.
    Asked,
    /// Durable; an older one of the same class is not.
    Stored,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    record: StoredRecord,
    standing: Standing,
}

/// The records of one class that are not durable, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intake {
    entries: VecDeque<Entry>,
    extent: Extent,
}

impl Intake {
    /// Takes a record whose place is behind all others.
    pub(crate) fn push(&mut self, record: StoredRecord) {
        self.extent = self.extent.plus(Extent::of(&record));
        self.entries.push_back(Entry { record, standing: Standing::Waiting });
    }

    pub(crate) const fn extent(&self) -> Extent {
        self.extent
    }

    pub(crate) fn asked(&self) -> usize {
        self.entries.iter().filter(|e| e.standing == Standing::Asked).count()
    }

    /// The store holds some of it, or may soon.
    pub(crate) fn reaches_into_store(&self) -> bool {
        self.entries.iter().any(|e| e.standing != Standing::Waiting)
    }

    /// Records to hand to the store, at most so many.
    pub(crate) fn ask(&mut self, limit: usize) -> Vec<StoredRecord> {
        let waiting = self.entries.iter_mut().filter(|e| e.standing == Standing::Waiting);
        waiting
            .take(limit)
            .map(|entry| {
                entry.standing = Standing::Asked;
                entry.record.clone()
            })
            .collect()
    }

    pub(crate) fn stored(&mut self, position: Position) {
        if let Some(entry) = self.entry(position) {
            entry.standing = Standing::Stored;
        }
    }

    /// The store refused it; what the collector has meanwhile need not be asked for again.
    pub(crate) fn failed(&mut self, position: Position, released: Option<Position>) {
        if let Some(entry) = self.entry(position) {
            entry.standing = Standing::Waiting;
        }
        self.release(released);
    }

    /// The oldest, if it is durable.
    pub(crate) fn pop_stored(&mut self) -> Option<StoredRecord> {
        if self.entries.front()?.standing == Standing::Stored { self.remove(0) } else { None }
    }

    /// Gives up the oldest record that the store does not have.
    pub(crate) fn drop_oldest_waiting(&mut self) -> Option<StoredRecord> {
        let index = self.entries.iter().position(|e| e.standing == Standing::Waiting)?;
        self.remove(index)
    }

    /// The collector has everything up to here; what the store was asked for is deleted there.
    pub(crate) fn release(&mut self, upto: Option<Position>) {
        self.entries.retain(|e| e.standing != Standing::Waiting || Some(e.record.position) > upto);
        self.extent = self.entries.iter().fold(Extent::default(), |sum, e| sum.plus(Extent::of(&e.record)));
    }

    /// The first record behind a place, durable or not.
    pub(crate) fn after(&self, place: Option<Position>) -> Option<&StoredRecord> {
        self.entries.iter().map(|e| &e.record).find(|r| Some(r.position) > place)
    }

    fn entry(&mut self, position: Position) -> Option<&mut Entry> {
        let index = self.entries.binary_search_by_key(&position, |e| e.record.position).ok()?;
        self.entries.get_mut(index)
    }

    fn remove(&mut self, index: usize) -> Option<StoredRecord> {
        let entry = self.entries.remove(index)?;
        self.extent = self.extent.less(Extent::of(&entry.record));
        Some(entry.record)
    }
}
