//! The form of the evidence: one line an entry, a checksum against decay, a hash chain against hands.
//!
//! ```text
//!   9f3c01aa {"n":17,"prev":"c0ff…","at":{"tick_ms":…,"wall_ms":…},"entry":{…}}
//!   └ CRC-32 of the JSON text    └ SHA-256 of the JSON text of entry 16
//! ```
//! Whoever holds the hash of one entry can prove that nothing before it was changed. The box sends
//! its newest hash to the NOC, so that a whole log cannot be written anew either. Files, segments and
//! fsync are the port's; this is text in, text out.

mod audit;
mod chain;
mod verify;

pub use audit::{Audit, Seen};
pub use chain::{At, Chain, Hash, HashError};
pub use verify::{Fault, Summary, Verifier};
