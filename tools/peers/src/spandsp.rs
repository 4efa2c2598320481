//! Debian's spandsp, clocked by samples: every peer is fed and asked in blocks of linear 8 kHz audio.
//!
//! Two habits of its Contact ID sender are no errors of whoever listens: it writes a checksum of ten as
//! DTMF `D`, and it never repeats a message, because nothing clears it to send again.

mod contact_id;
mod digits;
mod library;

pub use contact_id::{Judgement, Panel, Receiver, Report, Voice};
pub use digits::{DigitDetector, DigitSender};
pub use library::LoadError;
