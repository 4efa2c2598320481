//! What is held of one class of one site, and up to where nothing is missing.
//!
//! ```text
//!   genesis ── a ── b ── c        f ── g        j
//!                        ^        └─island      └─island (its predecessor, i, is missing too)
//!                        `upto`, the watermark
//! ```
//! A record names its predecessor, so a chain proves itself: records that link to `upto` move it,
//! others wait in islands. Nothing here grows with the number of records; it refuses what it has no
//! room to remember, and never moves the watermark over something the site may still have.

mod run;

use noc_messages::Position;
use serde::{Deserialize, Serialize};

use run::Run;

/// Runs of records behind gaps, per class. A broker that lost every second message makes many; what
/// does not fit is refused and comes again, because the watermark has not passed it.
const MAX_ISLANDS: usize = 32;

/// Told losses that wait for the record behind them, per class; beyond that the runs decide.
const MAX_TOLD: usize = 16;

/// Lost ranges behind the watermark in which a record is still taken, per class.
const MAX_HOLES: usize = 16;

/// What a chain needs to know of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which.
    pub position: Position,
    /// The record of the same class before it.
    pub prev: Option<Position>,
    /// Of its content: two records of one position with different content are not the same.
    pub fingerprint: u32,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Held already.
    Duplicate,
    /// To be stored. `late` if a younger record of the class came before it.
    Fresh {
        /// Out of order.
        late: bool,
        /// It is the first of its island: what it names as predecessor is missing.
        gap: bool,
    },
    /// No room to remember it; it is not to be stored.
    Refused,
    /// It contradicts what is held: the numbering of the site began anew.
    Renumbered,
}

/// Why the watermark passed something that is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// First contact: the site's spool begins here.
    Base,
    /// The site told that it lost these.
    Told,
    /// The site's spool begins after these, and it did not say why.
    Untold,
    /// The site knows of no record before this one, though some are held.
    Restarted,
    /// A watermark of ours at the broker is beyond this store: an earlier store held these.
    EarlierStore,
    /// A line of this store was damaged after it had been committed.
    DamagedHere,
}

/// The watermark passed something that is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The last record held before; exclusive.
    pub after: Option<Position>,
    /// The first record held behind; exclusive. At a first contact it is the base.
    pub before: Position,
    /// Why.
    pub why: Why,
}

/// Records behind a gap, without a gap among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Island {
    /// The missing record before the first.
    pub prev: Option<Position>,
    /// The first held.
    pub first: Position,
    /// The last held.
    pub last: Position,
}

/// A range with exclusive ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hole {
    after: Option<Position>,
    before: Position,
}

/// What a site says that it lost; inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    first: Option<Position>,
    last: Position,
}

/// One class of one site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    upto: Option<Position>,
    newest: Option<Position>,
    genesis: Option<u32>,
    islands: Vec<Island>,
    told: Vec<Told>,
    told_unknown: bool,
    holes: Vec<Hole>,
    held: u64,
    #[serde(skip)]
    run: Run,
}

impl Chain {
    /// The watermark: nothing is missing up to and including it.
    #[must_use]
    pub const fn upto(&self) -> Option<Position> {
        self.upto
    }

    /// Records behind gaps, oldest first.
    #[must_use]
    pub fn islands(&self) -> &[Island] {
        &self.islands
    }

    /// How many records are held.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// The newest record held.
    #[must_use]
    pub const fn newest(&self) -> Option<Position> {
        self.newest
    }

    /// Takes a record, as far as it can be remembered.
    pub fn take(&mut self, link: Link) -> Taken {
        if self.contradicts(link) {
            return Taken::Renumbered;
        }
        if self.holds(link.position) {
            return Taken::Duplicate;
        }
        let late = self.newest > Some(link.position);
        let gap = match self.place(link) {
            Ok(gap) => gap,
            Err(Full) => return Taken::Refused,
        };
        self.held += 1;
        self.newest = self.newest.max(Some(link.position));
        if link.prev.is_none() {
            self.genesis = Some(link.fingerprint);
        }
        self.absorb();
        Taken::Fresh { late, gap }
    }

    /// The site connected: what it publishes next begins with the oldest record that it still has.
    pub fn expect_head(&mut self) {
        self.run.expect_head();
    }

    /// Follows the order in which records arrive, duplicates too, but nothing that the broker
    /// itself delivers again.
    pub fn follow(&mut self, position: Position) {
        self.run.follow(position);
    }

    /// The site lost records of this class; without `last` nobody knows which.
    pub fn lose(&mut self, first: Option<Position>, last: Option<Position>) {
        match last {
            Some(last) if self.upto >= Some(last) => {}
            Some(last) if self.told.len() < MAX_TOLD => self.told.push(Told { first, last }),
            Some(_) | None => self.told_unknown = true,
        }
    }

    /// Moves the watermark over what is proven not to come. Call until it answers `None`; each
    /// answer is a step over something that is not held.
    pub fn advance(&mut self) -> Option<Skip> {
        let island = *self.islands.first()?;
        let why = self.may_skip(&island)?;
        Some(self.skip(island.prev, island.first, why))
    }

    /// An earlier store of ours committed up to there: the site has released it.
    pub fn adopt(&mut self, upto: Position) -> Option<Skip> {
        if self.upto >= Some(upto) {
            return None;
        }
        let skip = self.skip(Some(upto), upto, Why::EarlierStore);
        self.islands.retain(|island| island.last > upto);
        self.absorb();
        Some(skip)
    }

    /// Repeats a step that was written down, when the store is read again.
    pub fn repeat(&mut self, skip: &Skip) {
        if skip.why == Why::EarlierStore {
            self.adopt(skip.before);
        } else if let Some(island) = self.islands.first().filter(|island| island.first == skip.before) {
            self.skip(island.prev, skip.before, skip.why);
        }
    }

    /// The watermark was once here, so it is: a line in between was damaged later.
    pub fn raise(&mut self, upto: Position) -> Option<Skip> {
        if self.upto >= Some(upto) {
            return None;
        }
        let skip = Skip { after: self.upto, before: upto, why: Why::DamagedHere };
        self.upto = Some(upto);
        self.islands.retain(|island| island.last > upto);
        self.absorb();
        Some(skip)
    }

    /// A first record other than the one that is held, at or below what is held.
    fn contradicts(&self, link: Link) -> bool {
        let known = self.newest.max(self.upto) >= Some(link.position);
        link.prev.is_none() && self.upto.is_some() && known && self.genesis != Some(link.fingerprint)
    }

    fn holds(&self, position: Position) -> bool {
        if self.upto >= Some(position) {
            return !self.holes.iter().any(|hole| hole.holds(position));
        }
        self.islands.iter().any(|island| island.first <= position && position <= island.last)
    }

    /// Answers whether it stands behind a gap of its own.
    fn place(&mut self, link: Link) -> Result<bool, Full> {
        if self.upto >= Some(link.position) {
            self.split_hole(link.position);
            return Ok(false);
        }
        if link.prev.is_some() && link.prev <= self.upto || link.prev.is_none() && self.upto.is_none() {
            self.upto = Some(link.position);
            return Ok(false);
        }
        let gap = match self.islands.iter().position(|island| island.is_continued_by(link)) {
            Some(at) => {
                self.islands[at].last = link.position;
                false
            }
            None if self.islands.len() < MAX_ISLANDS => {
                let at = self.islands.partition_point(|island| island.first < link.position);
                let fresh = Island { prev: link.prev, first: link.position, last: link.position };
                self.islands.insert(at, fresh);
                true
            }
            None => return Err(Full),
        };
        self.join_islands();
        Ok(gap)
    }

    /// An island whose predecessor lies in the island before it continues that one.
    fn join_islands(&mut self) {
        let mut joined: Vec<Island> = Vec::with_capacity(self.islands.len());
        for island in self.islands.drain(..) {
            match joined.last_mut() {
                Some(before) if island.prev.is_some() && island.prev <= Some(before.last) => {
                    before.last = before.last.max(island.last);
                }
                Some(_) | None => joined.push(island),
            }
        }
        self.islands = joined;
    }

    /// Islands that link to the watermark move it.
    fn absorb(&mut self) {
        while let Some(island) = self.islands.first().copied() {
            let links = if self.upto.is_none() { island.prev.is_none() } else { island.prev.is_some() };
            if !links || island.prev > self.upto {
                break;
            }
            self.upto = Some(island.last);
            self.islands.remove(0);
        }
        self.told.retain(|told| Some(told.last) > self.upto);
    }

    fn may_skip(&self, island: &Island) -> Option<Why> {
        if self.islands.iter().any(|island| island.prev.is_none()) {
            return Some(Why::Restarted);
        }
        let missing = island.prev?;
        if self.told.iter().any(|told| told.first <= Some(missing) && missing <= told.last) {
            return Some(Why::Told);
        }
        let agreed = self.run.agreed(island.first);
        if self.told_unknown && agreed >= run::WHEN_TOLD {
            Some(Why::Told)
        } else if self.upto.is_none() && agreed >= run::AT_FIRST_CONTACT {
            Some(Why::Base)
        } else {
            (agreed >= run::WHEN_UNTOLD).then_some(Why::Untold)
        }
    }

    /// What lies between the watermark and `before` is given up; `over` is the last of it.
    fn skip(&mut self, over: Option<Position>, before: Position, why: Why) -> Skip {
        let skip = Skip { after: self.upto, before, why };
        if why != Why::Base && why != Why::EarlierStore {
            if self.holes.len() == MAX_HOLES {
                self.holes.remove(0);
            }
            self.holes.push(Hole { after: self.upto, before });
        }
        self.told_unknown = false;
        self.upto = self.upto.max(over);
        if let (None, Some(island)) = (over, self.islands.first_mut()) {
            island.prev = self.upto;
        }
        self.absorb();
        skip
    }

    fn split_hole(&mut self, position: Position) {
        let Some(at) = self.holes.iter().position(|hole| hole.holds(position)) else { return };
        let hole = self.holes[at];
        self.holes[at].before = position;
        if self.holes.len() < MAX_HOLES {
            self.holes.push(Hole { after: Some(position), before: hole.before });
        }
    }
}

impl Island {
    fn is_continued_by(&self, link: Link) -> bool {
        (Some(self.first)..=Some(self.last)).contains(&link.prev) && self.last < link.position
    }
}

impl Hole {
    fn holds(&self, position: Position) -> bool {
        self.after < Some(position) && position < self.before
    }
}

/// There is no room for another island.
struct Full;

#[cfg(test)]
mod tests;
