//! Everything that the collector tells, as one closed list: a JSON line or a sentence each.
//!
//! What is told about records is told after they are committed, never before.

use std::collections::BTreeMap;

use noc_messages::{Class, Position, Presence, SiteId, Watermark};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::chain::{Skip, Why};
use crate::message::{Envelope, Junk};

/// One thing that happened. The member `event` of the JSON line names the variant.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Telling {
    /// The store is open.
    Started(Started),
    /// The end of a segment was not written completely; it had not been acknowledged and was cut off.
    TornTail(Torn),
    /// Lines of a segment are damaged; they had been committed once.
    Damaged(Damaged),
    /// A connection to the broker stands and the subscription with it: nothing is missed from here on.
    Connected {
        /// The broker kept what came while we were away.
        session_present: bool,
    },
    /// No connection to the broker; tried again for ever.
    BrokerLost {
        /// Why, in words.
        why: String,
        /// The next attempt, milliseconds from here.
        retry_ms: u64,
    },
    /// The broker lets us connect but not subscribe.
    SubscriptionRefused,
    /// A record was committed.
    Record(Box<RecordTold>),
    /// Records came that are held.
    Duplicates(Duplicates),
    /// A younger record of the class had come before; the store is not troubled by it.
    OutOfOrder(Placed),
    /// A record names a predecessor that is not held: the watermark of the class waits before it.
    Gap(Gap),
    /// The missing records came: the watermark moves on.
    Healed(Healed),
    /// First contact: the class begins here.
    Base(Skipped),
    /// The watermark passed records that are not held and will not come.
    Lost(Skipped),
    /// No room to remember it: not stored, and the watermark does not pass it.
    Refused(Placed),
    /// The site numbers its records from the beginning again: another box, or an emptied one.
    Renumbered {
        /// Which site.
        site: SiteId,
        /// Number of the numbering, from 0.
        era: u32,
    },
    /// A site came, said goodbye or was lost.
    Presence(Presence),
    /// A birth or will older than what is known; ignored.
    StalePresence(Presence),
    /// A newer state document.
    State {
        /// Which site.
        site: SiteId,
        /// As it came.
        document: Box<RawValue>,
    },
    /// A state document older than what is known; ignored.
    StaleState {
        /// Which site.
        site: SiteId,
    },
    /// A watermark was published.
    Watermark {
        /// Which site.
        site: SiteId,
        /// Its content.
        #[serde(flatten)]
        watermark: Watermark,
    },
    /// Messages that are none of ours; counted and ignored.
    Junk(JunkTold),
    /// The store takes nothing: nothing is acknowledged either, so nothing is lost.
    StoreFailing {
        /// What, where and how to fix it.
        why: String,
    },
    /// The store takes records again.
    StoreRecovered,
    /// The end, after the last commit.
    Stopped {
        /// Records committed since the start.
        records: u64,
        /// Duplicates since the start.
        duplicates: u64,
    },
}

/// The store is open.
#[derive(Clone, Debug, Serialize)]
pub struct Started {
    /// Where.
    pub store: String,
    /// Sites in it.
    pub sites: usize,
    /// Records in it.
    pub records: u64,
}

/// The end of a segment was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Torn {
    /// Which site.
    pub site: SiteId,
    /// Which file.
    pub file: String,
    /// How many bytes.
    pub bytes: u64,
}

/// Lines of a segment are damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damaged {
    /// Which site.
    pub site: SiteId,
    /// Which file.
    pub file: String,
    /// How many lines.
    pub lines: u64,
}

/// A record was committed.
#[derive(Clone, Debug, Serialize)]
pub struct RecordTold {
    /// Which site.
    pub site: SiteId,
    /// Its class.
    pub class: Class,
    /// Which.
    #[serde(flatten)]
    pub position: Position,
    /// What it says, by name.
    pub kind: String,
    /// The box says that it comes late: nobody should be paged by it.
    pub historical: bool,
    /// From its making to its arrival, milliseconds; absent while the box's clock is not believed.
    pub late_ms: Option<u64>,
    /// As it came.
    pub record: Box<RawValue>,
}

impl RecordTold {
    pub(crate) fn new(site: &SiteId, envelope: &Envelope, at_ms: u64) -> Self {
        Self {
            site: site.clone(),
            class: envelope.class,
            position: envelope.position,
            kind: envelope.kind.clone(),
            historical: envelope.historical,
            late_ms: envelope.at.wall_ms.map(|made| at_ms.saturating_sub(made)),
            record: envelope.text.clone(),
        }
    }
}

/// Records came that are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Which site.
    pub site: SiteId,
    /// Of which class.
    pub class: Class,
    /// How many in this commit.
    pub count: u64,
    /// How many since the start.
    pub total: u64,
}

/// Something about one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// Which site.
    pub site: SiteId,
    /// Of which class.
    pub class: Class,
    /// Which record.
    #[serde(flatten)]
    pub position: Position,
}

/// The watermark waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Which site.
    pub site: SiteId,
    /// Of which class.
    pub class: Class,
    /// The watermark.
    pub upto: Option<Position>,
    /// A record that is missing.
    pub missing: Option<Position>,
    /// The record that names it.
    pub before: Position,
}

/// The watermark moves on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Healed {
    /// Which site.
    pub site: SiteId,
    /// Of which class.
    pub class: Class,
    /// The watermark.
    pub upto: Option<Position>,
}

/// The watermark passed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Which site.
    pub site: SiteId,
    /// Of which class.
    pub class: Class,
    /// From where to where, and why.
    #[serde(flatten)]
    pub skip: Skip,
}

impl Skipped {
    pub(crate) fn tell(site: &SiteId, class: Class, skip: Skip) -> Telling {
        let skipped = Self { site: site.clone(), class, skip };
        match skip.why {
            Why::Base | Why::EarlierStore => Telling::Base(skipped),
            Why::Told | Why::Untold | Why::Restarted | Why::DamagedHere => Telling::Lost(skipped),
        }
    }
}

/// Messages that are none of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JunkTold {
    /// The topic of the last one, at most 128 characters of it.
    pub topic: String,
    /// Why.
    pub why: Junk,
    /// How many in this commit.
    pub count: u64,
    /// How many since the start, of all kinds.
    pub total: u64,
}

/// Counted per commit and told once each.
#[derive(Clone, Debug, Default)]
pub struct JunkCount {
    by_why: BTreeMap<Junk, (u64, String)>,
    total: u64,
}

/// So much of a foreign topic is shown.
const SHOWN_TOPIC: usize = 128;

impl JunkCount {
    /// Counts one.
    pub fn count(&mut self, topic: &str, why: Junk) {
        self.total += 1;
        let (count, last) = self.by_why.entry(why).or_default();
        *count += 1;
        *last = topic.chars().take(SHOWN_TOPIC).collect();
    }

    /// What was counted since the last time.
    pub fn tell(&mut self) -> Vec<Telling> {
        let total = self.total;
        let told = core::mem::take(&mut self.by_why).into_iter();
        told.map(|(why, (count, topic))| Telling::Junk(JunkTold { topic, why, count, total })).collect()
    }
}
