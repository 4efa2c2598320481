//! What a line answers when asked; it changes nothing.

use serde::{Deserialize, Serialize};

use super::{Line, State};
use crate::action::SignalId;

/// A line, for people and tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineStatus {
    /// In one word.
    pub state: String,
    /// The line has voltage.
    pub fed: bool,
    /// Calls since the first start of the box.
    pub calls: u64,
}

impl Line {
    /// For people and tools.
    #[must_use]
    pub fn status(&self) -> LineStatus {
        let state = match &self.state {
            State::OnHook => "on_hook",
            State::DialTone { .. } => "dial_tone",
            State::Dialling { .. } => "dialling",
            State::Settling { .. } => "answered",
            State::Handshaking { .. } => "handshake",
            State::Receiving { .. } => "receiving",
            State::Reorder { .. } => "reorder",
            State::Howler { .. } => "howler",
            State::Parked => "parked",
        };
        LineStatus { state: state.to_owned(), fed: self.is_fed(), calls: self.calls }
    }

    /// The line has voltage.
    #[must_use]
    pub const fn is_fed(&self) -> bool {
        self.voltage.is_fed()
    }

    /// A signal of this line still waits for its kiss-off.
    #[must_use]
    pub fn waits_for(&self, signal: SignalId) -> bool {
        self.ledger.is_open(signal)
    }

    /// The panel is off-hook and can still be told of this signal.
    #[must_use]
    pub fn listens_for(&self, signal: SignalId) -> bool {
        match &self.state {
            State::Handshaking { receiver, .. } | State::Receiving { receiver, .. } => {
                receiver.is_about(signal)
            }
            State::OnHook
            | State::DialTone { .. }
            | State::Dialling { .. }
            | State::Settling { .. }
            | State::Reorder { .. }
            | State::Howler { .. }
            | State::Parked => false,
        }
    }
}
