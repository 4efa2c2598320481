//! Contact ID (SIA DC-05-1999.09): what an alarm panel says in sixteen digits.
//!
//! Digits in, a [`Message`] out, and back. Nothing here knows tones or time; `dsp` hears the digits,
//! `line` knows when they came.

mod digits;
mod event;
mod message;
mod table;

pub use digits::{Fault, decode, encode, is_plausible_start};
pub use event::{Category, Described, EventCode};
pub use message::{Account, Message, MessageType, Partition, Qualifier, Zone};

/// Digits of a message, the checksum included.
pub const LENGTH: usize = 16;
