//! The real programs in namespaces, judged from outside.
//!
//! [`observer`] shares no code with what it judges; `cargo xtask tidy` keeps it so. What the scenarios
//! in `tests/` have in common is in the other modules.

pub mod observer;
pub mod scene;
pub mod spool_records;
