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
    /// The answer to a read. May be shorter than asked for, to bound its size; empty means that
    /// there are no more.
    Read {
        /// Which class.
        class: Class,
        /// The position that was asked for: an answer to an older question is recognised by it.
        after: Option<Position>,
        /// Oldest first.
        records: Vec<StoredRecord>,
    },
    /// The answer to a delete.
    Deleted {
        /// Which class.
        class: Class,
        /// How many records.
        records: u64,
        /// How many bytes of JSON.
        bytes: u64,
        /// The oldest that is left.
        oldest: Option<Position>,
    },
    /// The answer to an evict.
    Evicted {
        /// Which class.
        class: Class,
        /// How many records.
        records: u64,
        /// How many bytes of JSON.
        bytes: u64,
        /// The first and the last of them; `None` if there were none.
        range: Option<(Position, Position)>,
        /// The oldest that is left.
        oldest: Option<Position>,
    },
    /// These could not be stored (disk full, damaged); the machine keeps them and asks again.
    /// Without positions: a read or a deletion failed, or the store is out of order as a whole.
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
