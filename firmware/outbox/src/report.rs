//! What the store and the MQTT session tell the machine.

use noc_messages::{Class, Position};
use serde::{Deserialize, Serialize};

use crate::{StoredRecord, Tag};

/// From the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreReport {
    /// These are durable.
    Stored(Vec<Position>),
    /// The answer to a read; fewer than the limit means that there are no more.
    Read {
        /// Which class.
        class: Class,
        /// Oldest first.
        records: Vec<StoredRecord>,
    },
    /// These could not be stored (disk full, damaged); the machine keeps them and asks again.
    Failed {
        /// Which.
        positions: Vec<Position>,
        /// Why, in words.
        why: String,
    },
}

/// From the MQTT session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionReport {
    /// CONNACK came and the birth is out. Whatever was in flight before is forgotten by the port.
    Connected {
        /// Number of the connection since this start of the daemon.
        session: u32,
    },
    /// The connection is gone.
    Lost,
    /// PUBACK.
    Acknowledged(Tag),
}
