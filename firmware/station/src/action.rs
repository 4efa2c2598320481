//! What the machine is told and what it asks for.

use core::time::Duration;

use hal::{LinkId, Wall};
use serde::{Deserialize, Serialize};
use station_wire::{Doubt, Reply, Request, Sequence};

use crate::config::{PathId, StationId};

/// Names a signal for ever; given by whoever submits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignalKey(pub u64);

/// A signal to be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Its name.
    pub signal: SignalKey,
    /// The account under which the station knows the panel.
    pub account: String,
    /// Qualifier and event, for example `1131`.
    pub event: String,
    /// Two digits.
    pub partition: String,
    /// Three digits.
    pub zone: String,
    /// Smaller goes first when several wait (fire before burglary).
    pub urgency: u8,
    /// When it was heard, if the clock was believed.
    pub occurred: Option<Wall>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Deliver this. The same key twice is once.
    Submit(Submission),
    /// A frame came from the station's own address and could be read.
    Reply {
        /// By this path.
        path: PathId,
        /// What it says.
        reply: Reply,
    },
    /// What was sent by this path cannot have arrived (no route, refused, connection lost).
    SendFailed {
        /// Which path.
        path: PathId,
        /// Of which request.
        sequence: Sequence,
    },
    /// A link may carry traffic to stations, or may not.
    Link {
        /// Which.
        link: LinkId,
        /// It carries traffic.
        usable: bool,
    },
}

/// One thing the machine wants done or told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Write this frame to the station by this path.
    Send {
        /// By which path.
        path: PathId,
        /// What.
        request: Request,
        /// The signal it carries; `None` for a sign of life.
        signal: Option<SignalKey>,
    },
    /// The station has taken the signal over: the panel may be told.
    Delivered {
        /// Which.
        signal: SignalKey,
        /// By which path the acknowledgement came.
        path: PathId,
        /// Under which sequence.
        sequence: Sequence,
        /// Since it was submitted.
        took: Duration,
    },
    /// Sequences up to here may be used from now on: to be kept across a power cut.
    Reserve {
        /// At which station.
        station: StationId,
        /// The first sequence that a restart may use.
        next: Sequence,
    },
    /// Something the evidence and the health machine should know.
    Tell(Trouble),
}

/// Something the evidence and the health machine should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A path works, or it does not.
    Path {
        /// Which.
        path: PathId,
        /// It works.
        works: bool,
    },
    /// The station does not want this signal; the next station is asked.
    Refused {
        /// Which.
        signal: SignalKey,
        /// By which station.
        station: StationId,
    },
    /// A reply that is no acknowledgement of anything we wait for.
    Doubtful {
        /// By which path.
        path: PathId,
        /// Why it does not count.
        doubt: Doubt,
    },
    /// The station's clock and ours differ; the message clock was corrected.
    Clock {
        /// Whose.
        station: StationId,
        /// How far the station is ahead, seconds.
        ahead: i64,
    },
    /// More signals wait than the machine keeps; this one was not taken and must be submitted again.
    Full {
        /// Which.
        signal: SignalKey,
    },
}
