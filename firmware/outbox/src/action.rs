//! What the machine asks for.

use noc_messages::{Class, Position};
use serde::{Deserialize, Serialize};

/// One thing the machine wants done or told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// For the store. Requests are executed in the order given.
    Store(StoreRequest),
    /// For the MQTT session. Never given while there is no session, never more than the window.
    Publish(Publish),
    /// Something the health machine should know.
    Tell(Notice),
}

/// For the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreRequest {
    /// Append; answered by `Stored` once durable: with `sync` at once, without within 1 s.
    Append {
        /// In order.
        records: Vec<StoredRecord>,
        /// On the platter before it is answered, nothing else waited for.
        sync: bool,
    },
    /// Read the oldest records of a class after a position; answered by `Read`, or by `Failed`
    /// without positions.
    Read {
        /// Which class.
        class: Class,
        /// Exclusive; `None`: from the oldest.
        after: Option<Position>,
        /// At most so many.
        limit: u16,
    },
    /// Delete all records of a class up to and including a position; answered by `Deleted`, or by
    /// `Failed` without positions.
    Delete {
        /// Which class.
        class: Class,
        /// Inclusive.
        upto: Position,
    },
    /// Delete the oldest records of a class until at least so many records and so many bytes are
    /// gone; answered by `Evicted`, or by `Failed` without positions.
    Evict {
        /// Which class.
        class: Class,
        /// At least so many records.
        records: u64,
        /// At least so many bytes of JSON.
        bytes: u64,
    },
}

/// A record as it lies in the store: its place and its JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRecord {
    /// Its class.
    pub class: Class,
    /// Its place.
    pub position: Position,
    /// The JSON of a [`noc_messages::Record`].
    pub json: String,
}

/// What a PUBACK is matched with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// A record.
    Record(Position),
    /// The state document of this generation.
    State(u64),
}

/// One QoS 1 publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// Comes back with the PUBACK.
    pub tag: Tag,
    /// Where to.
    pub topic: String,
    /// JSON.
    pub payload: String,
    /// The broker keeps the latest.
    pub retain: bool,
}

/// Something the health machine should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The spool passed 80 % of a bound (`true`) or fell below 60 % (`false`).
    NearlyFull(bool),
    /// The bound was hit: so many records of a class were evicted. A loss record says which.
    Evicted {
        /// Which class.
        class: Class,
        /// How many.
        count: u64,
    },
    /// The store does not take records (`true`) or takes them again (`false`).
    StoreFailing(bool),
}
