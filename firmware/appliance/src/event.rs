//! Everything that can happen to the box.

use core::time::Duration;

use dsp::Heard;
use hal::{LineId, LinkId, Sample};
use line::{PlayId, TonesEnd};
use serde::{Deserialize, Serialize};
use station::PathId;
use station_wire::{Reply, Sequence};
use wan::{LinkFacts, ProbeOutcome, RoutesApplied};

/// Everything that can happen. Closed: recorder, replay, tests and documentation share it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// From the kernel's network side.
    Net(NetEvent),
    /// From the line card.
    Card(CardEvent),
    /// From the MQTT session.
    Mqtt(MqttEvent),
    /// From the spool.
    Store(outbox::StoreReport),
    /// From the stations' sockets.
    Station(StationEvent),
    /// From the evidence log.
    Evidence(EvidenceReport),
    /// From the power supply, whenever it changed; once at start.
    Power(PowerFacts),
    /// Somebody asks for something to be done.
    Order(Order),
    /// The daemon was told to stop.
    Stop,
}

/// From the kernel's network side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetEvent {
    /// A link's facts, whenever any of them changed; once for every link at start.
    Facts(LinkFacts),
    /// What became of a probe.
    Probe(ProbeOutcome),
    /// The kernel acknowledged a plan.
    RoutesApplied(RoutesApplied),
    /// Somebody else changed what is ours; it has been put right.
    Repaired {
        /// What it was, in words.
        what: String,
    },
    /// Nothing of what the kernel refused before is refused any longer.
    NothingRefused,
    /// The kernel refused something; in words.
    Refused {
        /// What and why.
        what: String,
    },
}

/// From the line card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardEvent {
    /// The card said hello and speaks our version.
    Ready(CardHello),
    /// The card is gone: device missing, silent, or speaking another version.
    Lost {
        /// Why, in words.
        why: String,
    },
    /// A hook changed. To be acknowledged by [`crate::CardCommand::Acknowledge`] once it is stored,
    /// at the latest after 250 ms; the card repeats it until then, the port drops the repeats.
    Hook {
        /// Which line.
        line: LineId,
        /// `true`: lifted.
        off_hook: bool,
        /// The card's 8 kHz sample counter at the change.
        sample: u32,
        /// The card's boot id.
        card_boot: u32,
        /// The card's event sequence.
        card_seq: u16,
    },
    /// A line's ear heard something. Lost with the audio that it was in; nothing to acknowledge.
    Heard {
        /// Which line.
        line: LineId,
        /// The card's boot id.
        card_boot: u32,
        /// What.
        heard: Heard,
    },
    /// A sequence came to its end. To be acknowledged like a hook.
    TonesEnded {
        /// Which line.
        line: LineId,
        /// Of which play.
        play: PlayId,
        /// When.
        sample: Sample,
        /// How.
        end: TonesEnd,
        /// The card's boot id.
        card_boot: u32,
        /// The card's event sequence.
        card_seq: u16,
    },
    /// A line circuit's fault came or went. To be acknowledged like a hook.
    LineFault {
        /// Which line.
        line: LineId,
        /// What: `over_temperature`, `power`, `ground_key`, `foreign_voltage`, `other`.
        fault: String,
        /// It came; otherwise it went.
        present: bool,
        /// The card's boot id.
        card_boot: u32,
        /// The card's event sequence.
        card_seq: u16,
    },
    /// Damaged or unknown frames since the last such event; at most once a second.
    Garbage {
        /// Frames with a bad checksum, length or encoding.
        damaged: u32,
        /// Well-formed frames of a type we do not know.
        unknown: u32,
    },
}

/// What a card says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardHello {
    /// Differs after every reset of the card.
    pub card_boot: u32,
    /// Firmware name and version.
    pub firmware: String,
    /// Serial number.
    pub serial: String,
    /// The card's 8 kHz sample counter at the hello.
    pub sample: u32,
    /// Hook state of every line, in order; `true`: off-hook.
    pub off_hook: Vec<bool>,
    /// Which lines have voltage, in order.
    #[serde(default)]
    pub fed: Vec<bool>,
    /// Events that the card had to drop while nobody listened.
    pub events_lost: u32,
}

/// From the stations' sockets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StationEvent {
    /// A frame came from the station's own address and could be read.
    Reply {
        /// By which path.
        path: PathId,
        /// What it says.
        reply: Reply,
    },
    /// What was sent cannot have arrived (no route, refused, connection lost).
    SendFailed {
        /// By which path.
        path: PathId,
        /// Of which request.
        sequence: Sequence,
        /// Why, in words.
        why: String,
    },
    /// Octets that are no reply since the last such event; at most once a second for each path.
    Odd {
        /// By which path.
        path: PathId,
        /// How many frames or datagrams.
        count: u32,
        /// The latest, in words.
        what: String,
    },
}

/// From the evidence log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceReport {
    /// Everything handed over so far is on the disk, up to this entry.
    Stored {
        /// The newest entry's number.
        newest: u64,
        /// Its hash.
        head: evidence::Hash,
    },
    /// Entries could not be written; they are lost.
    Failed {
        /// How many.
        lost: u64,
        /// Why, in words.
        why: String,
    },
    /// The oldest entries were dropped to keep within bounds.
    Dropped {
        /// How many.
        entries: u64,
    },
}

/// How the box is powered. `None`: the board does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerFacts {
    /// The mains are there.
    pub mains: Option<bool>,
    /// The battery will not last long.
    pub battery_low: Option<bool>,
}

/// Something to be done, asked for by somebody who may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Signals of this account are a technician's until it expires.
    OnTest {
        /// The panel's account.
        account: String,
        /// For how long, at most a day; zero ends it.
        lasts: Duration,
        /// Who asked.
        by: String,
    },
}

/// From the MQTT session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MqttEvent {
    /// CONNACK came and the birth is out.
    Connected {
        /// Number of the connection since this start of the daemon.
        session: u32,
        /// The link it leaves by.
        link: Option<LinkId>,
    },
    /// The connection is gone, or an attempt failed; in words.
    Lost {
        /// Why.
        why: String,
    },
    /// PUBACK.
    Acknowledged(outbox::Tag),
    /// Somebody wrote below our `noc/` topics. At most [`noc_messages::MAX_MESSAGE`] bytes.
    Message {
        /// Which topic.
        topic: String,
        /// Its text; anything that is not UTF-8 arrives as `Odd`.
        payload: String,
    },
    /// A message that could not be taken: too large or not text.
    Odd {
        /// What was odd, in words.
        what: String,
    },
}
