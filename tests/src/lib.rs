//! The real programs in namespaces, judged from outside.
//!
//! [`observer`] and [`strict_station`] share no code with what they judge; `cargo xtask tidy` keeps it
//! so. What the scenarios in `tests/` have in common is in the other modules.

pub mod observer;
pub mod scene;
pub mod spool_records;
pub mod strict_station;
