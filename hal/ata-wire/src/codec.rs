//! Messages to octets and back: fixed offsets, little-endian, checksum last, stuffing outermost.
//!
//! A message may be longer than its table says: a reader takes what it knows and leaves the rest.
//! A shorter one is damaged.

mod control;
mod event;
mod fields;
mod hello;
mod traffic;

use core::fmt;

use crate::limits::{MAX_FRAME, MAX_WIRE};
use crate::message::Message;
use crate::{VERSION, checksum, cobs};
use fields::put;

/// Room for any frame on the wire.
pub type WireBuffer = [u8; MAX_WIRE];

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It did not arrive as it was sent.
    Damaged(Damage),
    /// It is whole, but of a version or type that this program does not know.
    Unknown {
        /// Its version octet.
        version: u8,
        /// Its type octet.
        kind: u8,
    },
}

/// How a frame is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Stuffing that cannot be undone.
    Stuffing,
    /// Too long or too short.
    Length,
    /// The checksum differs.
    Checksum,
    /// A field holds a value that no sender writes.
    Field,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(Damage::Stuffing) => f.write_str("frame damaged: stuffing"),
            Self::Damaged(Damage::Length) => f.write_str("frame damaged: length"),
            Self::Damaged(Damage::Checksum) => f.write_str("frame damaged: checksum"),
            Self::Damaged(Damage::Field) => f.write_str("frame damaged: impossible field"),
            Self::Unknown { version, kind } => {
                write!(f, "frame of unknown type {kind:#04x}, version {version}")
            }
        }
    }
}

impl core::error::Error for Refused {}

/// Writes a message as it goes onto the wire, delimiters included; returns how many octets.
pub fn encode(message: &Message, out: &mut WireBuffer) -> usize {
    let mut frame = [0; MAX_FRAME];
    let body = write_body(message, &mut frame);
    let len = seal(&mut frame, body);
    out[0] = DELIMITER;
    let stuffed = cobs::encode(&frame[..len], &mut out[1..]);
    out[1 + stuffed] = DELIMITER;
    stuffed + 2
}

/// Reads an unstuffed frame, checksum included.
pub(crate) fn decode(frame: &[u8]) -> Result<Message, Refused> {
    let body = unseal(frame)?;
    let (version, kind) = (body[0], body[1]);
    let expected = if is_hello(kind) { 0 } else { VERSION };
    if version != expected {
        return Err(Refused::Unknown { version, kind });
    }
    match kind {
        HOST_HELLO => hello::read_host_hello(body),
        CARD_HELLO => hello::read_card_hello(body),
        HELLO_ACK => traffic::read_hello_ack(body),
        HOST_HEARTBEAT => traffic::read_link(body).map(Message::HostHeartbeat),
        CARD_HEARTBEAT => traffic::read_card_heartbeat(body),
        ACK => traffic::read_ack(body),
        EVENT => event::read(body),
        CONTROL => control::read(body),
        AUDIO => traffic::read_audio(body),
        _ => Err(Refused::Unknown { version, kind }),
    }
}

fn write_body(message: &Message, out: &mut [u8; MAX_FRAME]) -> usize {
    match message {
        Message::HostHello(hello) => hello::write_host_hello(hello, out),
        Message::CardHello(hello) => hello::write_card_hello(hello, out),
        Message::HelloAck(ack) => traffic::write_hello_ack(ack, out),
        Message::HostHeartbeat(link) => traffic::write_link(HOST_HEARTBEAT, link, out),
        Message::CardHeartbeat(beat) => traffic::write_card_heartbeat(beat, out),
        Message::Ack(ack) => traffic::write_ack(ack, out),
        Message::Event(event) => event::write(event, out),
        Message::Control(control) => control::write(control, out),
        Message::Audio(audio) => traffic::write_audio(audio, out),
    }
}

/// Appends the checksum that the type asks for.
fn seal(frame: &mut [u8; MAX_FRAME], body: usize) -> usize {
    if is_audio(frame[1]) {
        let sum = checksum::crc16(&frame[..body]);
        put(frame, body, sum.to_le_bytes());
        body + 2
    } else {
        let sum = checksum::crc32(&frame[..body]);
        put(frame, body, sum.to_le_bytes());
        body + 4
    }
}

/// Checks the checksum that the type asks for and takes it off.
fn unseal(frame: &[u8]) -> Result<&[u8], Refused> {
    let kind = *frame.get(1).ok_or(Refused::Damaged(Damage::Length))?;
    let sum_len = if is_audio(kind) { 2 } else { 4 };
    let body_len = frame.len().checked_sub(sum_len).filter(|len| *len >= 2);
    let (body, sum) = frame.split_at(body_len.ok_or(Refused::Damaged(Damage::Length))?);
    let right = if is_audio(kind) {
        checksum::crc16(body).to_le_bytes() == *sum
    } else {
        checksum::crc32(body).to_le_bytes() == *sum
    };
    if right { Ok(body) } else { Err(Refused::Damaged(Damage::Checksum)) }
}

fn is_audio(kind: u8) -> bool {
    kind & 0x80 != 0
}

fn is_hello(kind: u8) -> bool {
    kind == HOST_HELLO || kind == CARD_HELLO
}

const DELIMITER: u8 = 0;

const HOST_HELLO: u8 = 0x01;
const CARD_HELLO: u8 = 0x02;
const HELLO_ACK: u8 = 0x03;
const HOST_HEARTBEAT: u8 = 0x04;
const CARD_HEARTBEAT: u8 = 0x05;
const ACK: u8 = 0x06;
const EVENT: u8 = 0x10;
const CONTROL: u8 = 0x20;
const AUDIO: u8 = 0x80;
