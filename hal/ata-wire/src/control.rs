//! What a host asks of a card, numbered and repeated until it is acknowledged.

use heapless::Vec;

use crate::Seq;
use crate::limits::MAX_STEPS;

/// Something to be done on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its number within the host's boot.
    pub seq: Seq,
    /// The line, from 0.
    pub line: u8,
    /// What.
    pub kind: ControlKind,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Feed the line so.
    Feed {
        /// How.
        feed: Feed,
        /// Withdraw it by yourself when the host is dead, though never in mid-call.
        withdraw_when_dead: bool,
    },
    /// Ring. A lifted receiver ends it.
    Ring {
        /// Length of a burst, milliseconds.
        on_ms: u16,
        /// Silence behind it, milliseconds.
        off_ms: u16,
        /// How many bursts; 0 stops.
        bursts: u8,
    },
    /// Play tones; whatever plays on the line is replaced.
    Play(Play),
    /// Stop what plays or waits for its window.
    Stop,
    /// Measure.
    Test(LineTest),
    /// A kind that this program does not know; the number keeps its place in the sequence.
    Other(u8),
}

/// How a line is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// No voltage.
    Off,
    /// Normal polarity.
    Normal,
    /// Reversed polarity.
    Reversed,
}

/// A sequence of tones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Play {
    /// Names the play; its end comes back with it.
    pub play: u16,
    /// Begins again after the last step, until it is stopped.
    pub endless: bool,
    /// The card stops it by itself when somebody dials.
    pub stop_on_digit: bool,
    /// When it may begin; `None`: at once.
    pub window: Option<Window>,
    /// At least one.
    pub steps: Vec<Step, MAX_STEPS>,
}

/// When a play may begin, in samples of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not before.
    pub earliest: u32,
    /// Not after.
    pub latest: u32,
}

/// Up to two frequencies for a time. No frequency is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Hz, below 4000; 0 for none.
    pub frequencies: [u16; 2],
    /// Level of each frequency, dBm0.
    pub level_dbm0: i8,
    /// How long, at least 1.
    pub samples: u32,
}

/// What can be measured on a line that is on-hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineTest {
    /// Foreign voltage, millivolts.
    ForeignVoltage,
    /// Resistance between the wires, ohms.
    Resistance,
    /// Load of the ringers, thousandths of a ringer equivalence number.
    Ringer,
    /// Another one, by its number.
    Other(u8),
}
