//! What is published, in which order, and what was lost.
//!
//! ```text
//!   record --> intake --Append--> store --Stored--> window --Publish--> in flight --PUBACK--> published
//!                                   ^                 ^                                          |
//!                                   |     Read        |         watermark (or PUBACK)            |
//!                                   +-----------------+   <----------- Delete -------------------+
//! ```
//! Records of the durable classes go to the store first and to the broker second; they leave the
//! store only when the collector's watermark has passed them. Metrics live in RAM until PUBACK.
//! The machine holds no more than a window of payloads: a backlog of a million records costs disk,
//! not memory. Signals go before state, state before audit, audit before metrics, the oldest of
//! each class first. If the store fails, records go out undurable: better told than kept.
//!
//! It refuses to lose anything silently: what is evicted, damaged or too large is told in a record.

mod action;
mod backoff;
mod compose;
mod config;
mod extent;
mod flights;
mod intake;
mod losses;
mod metrics;
mod outbox;
mod report;
mod settle;
mod shelf;
mod space;
mod stall;
mod state_slot;
mod status;
mod store_health;
mod window;

pub use action::{Action, Notice, Publish, StoreRequest, StoredRecord, Tag};
pub use config::{OutboxConfig, Recovered, RecoveredClass};
pub use outbox::Outbox;
pub use report::{SessionReport, StoreReport};
pub use status::{ClassStatus, OutboxStatus};

pub(crate) use settle::RELEASE_AT_MOST_EVERY;

/// At most so many publications await their PUBACK.
pub const WINDOW: usize = 64;
