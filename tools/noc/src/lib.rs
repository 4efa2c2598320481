//! The NOC's side of the telemetry: a collector that keeps what the boxes tell, and tells them.
//!
//! ```text
//!   broker ─> session ─> writer ─> store ─> site ─> chain
//!   (mqtt)    (acks)     (thread)  (disk)   (pure)  (pure: what is missing?)
//! ```
//! It refuses to acknowledge what it does not hold: a PUBACK and a watermark leave only after an
//! fdatasync. It never writes to a site's topics but its watermark.

pub mod ask;
pub mod bridge;
pub mod chain;
pub mod checksum;
pub mod collect;
pub mod entry;
pub mod latest;
pub mod message;
pub mod print;
pub mod segments;
pub mod session;
pub mod site;
pub mod state_words;
pub mod store;
pub mod telling;
pub mod tls;
pub mod verify;
pub mod words;
pub mod writer;
