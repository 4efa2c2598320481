//! Skeleton.

pub mod card;
pub mod control;
pub mod net;
pub mod recorder;
pub mod mqtt;
pub mod store;
pub mod tls;

mod bridge;
