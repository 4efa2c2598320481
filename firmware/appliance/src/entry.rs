//! What is kept as evidence: one entry for each step of a call, of a delivery, and of the box's own acts.
//!
//! An entry once shipped is read for ever: new meaning is a new variant or an optional field.

use evidence::Hash;
use line::{CallId, SignalId, Step};
use serde::{Deserialize, Serialize};
use station::SignalKey;
use station_wire::Sequence;

use crate::Recovery;

/// One entry. The `kind` member names the variant; who, when and the chain are around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The daemon began to serve.
    Start {
        /// The site's name.
        site: String,
        /// The daemon's version.
        version: String,
    },
    /// A step of a call.
    Call {
        /// Which call.
        call: CallId,
        /// What people call the line.
        line_name: String,
        /// When, as the card counts (8 kHz); absent where the card has no part in it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        sample: Option<u32>,
        /// What.
        step: Step,
    },
    /// A signal that has to reach a station: a panel's, or the box's own.
    Signal(Box<SignalEntry>),
    /// A frame was handed to the socket.
    Sent {
        /// Which signal.
        signal: SignalKey,
        /// To which station, by name.
        station: String,
        /// Over which link, by name.
        link: String,
        /// Under which sequence; a retry keeps it.
        sequence: Sequence,
        /// The first try is 1.
        attempt: u32,
        /// What it says, before encryption, for example `[#1234|1130 01 015]`.
        content: String,
        /// It was encrypted.
        encrypted: bool,
    },
    /// The station has taken the signal over.
    Acknowledged {
        /// Which signal.
        signal: SignalKey,
        /// Which station, by name.
        station: String,
        /// Over which link, by name.
        link: String,
        /// Under which sequence.
        sequence: Sequence,
        /// Since the signal was submitted, milliseconds.
        took_ms: u64,
        /// The panel had hung up before: it was not told.
        #[serde(default)]
        panel_gone: bool,
    },
    /// The station does not want the signal.
    Refused {
        /// Which signal.
        signal: SignalKey,
        /// Which station, by name.
        station: String,
    },
    /// A reply that does not count: forged, in clear, of another sequence.
    Doubtful {
        /// Which station, by name.
        station: String,
        /// Over which link, by name.
        link: String,
        /// Why it does not count.
        why: String,
    },
    /// The station's clock and ours differ; the message clock was corrected.
    Clock {
        /// Which station, by name.
        station: String,
        /// How far the station is ahead, seconds.
        ahead_s: i64,
    },
    /// A path to a station works, or it does not.
    Path {
        /// Which station, by name.
        station: String,
        /// Over which link, by name.
        link: String,
        /// It works.
        works: bool,
    },
    /// Sequences below this may have been used: a restart begins here.
    Reserved {
        /// The station's place in the site file, from 0.
        station: u8,
        /// The first sequence that a restart may use.
        next: Sequence,
    },
    /// A line was given voltage, or it was taken away.
    Voltage {
        /// Which line, from 0.
        line: u8,
        /// `true`: given.
        on: bool,
    },
    /// An account is on test, or it is no longer.
    OnTest {
        /// Which.
        account: String,
        /// Until when, milliseconds since 1970 UTC; absent: it ended.
        until_ms: Option<u64>,
        /// Who asked; `expired` when nobody did.
        by: String,
    },
    /// Everything that a restart needs to know, so that older entries may be dropped.
    Checkpoint(Box<Recovery>),
    /// The oldest entries were dropped to keep within bounds; made by the log itself.
    Dropped {
        /// The oldest one's number.
        first: u64,
        /// The newest one's number.
        last: u64,
        /// How many could still be read.
        entries: u64,
        /// Hash of the newest one.
        head: Hash,
        /// Hash of the oldest one.
        tail: Hash,
        /// Why, in words.
        why: String,
    },
    /// Entries that could not be written; made by the log itself.
    Lost {
        /// How many.
        entries: u64,
        /// Why, in words.
        why: String,
    },
    /// At its opening the log held lines that cannot be read; made by the log itself.
    Unreadable {
        /// The last number before the first of them.
        after: u64,
        /// How many lines; they stay where they are.
        lines: u64,
    },
}

/// A signal that has to reach a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalEntry {
    /// Names it for ever on this box.
    pub signal: SignalKey,
    /// The panel's signal that it is; absent: the box's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heard: Option<SignalId>,
    /// The account under which the station knows the panel.
    pub account: String,
    /// Qualifier and event, for example `1131`.
    pub event: String,
    /// Two digits.
    pub partition: String,
    /// Three digits.
    pub zone: String,
    /// Smaller goes first.
    pub urgency: u8,
    /// When it was heard, milliseconds since 1970 UTC, if the clock was believed.
    pub occurred_ms: Option<u64>,
    /// What the event is, in plain words.
    pub words: String,
    /// Duress and its like: never on lights, pages or tones.
    pub silent: bool,
    /// The account was on test.
    pub on_test: bool,
}
