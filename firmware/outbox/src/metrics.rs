//! Samples: in RAM until the broker has them; the oldest gives way.

use std::collections::VecDeque;

use noc_messages::Position;
use serde::{Deserialize, Serialize};

use crate::StoredRecord;

/// Whatever their number, samples take no more RAM than this.
const MAX_BYTES: usize = 256 * 1024;

/// Oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metrics {
    limit: usize,
    records: VecDeque<StoredRecord>,
    bytes: usize,
    cursor: Option<Position>,
    pub(crate) newest: Option<Position>,
    pub(crate) dropped: u64,
}

impl Metrics {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, records: VecDeque::new(), bytes: 0, cursor: None, newest: None, dropped: 0 }
    }

    pub(crate) fn push(&mut self, record: StoredRecord) {
        self.newest = Some(record.position);
        self.bytes += record.json.len();
        self.records.push_back(record);
        while self.records.len() > self.limit || self.bytes > MAX_BYTES {
            self.remove(0);
            self.dropped += 1;
        }
    }

    pub(crate) fn next(&mut self) -> Option<StoredRecord> {
        let record = self.records.iter().find(|r| Some(r.position) > self.cursor)?;
        self.cursor = Some(record.position);
        Some(record.clone())
    }

    pub(crate) fn acknowledge(&mut self, position: Position) {
        if let Ok(index) = self.records.binary_search_by_key(&position, |r| r.position) {
            self.remove(index);
        }
    }

    /// What was in flight goes out again.
    pub(crate) fn rewind(&mut self) {
        self.cursor = None;
    }

    pub(crate) fn waiting(&self) -> usize {
        self.records.len()
    }

    fn remove(&mut self, index: usize) {
        if let Some(record) = self.records.remove(index) {
            self.bytes -= record.json.len();
        }
    }
}
