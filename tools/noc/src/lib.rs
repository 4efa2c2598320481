//! The NOC's side of the telemetry: a collector that keeps what the boxes tell.
pub mod chain;
pub mod checksum;
pub mod entry;
pub mod latest;
pub mod message;
pub mod segments;
pub mod site;
pub mod store;
pub mod telling;
