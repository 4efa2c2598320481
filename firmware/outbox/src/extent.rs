//! How much: records and bytes, always counted together.

use serde::{Deserialize, Serialize};

use crate::StoredRecord;

/// Records and their bytes of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

impl Extent {
    pub(crate) const fn new(records: u64, bytes: u64) -> Self {
        Self { records, bytes }
    }

    pub(crate) fn of(record: &StoredRecord) -> Self {
        Self { records: 1, bytes: record.json.len() as u64 }
    }

    pub(crate) const fn is_nothing(self) -> bool {
        self.records == 0 && self.bytes == 0
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self::new(self.records.saturating_add(other.records), self.bytes.saturating_add(other.bytes))
    }

    /// Never below nothing.
    pub(crate) const fn less(self, other: Self) -> Self {
        Self::new(self.records.saturating_sub(other.records), self.bytes.saturating_sub(other.bytes))
    }

    /// The larger in each dimension.
    pub(crate) fn or_more(self, other: Self) -> Self {
        Self::new(self.records.max(other.records), self.bytes.max(other.bytes))
    }

    /// The smaller in each dimension.
    pub(crate) fn at_most(self, other: Self) -> Self {
        Self::new(self.records.min(other.records), self.bytes.min(other.bytes))
    }

    pub(crate) const fn per_cent(self, share: u64) -> Self {
        Self::new(self.records.saturating_mul(share) / 100, self.bytes.saturating_mul(share) / 100)
    }

    pub(crate) const fn fits(self, bound: Self) -> bool {
        self.records <= bound.records && self.bytes <= bound.bytes
    }
}
