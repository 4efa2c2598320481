//! What the world tells a line.

use dsp::CallTone;
use hal::{Dtmf, Sample};
use serde::{Deserialize, Serialize};

use crate::action::{PlayId, SignalId};

/// Something that happened to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The loop closed or opened.
    Hook {
        /// `true`: lifted.
        off_hook: bool,
        /// When.
        sample: Sample,
    },
    /// A digit has begun; which one will be known at its end.
    DigitBegun {
        /// When.
        sample: Sample,
    },
    /// A digit has ended.
    Digit {
        /// Which.
        digit: Dtmf,
        /// Its begin.
        begin: Sample,
        /// Its end.
        end: Sample,
    },
    /// A machine that is no alarm panel announces itself.
    Tone {
        /// By which tone.
        tone: CallTone,
        /// When.
        begin: Sample,
    },
    /// The card has come to the end of a sequence.
    TonesEnded {
        /// Of which play.
        play: PlayId,
        /// When.
        sample: Sample,
        /// How.
        end: TonesEnd,
    },
    /// The station has taken the signal over.
    Delivered {
        /// Which.
        signal: SignalId,
    },
    /// Nobody can take the signal over: too many wait. The panel repeats it.
    NotTaken {
        /// Which.
        signal: SignalId,
    },
    /// There is a path to a station (`true`) or none (`false`).
    Path {
        /// At least one path works.
        works: bool,
    },
    /// The card is gone or was reset: whatever was going on on the line is over.
    CardLost,
}

/// How a sequence came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TonesEnd {
    /// To its last sample.
    Completed,
    /// Stopped by us, by the next sequence, or because the line hung up.
    Stopped,
    /// Its window had passed when the card came to it: nothing was played.
    TooLate,
}
