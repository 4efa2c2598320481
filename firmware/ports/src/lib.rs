//! Skeleton.

pub mod card;
pub mod control;
pub mod net;
pub mod recorder;
pub mod store;
