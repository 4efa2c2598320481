//! One durable class: on its way into the store, in the store, in flight, waiting for the watermark.
//!
//! ```text
//!            oldest                                                        newest
//!   released | cursor (published)    window end          frontier (durable) |
//!  -----+----+-----------+--------------+------------------------+----------+
//!  gone | await watermark|   in RAM     |   only in the store    |  intake  |
//!       |   (flights)    |   (window)   |   (read on demand)     |          |
//! ```
//! It decides what is next; whether it may go is the outbox's business.

use noc_messages::{Class, Position};
use serde::{Deserialize, Serialize};

use crate::StoredRecord;
use crate::compose;
use crate::config::RecoveredClass;
use crate::extent::Extent;
use crate::flights::Flights;
use crate::intake::Intake;
use crate::window::Window;

/// What a class would do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    Publish(StoredRecord),
    /// Its next records are only in the store.
    Read {
        after: Option<Position>,
    },
    Nothing,
}

/// A few records from the watermark on, sent again to find out whether the collector lost them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Probe {
    left: usize,
    resume: Option<Position>,
}

/// Records that the store held and holds no more, up to and including `last`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Missing {
    pub(crate) count: u64,
    pub(crate) last: Option<Position>,
}

/// See the map on top of this file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shelf {
    class: Class,
    pub(crate) intake: Intake,
    /// What the store holds, as far as it has said so.
    held: Extent,
    pub(crate) oldest: Option<Position>,
    pub(crate) newest: Option<Position>,
    frontier: Option<Position>,
    window: Window,
    cursor: Option<Position>,
    pub(crate) released: Option<Position>,
    flights: Flights,
    probe: Option<Probe>,
    /// The collector's own word, whatever was released here.
    pub(crate) confirmed: Option<Position>,
    /// Everything up to here was said to be gone, because the collector waits for it in vain.
    given_up: Option<Position>,
    /// What the store was asked to read after, until it answers.
    reading: Option<Option<Position>>,
    /// The last answer brought nothing while deletions were under way: asking again before the store
    /// has moved would only ask again.
    dry: bool,
    deleting: u32,
    must_delete: bool,
    evicting: Extent,
}

impl Shelf {
    pub(crate) fn new(class: Class, recovered: RecoveredClass) -> Self {
        let held = Extent::new(recovered.records, recovered.bytes);
        // An empty shelf needs no reading: all that it ever had is gone.
        let gone = if held.records == 0 { recovered.newest } else { None };
        let mut window = Window::default();
        window.restart(gone);
        Self {
            class,
            intake: Intake::default(),
            held,
            oldest: recovered.oldest,
            newest: recovered.newest,
            frontier: recovered.newest,
            window,
            cursor: gone,
            released: gone,
            flights: Flights::default(),
            probe: None,
            confirmed: None,
            given_up: None,
            reading: None,
            dry: false,
            deleting: 0,
            must_delete: false,
            evicting: Extent::default(),
        }
    }

    /// Stored or on its way; what is being evicted counts as gone.
    pub(crate) const fn usage(&self) -> Extent {
        self.held.less(self.evicting).plus(self.intake.extent())
    }

    pub(crate) const fn held(&self) -> Extent {
        self.held
    }

    // ---- the store's answers ----

    /// Everything durable at the front of the intake moves on.
    pub(crate) fn advance_frontier(&mut self, connected: bool) {
        while let Some(record) = self.intake.pop_stored() {
            let place = Some(record.position);
            self.dry = false;
            self.held = self.held.plus(Extent::of(&record));
            self.oldest = self.oldest.or(place);
            // A retried append can come behind the release, or the eviction, of what follows it.
            self.must_delete |= place <= self.released;
            let gapless = self.window.end() >= self.frontier && self.window.end() < place;
            self.frontier = place;
            if connected && gapless && self.window.has_room_for(&record) {
                self.window.push(record);
            }
        }
    }

    /// An answer to a read. `Some`: records are missing that nobody deleted.
    pub(crate) fn loaded(&mut self, after: Option<Position>, records: Vec<StoredRecord>) -> Option<Missing> {
        // An answer from before a rewind begins too late.
        self.reading.take_if(|asked| *asked == after)?;
        let missing = self.missing_before(records.first());
        let reached = records.iter().any(|r| Some(r.position) <= self.frontier);
        for record in records {
            // What is readable and not yet durable comes through the intake.
            if Some(record.position) <= self.frontier && Some(record.position) > self.window.end() {
                self.window.push(record);
            }
        }
        if !reached && self.is_settled() {
            // Nothing is left between the window and the frontier.
            self.window.restart(self.frontier);
        }
        self.dry = !reached;
        missing
    }

    /// What should lie before the first record of an answer (or at all, if there is none).
    fn missing_before(&mut self, first: Option<&StoredRecord>) -> Option<Missing> {
        if !self.is_settled() || !self.is_behind() {
            return None;
        }
        let Some(first) = first else {
            self.oldest = None;
            let count = core::mem::take(&mut self.held).records;
            return Some(Missing { count, last: self.frontier });
        };
        let prev = compose::prev_of(first);
        let expected = match self.window.end() {
            Some(end) => prev <= Some(end),
            None => Some(first.position) == self.oldest,
        };
        // How many these were, only the store knew.
        (!expected).then_some(Missing { count: 0, last: prev })
    }

    pub(crate) fn deleted(&mut self, gone: Extent, oldest: Option<Position>) {
        self.deleting = self.deleting.saturating_sub(1);
        self.gone_from_store(gone, oldest);
    }

    pub(crate) fn evicted(&mut self, gone: Extent, last: Option<Position>, oldest: Option<Position>) {
        self.evicting = Extent::default();
        self.gone_from_store(gone, oldest);
        self.skip(last);
        self.intake.release(last);
    }

    fn gone_from_store(&mut self, gone: Extent, oldest: Option<Position>) {
        self.oldest = oldest;
        self.dry = false;
        // An empty store is the truth, whatever damage it hides.
        self.held = if oldest.is_none() { Extent::default() } else { self.held.less(gone) };
    }

    /// The store is out of order: what it was asked for must be asked for again.
    pub(crate) fn store_failed(&mut self) {
        self.reading = None;
        self.evicting = Extent::default();
        // Which of several deletions failed is not known: one up to the newest release covers all.
        self.deleting = 0;
        self.must_delete = self.released.is_some() && self.may_be_in_store();
    }

    // ---- making room ----

    /// Deletions on their way may make an eviction needless.
    pub(crate) const fn is_settled(&self) -> bool {
        self.deleting == 0 && self.evicting.is_nothing()
    }

    /// As much of this as the store holds.
    pub(crate) fn evict(&mut self, wanted: Extent) -> Extent {
        self.evicting = wanted.at_most(self.held);
        self.evicting
    }

    // ---- releasing ----

    /// The collector, or the broker where that is enough, has everything up to here.
    pub(crate) fn release(&mut self, upto: Position) -> bool {
        if Some(upto) <= self.released {
            return false;
        }
        self.skip(Some(upto));
        self.intake.release(Some(upto));
        self.must_delete = self.may_be_in_store();
        true
    }

    fn may_be_in_store(&self) -> bool {
        self.held.records > 0 || self.intake.reaches_into_store()
    }

    /// The deletion to ask the store for.
    pub(crate) fn take_deletion(&mut self) -> Option<Position> {
        if !core::mem::take(&mut self.must_delete) {
            return None;
        }
        self.deleting += 1;
        self.released
    }

    fn skip(&mut self, upto: Option<Position>) {
        self.released = self.released.max(upto);
        self.cursor = self.cursor.max(upto);
        self.window.skip(upto);
    }

    // ---- publishing ----

    /// Publishing begins again behind what was released.
    pub(crate) fn rewind(&mut self) {
        self.probe = None;
        self.go_to(self.released);
    }

    /// A session began or ended: what was in flight is forgotten by the port.
    pub(crate) fn forget_flights(&mut self) {
        self.flights.forget();
        self.rewind();
    }

    /// Sends a few records from the watermark on once more.
    pub(crate) fn begin_probe(&mut self) {
        self.probe = Some(Probe { left: crate::WINDOW, resume: self.cursor });
        self.go_to(self.released);
    }

    /// The collector confirmed this much.
    pub(crate) fn confirm(&mut self, upto: Position) -> bool {
        self.confirmed = self.confirmed.max(Some(upto));
        self.release(upto)
    }

    /// The place up to which the collector waits for records that are not here: they were evicted
    /// or never became durable before the power went, and nobody was left to tell. `patient`: it has
    /// had long enough to confirm a chain that begins here.
    pub(crate) fn take_gap(&mut self, patient: bool) -> Option<Position> {
        let head = self.window.front().filter(|_| self.cursor == self.released)?;
        let prev = compose::prev_of(head);
        let waits = prev > self.confirmed || (patient && self.confirmed.is_none());
        let before = place_before(head.position);
        if !waits || Some(before) <= self.given_up {
            return None;
        }
        self.given_up = Some(before);
        Some(before)
    }

    /// Returns to where the probe began, once it is out and acknowledged.
    pub(crate) fn finish_probe(&mut self) {
        if let Some(Probe { left, resume }) = self.probe {
            if self.flights.is_empty() && (left == 0 || self.cursor >= resume) {
                self.probe = None;
                self.go_to(self.cursor.max(resume));
            }
        }
    }

    pub(crate) fn awaits_watermark(&self) -> bool {
        self.cursor > self.released
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        !self.flights.is_empty()
    }

    pub(crate) fn acknowledge(&mut self, position: Position) -> Option<Position> {
        self.flights.acknowledge(position)
    }

    /// What comes next, `failing` being the state of the store: then a record goes out undurable,
    /// for it is better told than kept.
    pub(crate) fn next(&mut self, failing: bool) -> Next {
        if !self.flights.has_room() || self.probe.is_some_and(|p| p.left == 0) {
            return Next::Nothing;
        }
        let may_read = self.reading.is_none() && !self.dry && !failing;
        if may_read && self.window.is_low() && self.is_behind() {
            let after = self.window.end();
            self.reading = Some(after);
            return Next::Read { after };
        }
        match self.window.front() {
            Some(record) if self.flights.holds(record.position) => return Next::Nothing,
            Some(_) => {}
            None if failing => return self.next_undurable(),
            None => return Next::Nothing,
        }
        self.window.pop().map_or(Next::Nothing, |record| self.take_off(record))
    }

    fn next_undurable(&mut self) -> Next {
        let behind = self.window.end().max(self.frontier);
        let Some(record) = self.intake.after(behind).cloned() else { return Next::Nothing };
        if self.flights.holds(record.position) {
            return Next::Nothing;
        }
        self.window.restart(Some(record.position));
        self.take_off(record)
    }

    fn take_off(&mut self, record: StoredRecord) -> Next {
        self.cursor = Some(record.position);
        self.flights.push(record.position);
        if let Some(probe) = &mut self.probe {
            probe.left -= 1;
        }
        Next::Publish(record)
    }

    /// The store holds records that the window does not reach yet.
    fn is_behind(&self) -> bool {
        self.held.records > 0 && self.window.end() < self.frontier
    }

    fn go_to(&mut self, place: Option<Position>) {
        self.cursor = place;
        self.window.restart(place);
        self.reading = None;
        self.dry = false;
    }

    pub(crate) const fn class(&self) -> Class {
        self.class
    }
}

const fn place_before(place: Position) -> Position {
    match place.seq {
        0 | 1 => Position { boot: place.boot.saturating_sub(1), seq: u64::MAX },
        seq => Position { boot: place.boot, seq: seq - 1 },
    }
}
