//! What the outbox answers when somebody asks how it is.

use std::collections::BTreeMap;

use noc_messages::{Class, Position};
use serde::{Deserialize, Serialize};

/// The spool and what is in flight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxStatus {
    /// Durable records that the collector has not confirmed.
    pub records: u64,
    /// Bytes of their JSON.
    pub bytes: u64,
    /// The oldest of them, of whatever class.
    pub oldest: Option<Position>,
    /// Of `records`, those that the store has not confirmed.
    pub not_durable: u64,
    /// Per durable class.
    pub classes: BTreeMap<Class, ClassStatus>,
    /// Published and not acknowledged by the broker.
    pub in_flight: u64,
    /// Durable records evicted since the daemon started.
    pub evicted: u64,
    /// Of these, those that no loss record tells of yet: they are told within 10 s.
    pub untold: u64,
    /// Samples that wait for a PUBACK.
    pub metrics_waiting: u64,
    /// Samples dropped since the daemon started.
    pub metrics_dropped: u64,
    /// The store takes no records, or does not answer.
    pub store_failing: bool,
    /// The store's last words of failure.
    pub store_failure: Option<String>,
    /// Watermarks that lie ahead of everything this box ever made: another box uses the name of the
    /// site, or this one lost its memory. Nothing is released by them.
    pub watermarks_ahead: u64,
    /// Records and state documents that no message could carry.
    pub oversized: u64,
    /// Times that records were sent again because the watermark did not move.
    pub repeats: u64,
}

/// One durable class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassStatus {
    /// Records that the collector has not confirmed.
    pub records: u64,
    /// Bytes of their JSON.
    pub bytes: u64,
    /// The oldest of them that the store holds.
    pub oldest: Option<Position>,
    /// The newest ever made.
    pub newest: Option<Position>,
    /// Everything up to here is with the collector or was evicted.
    pub released: Option<Position>,
}
