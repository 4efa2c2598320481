//! What is said of signals: that one came, that a station has it, that an account is on test.

use serde::{Deserialize, Serialize};

/// A signal was heard, or the box has one of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalBody {
    /// Names it for ever on this box; deliveries name it too.
    pub signal: u64,
    /// The line it was heard on, from 0; absent: the box's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u8>,
    /// The account under which the station knows the panel.
    pub account: String,
    /// Qualifier and event, for example `1131`.
    pub event: String,
    /// Two digits.
    pub partition: String,
    /// Three digits.
    pub zone: String,
    /// What the event is, in plain words.
    pub words: String,
    /// Duress and its like: nothing that people on the premises see may tell of it.
    pub silent: bool,
    /// The account was on test.
    pub on_test: bool,
}

/// A station has taken a signal over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryBody {
    /// Which signal.
    pub signal: u64,
    /// Which station, by name.
    pub station: String,
    /// Over which link, by name.
    pub link: String,
    /// Under which DC-09 sequence.
    pub sequence: u16,
    /// Since it was heard, or since the restart that took it up again, milliseconds.
    pub took_ms: u64,
    /// The panel had hung up: it was not told, and may report the same again.
    pub panel_gone: bool,
    /// As in the signal.
    pub silent: bool,
}

/// An account was put on test, or is no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnTestBody {
    /// Which.
    pub account: String,
    /// It is on test.
    pub on: bool,
    /// For how long, seconds; only when it begins.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lasts_s: Option<u64>,
    /// Who asked; `expired` when nobody did.
    pub by: String,
}
