//! Bounds, and what the store held when it was opened.

use std::collections::BTreeMap;

use noc_messages::{Class, Position, SiteId};
use serde::{Deserialize, Serialize};

/// Bounds and policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxConfig {
    /// Whose records.
    pub site: SiteId,
    /// At most so many durable records in the store.
    pub records: u64,
    /// At most so many bytes of them.
    pub bytes: u64,
    /// At most so many metrics in RAM.
    pub metrics: usize,
    /// PUBACK releases durable records (a foreign collector); otherwise only the watermark does.
    pub release_on_puback: bool,
}

/// What the store held when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// The number of this start: one more than the store remembers.
    pub boot: u32,
    /// What waits, per durable class; a class that is absent is empty.
    pub classes: BTreeMap<Class, RecoveredClass>,
    /// Records found damaged, if any, in words for the loss record.
    pub damage: Option<String>,
}

/// What one class held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveredClass {
    /// How many records wait.
    pub records: u64,
    /// How many bytes of payload.
    pub bytes: u64,
    /// The oldest record that waits.
    pub oldest: Option<Position>,
    /// The newest position ever stored in this class, waiting or released; `None` if never any.
    pub newest: Option<Position>,
}
