//! Control frames.

use heapless::Vec;

use super::event::{test, test_number};
use super::fields::{array_at, put, seq_at, u8_at, u16_at, u32_at};
use super::{CONTROL, Damage, Refused};
use crate::VERSION;
use crate::control::{Control, ControlKind, Feed, Play, Step, Window};
use crate::limits::{FREQUENCY_BELOW, MAX_FRAME, MAX_STEPS};
use crate::message::Message;

pub(super) fn write(control: &Control, out: &mut [u8; MAX_FRAME]) -> usize {
    put(out, 0, [VERSION, CONTROL]);
    put(out, 2, control.seq.0.to_le_bytes());
    out[5] = control.line;
    let (kind, len) = write_kind(&control.kind, out);
    out[4] = kind;
    len
}

fn write_kind(kind: &ControlKind, out: &mut [u8; MAX_FRAME]) -> (u8, usize) {
    match kind {
        ControlKind::Feed { feed, withdraw_when_dead } => {
            put(out, 6, [feed_number(*feed), u8::from(*withdraw_when_dead)]);
            (FEED, 8)
        }
        ControlKind::Ring { on_ms, off_ms, bursts } => {
            put(out, 6, on_ms.to_le_bytes());
            put(out, 8, off_ms.to_le_bytes());
            out[10] = *bursts;
            (RING, 11)
        }
        ControlKind::Play(play) => (PLAY, write_play(play, out)),
        ControlKind::Stop => (STOP, 6),
        ControlKind::Test(which) => {
            out[6] = test_number(*which);
            (TEST, 7)
        }
        ControlKind::Other(kind) => (*kind, 6),
    }
}

fn write_play(play: &Play, out: &mut [u8; MAX_FRAME]) -> usize {
    let Window { earliest, latest } = play.window.unwrap_or(Window { earliest: 0, latest: 0 });
    put(out, 6, play.play.to_le_bytes());
    out[8] =
        u8::from(play.endless) | u8::from(play.stop_on_digit) << 1 | u8::from(play.window.is_some()) << 2;
    out[9] = u8::try_from(play.steps.len()).expect("at most MAX_STEPS, which is 8");
    put(out, 10, earliest.to_le_bytes());
    put(out, 14, latest.to_le_bytes());
    for (index, step) in play.steps.iter().enumerate() {
        let at = STEPS_AT + index * STEP_LEN;
        put(out, at, step.frequencies[0].to_le_bytes());
        put(out, at + 2, step.frequencies[1].to_le_bytes());
        put(out, at + 4, step.level_dbm0.to_le_bytes());
        put(out, at + 5, step.samples.to_le_bytes());
    }
    STEPS_AT + play.steps.len() * STEP_LEN
}

pub(super) fn read(body: &[u8]) -> Result<Message, Refused> {
    let kind = read_kind(u8_at(body, 4)?, body)?;
    Ok(Message::Control(Control { seq: seq_at(body, 2)?, line: u8_at(body, 5)?, kind }))
}

fn read_kind(kind: u8, body: &[u8]) -> Result<ControlKind, Refused> {
    Ok(match kind {
        FEED => {
            ControlKind::Feed { feed: feed(u8_at(body, 6)?)?, withdraw_when_dead: u8_at(body, 7)? & 1 != 0 }
        }
        RING => {
            let (on_ms, off_ms) = (u16_at(body, 6)?, u16_at(body, 8)?);
            ControlKind::Ring { on_ms, off_ms, bursts: u8_at(body, 10)? }
        }
        PLAY => ControlKind::Play(read_play(body)?),
        STOP => ControlKind::Stop,
        TEST => ControlKind::Test(test(u8_at(body, 6)?)),
        other => ControlKind::Other(other),
    })
}

fn read_play(body: &[u8]) -> Result<Play, Refused> {
    let (flags, count) = (u8_at(body, 8)?, usize::from(u8_at(body, 9)?));
    let window = Window { earliest: u32_at(body, 10)?, latest: u32_at(body, 14)? };
    if !(1..=MAX_STEPS).contains(&count) {
        return Err(Refused::Damaged(Damage::Field));
    }
    let mut steps = Vec::new();
    for index in 0..count {
        let step = read_step(body, STEPS_AT + index * STEP_LEN)?;
        steps.push(step).expect("count is at most MAX_STEPS");
    }
    Ok(Play {
        play: u16_at(body, 6)?,
        endless: flags & 1 != 0,
        stop_on_digit: flags & 2 != 0,
        window: (flags & 4 != 0).then_some(window),
        steps,
    })
}

fn read_step(body: &[u8], at: usize) -> Result<Step, Refused> {
    let step = Step {
        frequencies: [u16_at(body, at)?, u16_at(body, at + 2)?],
        level_dbm0: i8::from_le_bytes(array_at(body, at + 4)?),
        samples: u32_at(body, at + 5)?,
    };
    let sounds = step.frequencies.iter().all(|hertz| *hertz < FREQUENCY_BELOW);
    if sounds && step.samples > 0 { Ok(step) } else { Err(Refused::Damaged(Damage::Field)) }
}

fn feed_number(feed: Feed) -> u8 {
    match feed {
        Feed::Off => 0,
        Feed::Normal => 1,
        Feed::Reversed => 2,
    }
}

fn feed(number: u8) -> Result<Feed, Refused> {
    match number {
        0 => Ok(Feed::Off),
        1 => Ok(Feed::Normal),
        2 => Ok(Feed::Reversed),
        _ => Err(Refused::Damaged(Damage::Field)),
    }
}

const FEED: u8 = 0x01;
const RING: u8 = 0x02;
const PLAY: u8 = 0x03;
const STOP: u8 = 0x04;
const TEST: u8 = 0x05;

const STEPS_AT: usize = 18;
const STEP_LEN: usize = 9;
