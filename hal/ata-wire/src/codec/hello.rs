//! The two hellos. Their beginning is the same in every version of the language.

use heapless::Vec;

use super::fields::{boot_at, put, put_text, seq_at, text_at, u8_at, u32_at, versions};
use super::{CARD_HELLO, Damage, HOST_HELLO, Refused};
use crate::VERSION;
use crate::limits::{FIRMWARE_TEXT, MAX_FRAME, MAX_LINES, SERIAL_TEXT};
use crate::message::{Answer, CardHello, CardState, Greeting, HostHello, LineState, Message};

pub(super) fn write_host_hello(hello: &HostHello, out: &mut [u8; MAX_FRAME]) -> usize {
    put(out, 0, [0, HOST_HELLO, hello.versions.min, hello.versions.max]);
    put(out, 4, hello.host_boot.to_le_bytes());
    8
}

pub(super) fn read_host_hello(body: &[u8]) -> Result<Message, Refused> {
    let versions = versions(u8_at(body, 2)?, u8_at(body, 3)?)?;
    let host_boot = boot_at(body, 4)?;
    Ok(Message::HostHello(HostHello { versions, host_boot }))
}

pub(super) fn write_card_hello(hello: &CardHello, out: &mut [u8; MAX_FRAME]) -> usize {
    let greeting = &hello.greeting;
    put(out, 0, [0, CARD_HELLO, greeting.versions.min, greeting.versions.max]);
    put(out, 6, greeting.card_boot.to_le_bytes());
    put(out, 10, greeting.host_boot.to_le_bytes());
    put_text(&mut out[14..14 + FIRMWARE_TEXT], &greeting.firmware);
    put_text(&mut out[46..46 + SERIAL_TEXT], &greeting.serial);
    match &hello.answer {
        Answer::None => GREETING_LEN,
        Answer::Other(version) => {
            out[4] = *version;
            GREETING_LEN
        }
        Answer::Current(state) => {
            out[4] = VERSION;
            write_card_state(state, out)
        }
    }
}

fn write_card_state(state: &CardState, out: &mut [u8; MAX_FRAME]) -> usize {
    let lines = u8::try_from(state.lines.len()).expect("at most MAX_LINES, which is 8");
    put(out, 70, [state.self_test, state.codecs, lines, state.queued]);
    put(out, 74, state.first_seq.0.to_le_bytes());
    put(out, 76, state.events_lost.to_le_bytes());
    put(out, 80, state.sample.to_le_bytes());
    for (index, line) in state.lines.iter().enumerate() {
        let at = LINES_AT + index * LINE_LEN;
        out[at] = u8::from(line.off_hook) | u8::from(line.feed) << 1 | u8::from(line.reversed) << 2;
        put(out, at + 1, line.since.to_le_bytes());
    }
    LINES_AT + state.lines.len() * LINE_LEN
}

pub(super) fn read_card_hello(body: &[u8]) -> Result<Message, Refused> {
    let greeting = Greeting {
        versions: versions(u8_at(body, 2)?, u8_at(body, 3)?)?,
        card_boot: boot_at(body, 6)?,
        host_boot: u32_at(body, 10)?,
        firmware: text_at(body, 14)?,
        serial: text_at(body, 46)?,
    };
    let answer = match u8_at(body, 4)? {
        0 => Answer::None,
        VERSION => Answer::Current(read_card_state(body)?),
        other => Answer::Other(other),
    };
    Ok(Message::CardHello(CardHello { greeting, answer }))
}

fn read_card_state(body: &[u8]) -> Result<CardState, Refused> {
    let count = usize::from(u8_at(body, 72)?);
    if !(1..=MAX_LINES).contains(&count) {
        return Err(Refused::Damaged(Damage::Field));
    }
    let mut lines = Vec::new();
    for index in 0..count {
        let at = LINES_AT + index * LINE_LEN;
        let flags = u8_at(body, at)?;
        let (off_hook, feed, reversed) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
        let line = LineState { off_hook, feed, reversed, since: u32_at(body, at + 1)? };
        lines.push(line).expect("count is at most MAX_LINES");
    }
    Ok(CardState {
        self_test: u8_at(body, 70)?,
        codecs: u8_at(body, 71)?,
        queued: u8_at(body, 73)?,
        first_seq: seq_at(body, 74)?,
        events_lost: u32_at(body, 76)?,
        sample: u32_at(body, 80)?,
        lines,
    })
}

/// Where the part of a card's hello ends that is the same in every version.
const GREETING_LEN: usize = 70;
const LINES_AT: usize = 84;
const LINE_LEN: usize = 5;
