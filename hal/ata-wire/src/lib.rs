//! The line card's serial language: frames, messages and the host's half of the link.
//!
//! `PROTOCOL.md` beside this crate is the language's
//! definition; this crate is one speaker of it. Everything is sans-IO: bytes and the time come in,
//! bytes and events go out.
//!
//! It refuses to open a port, to read a clock, to allocate, and to believe a byte before its
//! checksum.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod checksum;
mod cobs;
mod codec;
mod control;
mod decoder;
mod event;
pub mod g711;
pub mod host;
mod inbox;
pub mod limits;
mod message;
mod outbox;
mod seq;
pub mod timing;

pub use checksum::{crc16, crc32};
pub use cobs::{decode_in_place as cobs_decode, encode as cobs_encode};
pub use codec::{Damage, Refused, WireBuffer, encode};
pub use control::{Control, ControlKind, Feed, LineTest, Play, Step, Window};
pub use decoder::Decoder;
pub use event::{Event, EventKind, Fault, TestOutcome, TonesEnd};
pub use host::{ControlRefused, HostEvent, HostSession, LineAudio, LostWhy};
pub use message::{
    Ack, Answer, Audio, CardHeartbeat, CardHello, CardState, Greeting, HelloAck, HostHello, LineState, Link,
    Message, Versions,
};
pub use seq::Seq;

/// The only version of the language there is.
pub const VERSION: u8 = 1;

/// The versions that this crate speaks.
pub const VERSIONS: Versions = Versions { min: VERSION, max: VERSION };
