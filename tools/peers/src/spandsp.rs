//! Debian's spandsp, clocked by samples: every peer is fed and asked in blocks of linear 8 kHz audio.
//!
//! Three habits of its Contact ID sender are no errors of whoever listens:
//!
//! * it writes a checksum of ten as DTMF `D`;
//! * a repeat is due 3 s after the handshake, but is said only after the next kiss-off: until then
//!   nothing clears it to send;
//! * that timer runs on when the kiss-off came in time. A message that is put before it has run out is
//!   said twice without a pause between.

mod contact_id;
mod digits;
mod library;

pub use contact_id::{Judgement, Panel, Receiver, Report, Voice};
pub use digits::{DigitDetector, DigitSender};
pub use library::LoadError;
