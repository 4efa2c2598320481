//! Everything the box can ask for.

use std::net::IpAddr;

use dsp::tones::Sequence;
use evidence::At;
use hal::{LineId, LinkId};
use line::{PlayId, Window};
use serde::{Deserialize, Serialize};
use station::PathId;
use station_wire::Request;
use wan::{Probe, RoutePlan};

use crate::Entry;

/// Everything the box can ask for. Closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Send an echo request.
    SendProbe(Probe),
    /// Make the kernel look like this.
    ApplyRoutes(RoutePlan),
    /// Delete a link's conntrack entries; off the critical path.
    FlushFlows {
        /// Whose.
        link: LinkId,
    },
    /// For the line card.
    Card(CardCommand),
    /// For the MQTT session.
    Mqtt(MqttCommand),
    /// For the spool.
    Store(outbox::StoreRequest),
    /// For the stations' sockets.
    Station(StationCommand),
    /// To be kept as evidence.
    Evidence {
        /// When it was.
        at: At,
        /// What.
        entry: Box<Entry>,
    },
    /// For the duty engineer's log: the same value that is recorded.
    Log(noc_messages::Body),
}

/// For the line card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardCommand {
    /// The event with this sequence (and all before it) is kept; the card may forget it.
    Acknowledge {
        /// Of which card boot.
        card_boot: u32,
        /// Inclusive.
        card_seq: u16,
    },
    /// Play a sequence; whatever plays on the line is replaced by it.
    Play {
        /// On which line.
        line: LineId,
        /// Names the play; its end comes back with it.
        play: PlayId,
        /// What.
        sequence: Sequence,
        /// When; `None`: at once.
        window: Option<Window>,
    },
    /// Stop what plays.
    Silence {
        /// On which line.
        line: LineId,
    },
    /// Give a line voltage, or take it away. Also said again whenever a card comes.
    Feed {
        /// Which line.
        line: LineId,
        /// `true`: give.
        on: bool,
    },
}

/// For the stations' sockets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StationCommand {
    /// Write this frame.
    Send {
        /// By which path.
        path: PathId,
        /// Bound as source; the mark is the link's. A connection from another source is closed first.
        source: IpAddr,
        /// What.
        request: Request,
    },
    /// The link is gone: close what there is.
    Close {
        /// Which path.
        path: PathId,
    },
}

/// For the MQTT session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MqttCommand {
    /// Leave by these links from here on; a connection by another link is dropped and re-dialled
    /// at once.
    Use {
        /// For a broker with an IPv4 address.
        v4: Option<Uplink>,
        /// For a broker with an IPv6 address.
        v6: Option<Uplink>,
    },
    /// Publish.
    Publish(outbox::Publish),
    /// Say `going`, drain for at most 2 s, disconnect.
    Goodbye,
}

/// How a socket is bound to a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uplink {
    /// Which link.
    pub link: LinkId,
    /// Its name, for the birth.
    pub name: String,
    /// Bound as source; the mark is the link's.
    pub source: IpAddr,
}
