//! What is said on a standing link.

use super::fields::{array_at, boot_at, put, seq_at, u8_at, u32_at};
use super::{ACK, AUDIO, CARD_HEARTBEAT, HELLO_ACK, Refused};
use crate::VERSION;
use crate::limits::{AUDIO_OCTETS, MAX_FRAME};
use crate::message::{Ack, Audio, CardHeartbeat, HelloAck, Link, Message};

pub(super) fn write_link(kind: u8, link: &Link, out: &mut [u8; MAX_FRAME]) -> usize {
    put(out, 0, [VERSION, kind]);
    put(out, 2, link.host_boot.to_le_bytes());
    put(out, 6, link.card_boot.to_le_bytes());
    10
}

pub(super) fn read_link(body: &[u8]) -> Result<Link, Refused> {
    Ok(Link { host_boot: boot_at(body, 2)?, card_boot: boot_at(body, 6)? })
}

pub(super) fn write_hello_ack(ack: &HelloAck, out: &mut [u8; MAX_FRAME]) -> usize {
    let at = write_link(HELLO_ACK, &ack.link, out);
    put(out, at, ack.first_control.0.to_le_bytes());
    at + 2
}

pub(super) fn read_hello_ack(body: &[u8]) -> Result<Message, Refused> {
    Ok(Message::HelloAck(HelloAck { link: read_link(body)?, first_control: seq_at(body, 10)? }))
}

pub(super) fn write_card_heartbeat(beat: &CardHeartbeat, out: &mut [u8; MAX_FRAME]) -> usize {
    put(out, 0, [VERSION, CARD_HEARTBEAT]);
    put(out, 2, beat.card_boot.to_le_bytes());
    put(out, 6, beat.sample.to_le_bytes());
    put(out, 10, beat.host_age_ms.to_le_bytes());
    put(out, 12, beat.events_lost.to_le_bytes());
    out[16] = beat.queued;
    17
}

pub(super) fn read_card_heartbeat(body: &[u8]) -> Result<Message, Refused> {
    Ok(Message::CardHeartbeat(CardHeartbeat {
        card_boot: boot_at(body, 2)?,
        sample: u32_at(body, 6)?,
        host_age_ms: u16::from_le_bytes(array_at(body, 10)?),
        events_lost: u32_at(body, 12)?,
        queued: u8_at(body, 16)?,
    }))
}

pub(super) fn write_ack(ack: &Ack, out: &mut [u8; MAX_FRAME]) -> usize {
    put(out, 0, [VERSION, ACK]);
    put(out, 2, ack.boot.to_le_bytes());
    put(out, 6, ack.seq.0.to_le_bytes());
    8
}

pub(super) fn read_ack(body: &[u8]) -> Result<Message, Refused> {
    Ok(Message::Ack(Ack { boot: boot_at(body, 2)?, seq: seq_at(body, 6)? }))
}

pub(super) fn write_audio(audio: &Audio, out: &mut [u8; MAX_FRAME]) -> usize {
    put(out, 0, [VERSION, AUDIO, audio.line & 0x0f | audio.codec << 4]);
    put(out, 3, audio.sample_low.to_le_bytes());
    put(out, 5, audio.octets);
    5 + AUDIO_OCTETS
}

pub(super) fn read_audio(body: &[u8]) -> Result<Message, Refused> {
    let (line_and_codec, sample_low) = (u8_at(body, 2)?, u16::from_le_bytes(array_at(body, 3)?));
    let (line, codec) = (line_and_codec & 0x0f, line_and_codec >> 4);
    Ok(Message::Audio(Audio { line, codec, sample_low, octets: array_at(body, 5)? }))
}
