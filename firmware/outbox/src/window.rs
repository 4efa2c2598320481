//! Payloads about to be published: a short, gapless piece of what the store holds of one class.

use std::collections::VecDeque;

use noc_messages::Position;
use serde::{Deserialize, Serialize};

use crate::StoredRecord;

/// At most so many payloads of a class are kept in RAM...
pub(crate) const MAX_RECORDS: usize = 256;
/// ...and at most so many bytes of them (an answer of the store may lie on top of it).
pub(crate) const MAX_BYTES: usize = 256 * 1024;
/// The store is asked for more when fewer than this are left.
const LOW: usize = 16;

/// Oldest first. `end` is the place up to which the window, or what was taken from it, reaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    records: VecDeque<StoredRecord>,
    bytes: usize,
    end: Option<Position>,
}

impl Window {
    pub(crate) const fn end(&self) -> Option<Position> {
        self.end
    }

    /// Empty, and everything up to `place` needs no publishing.
    pub(crate) fn restart(&mut self, place: Option<Position>) {
        self.records.clear();
        self.bytes = 0;
        self.end = place;
    }

    /// Nothing up to `place` needs publishing any longer.
    pub(crate) fn skip(&mut self, place: Option<Position>) {
        while self.records.front().is_some_and(|r| Some(r.position) <= place) {
            self.pop();
        }
        self.end = self.end.max(place);
    }

    pub(crate) fn has_room_for(&self, record: &StoredRecord) -> bool {
        self.records.len() < MAX_RECORDS && self.bytes + record.json.len() <= MAX_BYTES
    }

    pub(crate) fn is_low(&self) -> bool {
        self.records.len() < LOW
    }

    /// The caller vouches that nothing lies between `end` and this record.
    pub(crate) fn push(&mut self, record: StoredRecord) {
        self.bytes += record.json.len();
        self.end = Some(record.position);
        self.records.push_back(record);
    }

    pub(crate) fn front(&self) -> Option<&StoredRecord> {
        self.records.front()
    }

    pub(crate) fn pop(&mut self) -> Option<StoredRecord> {
        let record = self.records.pop_front()?;
        self.bytes -= record.json.len();
        Some(record)
    }
}
