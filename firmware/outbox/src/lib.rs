//! What is published, in which order, and what was lost.
//!
//! Records of the durable classes go to the store first and to the broker second; they leave the
//! store only when the collector's watermark has passed them. Metrics live in RAM until PUBACK.
//! The machine holds no more than a window of payloads: a backlog of a million records costs disk,
//! not memory.

mod action;
mod config;
mod report;

pub use action::{Action, Notice, Publish, StoreRequest, StoredRecord, Tag};
pub use config::{OutboxConfig, Recovered, RecoveredClass};
pub use report::{SessionReport, StoreReport};
