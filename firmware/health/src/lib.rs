//! Conditions (X.733 calls them alarms): what is wrong with the box, since when and why.
//!
//! A condition is known by what has it and what it is; raising it twice is raising it once. The
//! machine decides nothing: it does not know which condition hurts, when one is stale or whom to
//! tell. It refuses to grow beyond [`MAX_CONDITIONS`] and says so by a condition of its own.

mod conditions;

pub use conditions::{Health, MAX_CONDITIONS, OVERFLOW_RESOURCE, OVERFLOW_TYPE};
