//! What happens at a panel: the truth that the box's evidence is held against.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that a panel did or heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum PanelEvent {
    /// It lifted the line.
    Seized {},
    /// It believes the dial tone.
    DialTone {
        /// Since it lifted the line.
        after_ms: u64,
    },
    /// The last digit of the number has sounded.
    Dialled {
        /// Which.
        number: String,
    },
    /// It heard the handshake to its end.
    Handshake {},
    /// The last digit of a message has sounded.
    Sent {
        /// As people write them.
        digits: String,
        /// In this call, from 1.
        attempt: u8,
        /// The card's counter at the end of the last digit.
        end_sample: u32,
    },
    /// It heard a kiss-off to its end: it holds the message for delivered.
    KissedOff {
        /// Of the message.
        digits: String,
        /// After which attempt.
        attempt: u8,
        /// From the last digit to the kiss-off's begin, or to the end of the panel's muteness.
        after_ms: u64,
        /// How long it was heard.
        tone_ms: u64,
    },
    /// It heard no kiss-off in time.
    NoKissOff {
        /// After which attempt.
        attempt: u8,
    },
    /// It hung up.
    HungUp {
        /// Why, in words.
        why: String,
    },
    /// COMM FAILURE: it dials no more until it has something else to report.
    GaveUp {
        /// So many calls failed.
        calls: u8,
        /// So many messages wait.
        queued: usize,
    },
    /// Its trouble light.
    Trouble {
        /// It is lit.
        on: bool,
    },
}

/// How a panel is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelStatus {
    /// Its line.
    pub line: u8,
    /// Its account.
    pub account: String,
    /// `resting`, `seized`, `dialling`, `awaiting_handshake`, `pausing`, `sending`, `listening`.
    pub state: String,
    /// The trouble light.
    pub trouble: bool,
    /// COMM FAILURE.
    pub gave_up: bool,
    /// Messages that were not kissed off.
    pub queued: usize,
    /// Messages that were.
    pub kissed_off: u32,
    /// Calls that failed since the last kiss-off.
    pub calls_failed: u8,
}

impl fmt::Display for PanelEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seized {} => f.write_str("seized"),
            Self::DialTone { after_ms } => write!(f, "dial tone after {after_ms} ms"),
            Self::Dialled { number } => write!(f, "dialled {number}"),
            Self::Handshake {} => f.write_str("handshake"),
            Self::Sent { digits, attempt, end_sample } => {
                write!(f, "sent {digits}, attempt {attempt}, until sample {end_sample}")
            }
            Self::KissedOff { digits, after_ms, tone_ms, .. } => {
                write!(f, "{digits} kissed off after {after_ms} ms for {tone_ms} ms")
            }
            Self::NoKissOff { attempt } => write!(f, "no kiss-off after attempt {attempt}"),
            Self::HungUp { why } => write!(f, "hung up: {why}"),
            Self::GaveUp { calls, queued } => {
                write!(f, "COMM FAILURE after {calls} calls, {queued} messages")
            }
            Self::Trouble { on: true } => f.write_str("trouble: no voltage"),
            Self::Trouble { on: false } => f.write_str("trouble over"),
        }
    }
}
