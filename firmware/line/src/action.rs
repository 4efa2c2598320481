//! What a line asks for and tells.

use core::fmt;
use core::time::Duration;

use dsp::CallTone;
use dsp::tones::Sequence;
use hal::{Dtmf, LineId, Sample};
use panel_wire::{Fault, Message};
use serde::{Deserialize, Serialize};

/// A call of a line, from off-hook to on-hook; rises by one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId {
    /// Which line.
    pub line: LineId,
    /// Which call of this line.
    pub number: u64,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.line, self.number)
    }
}

/// A signal: the same digits on the same line, until they were kissed off or half an hour has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SignalId {
    /// Which line.
    pub line: LineId,
    /// Which signal of this line.
    pub number: u64,
}

impl fmt::Display for SignalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.line, self.number)
    }
}

/// Names one play of a sequence; its end comes back with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlayId(pub u16);

/// When a sequence may begin. The card keeps it to the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Not before.
    pub earliest: Sample,
    /// Not after; then nothing is played.
    pub latest: Sample,
}

/// One thing a line wants done or told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Play a sequence; whatever plays is replaced by it.
    Play {
        /// Names the play.
        play: PlayId,
        /// What.
        sequence: Sequence,
        /// When; `None`: at once.
        window: Option<Window>,
    },
    /// Stop what plays.
    Silence,
    /// Give the line voltage, or take it away.
    Feed {
        /// `true`: give.
        on: bool,
    },
    /// A complete valid signal, for the first time: to be recorded and sent, whatever the panel does.
    Signal {
        /// Which.
        signal: SignalId,
        /// In which call.
        call: CallId,
        /// What.
        message: Message,
        /// The end of its last digit.
        heard: Sample,
    },
    /// A step of a call, for the evidence.
    Step {
        /// Of which call.
        call: CallId,
        /// When, as the card counts; absent where the card has no part in it.
        sample: Option<Sample>,
        /// What.
        step: Step,
    },
}

/// A step of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The loop closed.
    OffHook,
    /// Dial tone was given.
    DialTone,
    /// The number is complete.
    Number {
        /// As dialled.
        digits: String,
    },
    /// The box answered.
    Answered,
    /// A handshake was begun.
    Handshake {
        /// The first is 1.
        round: u8,
    },
    /// Sixteen digits that are a message.
    Message {
        /// As heard.
        digits: String,
        /// Which signal they are.
        signal: SignalId,
        /// The first time is 1.
        repeat: u8,
    },
    /// Digits that are no message; the panel hears nothing and repeats.
    Faulty {
        /// As heard.
        digits: String,
        /// What is wrong with them.
        fault: Fault,
    },
    /// The station has taken the signal over.
    Delivered {
        /// Which.
        signal: SignalId,
    },
    /// Too many signals wait: this one was not taken, and the panel will repeat it.
    NotTaken {
        /// Which.
        signal: SignalId,
    },
    /// The kiss-off was given to its last sample.
    KissedOff {
        /// Which signal.
        signal: SignalId,
        /// From the end of the last digit to the begin of the tone.
        after: Duration,
    },
    /// The kiss-off was not given or not to its end; the panel will repeat.
    NotKissedOff {
        /// Which signal.
        signal: SignalId,
    },
    /// A fax machine or a modem hangs on this line; told once in a call for each tone.
    MachineTone {
        /// How it announced itself.
        tone: CallTone,
    },
    /// Reorder tone was given.
    Reorder,
    /// The howler was given.
    Howler,
    /// The loop opened for good.
    HungUp {
        /// Signals of this call that were delivered or not, but never kissed off.
        not_kissed_off: u8,
    },
    /// The card was lost in mid-call.
    CardLost,
}

/// Digits as text.
pub(crate) fn text(digits: &[Dtmf]) -> String {
    digits.iter().map(|digit| digit.as_char()).collect()
}
