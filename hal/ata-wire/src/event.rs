//! What a card tells of its lines, numbered and repeated until it is kept.

use crate::Seq;
use crate::control::LineTest;

/// Something happened on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number within the card's boot.
    pub seq: Seq,
    /// The line, from 0.
    pub line: u8,
    /// The card's sample counter when it happened.
    pub sample: u32,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The hook changed.
    HookChange {
        /// `true`: lifted.
        off_hook: bool,
    },
    /// A play came to its end; the event's sample is the first one after its last.
    TonesEnded {
        /// The boot of the host that asked for it. It is nobody else's business.
        host_boot: u32,
        /// Its name.
        play: u16,
        /// How.
        end: TonesEnd,
        /// Its first sample; of a play that never began, the same as the event's sample.
        begun: u32,
    },
    /// The telephone was lifted while it rang.
    RingTrip,
    /// A fault of the line circuit came or went.
    LineFault {
        /// What.
        fault: Fault,
        /// It came; otherwise it went.
        present: bool,
    },
    /// A measurement ended.
    TestResult {
        /// Which.
        test: LineTest,
        /// With what.
        outcome: TestOutcome,
    },
    /// A kind that this program does not know; the number keeps its place in the sequence.
    Other(u8),
}

/// How a play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TonesEnd {
    /// To its last sample.
    Completed,
    /// Stopped, replaced by the next play, or the line hung up.
    Stopped,
    /// Its window had passed: nothing was played.
    TooLate,
}

/// A fault of a line circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The circuit is too hot.
    OverTemperature,
    /// Its supply is out of bounds.
    Power,
    /// Current flows to ground: a leak, or a wire in the wrong place.
    GroundKey,
    /// A voltage that is not ours.
    ForeignVoltage,
    /// Another one, by its number.
    Other(u8),
}

/// What a measurement gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestOutcome {
    /// A value in the unit of its [`LineTest`].
    Measured(i32),
    /// The line is in use; nothing was measured.
    InUse,
    /// This card does not measure that.
    Unsupported,
}
