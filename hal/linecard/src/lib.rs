//! The line card's own core: what runs on its microcontroller.
//!
//! The firmware around it feeds octets from the UART, the time, the sample counter and what the line
//! circuits see; it sends what [`Card::next_tx`] writes. The language is `ata-wire`'s PROTOCOL.md.
//!
//! It refuses to touch hardware, to allocate, and to forget an event before the host has said that
//! the event is kept.

#![no_std]
#![forbid(unsafe_code)]

mod audio;
mod card;
mod digit;
mod lines;
mod queue;
mod ring;
mod sine;
mod status;
mod tones;

pub use card::Card;
pub use lines::HookOutcome;
pub use status::{CardStatus, Counters, LinkStatus};

/// Samples of a line that are exchanged at a time: 10 ms.
pub const BLOCK: usize = ata_wire::limits::AUDIO_OCTETS;
