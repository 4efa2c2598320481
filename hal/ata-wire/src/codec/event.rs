//! Event frames.

use super::fields::{array_at, boot_at, put, seq_at, u8_at, u32_at};
use super::{Damage, EVENT, Refused};
use crate::VERSION;
use crate::control::LineTest;
use crate::event::{Event, EventKind, Fault, TestOutcome, TonesEnd};
use crate::limits::MAX_FRAME;
use crate::message::Message;

pub(super) fn write(event: &Event, out: &mut [u8; MAX_FRAME]) -> usize {
    put(out, 0, [VERSION, EVENT]);
    put(out, 2, event.seq.0.to_le_bytes());
    out[5] = event.line;
    put(out, 6, event.sample.to_le_bytes());
    let (kind, len) = write_kind(event.kind, out);
    out[4] = kind;
    len
}

fn write_kind(kind: EventKind, out: &mut [u8; MAX_FRAME]) -> (u8, usize) {
    match kind {
        EventKind::HookChange { off_hook } => {
            out[10] = u8::from(off_hook);
            (HOOK_CHANGE, 11)
        }
        EventKind::TonesEnded { host_boot, play, end, begun } => {
            put(out, 10, host_boot.to_le_bytes());
            put(out, 14, play.to_le_bytes());
            out[16] = end_number(end);
            put(out, 17, begun.to_le_bytes());
            (TONES_ENDED, 21)
        }
        EventKind::RingTrip => (RING_TRIP, 10),
        EventKind::LineFault { fault, present } => {
            put(out, 10, [fault_number(fault), u8::from(present)]);
            (LINE_FAULT, 12)
        }
        EventKind::TestResult { test, outcome } => {
            let (number, value) = outcome_number(outcome);
            put(out, 10, [test_number(test), number]);
            put(out, 12, value.to_le_bytes());
            (TEST_RESULT, 16)
        }
        EventKind::Other(kind) => (kind, 10),
    }
}

pub(super) fn read(body: &[u8]) -> Result<Message, Refused> {
    let (line, sample) = (u8_at(body, 5)?, u32_at(body, 6)?);
    let kind = read_kind(u8_at(body, 4)?, body)?;
    Ok(Message::Event(Event { seq: seq_at(body, 2)?, line, sample, kind }))
}

fn read_kind(kind: u8, body: &[u8]) -> Result<EventKind, Refused> {
    Ok(match kind {
        HOOK_CHANGE => EventKind::HookChange { off_hook: u8_at(body, 10)? & 1 != 0 },
        TONES_ENDED => EventKind::TonesEnded {
            host_boot: boot_at(body, 10)?,
            play: u16::from_le_bytes(array_at(body, 14)?),
            end: end(u8_at(body, 16)?)?,
            begun: u32_at(body, 17)?,
        },
        RING_TRIP => EventKind::RingTrip,
        LINE_FAULT => {
            EventKind::LineFault { fault: fault(u8_at(body, 10)?), present: u8_at(body, 11)? & 1 != 0 }
        }
        TEST_RESULT => EventKind::TestResult {
            test: test(u8_at(body, 10)?),
            outcome: outcome(u8_at(body, 11)?, i32::from_le_bytes(array_at(body, 12)?))?,
        },
        other => EventKind::Other(other),
    })
}

fn end_number(end: TonesEnd) -> u8 {
    match end {
        TonesEnd::Completed => 0,
        TonesEnd::Stopped => 1,
        TonesEnd::TooLate => 2,
    }
}

fn end(number: u8) -> Result<TonesEnd, Refused> {
    match number {
        0 => Ok(TonesEnd::Completed),
        1 => Ok(TonesEnd::Stopped),
        2 => Ok(TonesEnd::TooLate),
        _ => Err(Refused::Damaged(Damage::Field)),
    }
}

fn fault_number(fault: Fault) -> u8 {
    match fault {
        Fault::OverTemperature => 1,
        Fault::Power => 2,
        Fault::GroundKey => 3,
        Fault::ForeignVoltage => 4,
        Fault::Other(number) => number,
    }
}

fn fault(number: u8) -> Fault {
    match number {
        1 => Fault::OverTemperature,
        2 => Fault::Power,
        3 => Fault::GroundKey,
        4 => Fault::ForeignVoltage,
        other => Fault::Other(other),
    }
}

pub(super) fn test_number(test: LineTest) -> u8 {
    match test {
        LineTest::ForeignVoltage => 1,
        LineTest::Resistance => 2,
        LineTest::Ringer => 3,
        LineTest::Other(number) => number,
    }
}

pub(super) fn test(number: u8) -> LineTest {
    match number {
        1 => LineTest::ForeignVoltage,
        2 => LineTest::Resistance,
        3 => LineTest::Ringer,
        other => LineTest::Other(other),
    }
}

fn outcome_number(outcome: TestOutcome) -> (u8, i32) {
    match outcome {
        TestOutcome::Measured(value) => (0, value),
        TestOutcome::InUse => (1, 0),
        TestOutcome::Unsupported => (2, 0),
    }
}

fn outcome(number: u8, value: i32) -> Result<TestOutcome, Refused> {
    match number {
        0 => Ok(TestOutcome::Measured(value)),
        1 => Ok(TestOutcome::InUse),
        2 => Ok(TestOutcome::Unsupported),
        _ => Err(Refused::Damaged(Damage::Field)),
    }
}

const HOOK_CHANGE: u8 = 0x01;
const TONES_ENDED: u8 = 0x02;
const RING_TRIP: u8 = 0x03;
const LINE_FAULT: u8 = 0x04;
const TEST_RESULT: u8 = 0x05;
