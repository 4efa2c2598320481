//! What follows every change: room, losses, the store's work, publications.

use core::time::Duration;

use hal::{Now, Tick};
use noc_messages::{Body, Class, LossBody, Position, topics};

use crate::extent::Extent;
use crate::shelf::{Next, Shelf};
use crate::space::{Usage, evictions};
use crate::{Action, Notice, Outbox, Publish, StoreReport, StoreRequest, StoredRecord, Tag, compose};

/// Records that the store has not confirmed are kept in RAM: at most so many, of all classes...
pub(crate) const MAX_UNDURABLE: Extent = Extent::new(2048, 1024 * 1024);
/// ...of which the store is given at most so many at a time per class; only what it was not given
/// can be given up when the rest does not fit.
const MAX_ASKED: usize = 512;
/// Records of one append.
const APPEND: usize = 64;
/// Records of one read: two of them fill a window.
pub(crate) const READ: u16 = 128;
/// The spool is nearly full above this share of a bound, per cent...
const NEARLY_FULL: u64 = 80;
/// ...until it falls below this one.
const ROOMY: u64 = 60;
/// So many windows are repeated before a collector that never confirmed anything of a class is
/// taken to wait for a beginning that is gone.
const PATIENCE: u32 = 3;
/// With release by PUBACK, deletions are gathered for so long.
pub(crate) const RELEASE_AT_MOST_EVERY: Duration = Duration::from_secs(1);

impl Outbox {
    pub(crate) fn settle(&mut self, now: Now) {
        self.keep_ram_bounded();
        self.advance_frontiers();
        self.tell_losses(now);
        self.make_room();
        self.delete_released(now.tick);
        self.append(now.tick);
        self.publish(now);
        self.warn_if_nearly_full();
        let awaiting = self.session.is_some()
            && !self.config.release_on_puback
            && self.shelves.values().any(Shelf::awaits_watermark);
        self.stall.watch(awaiting, now.tick);
    }

    // ---- the store ----

    pub(crate) fn take_store(&mut self, report: StoreReport, now: Now) {
        match report {
            StoreReport::Failed { positions, why } => return self.store_refused(&positions, why, now.tick),
            StoreReport::Stored(positions) => self.stored(&positions),
            StoreReport::Read { class, after, records } => self.loaded(class, after, records),
            StoreReport::Deleted { class, records, bytes, oldest } => {
                if let Some(shelf) = self.shelves.get_mut(&class) {
                    shelf.deleted(Extent::new(records, bytes), oldest);
                }
            }
            StoreReport::Evicted { class, records, bytes, range, oldest } => {
                self.evicted_by_store(class, Extent::new(records, bytes), range, oldest);
            }
        }
        let more = self.shelves.values().any(|s| s.intake.asked() > 0);
        if self.store.answered(more, now.tick) {
            self.actions.push_back(Action::Tell(Notice::StoreFailing(false)));
            // Records that went out undurable may have overtaken others that only the store had.
            self.shelves.values_mut().for_each(Shelf::rewind);
        }
    }

    fn stored(&mut self, positions: &[Position]) {
        for shelf in self.shelves.values_mut() {
            positions.iter().for_each(|position| shelf.intake.stored(*position));
        }
    }

    fn advance_frontiers(&mut self) {
        let connected = self.session.is_some();
        self.shelves.values_mut().for_each(|shelf| shelf.advance_frontier(connected));
    }

    fn loaded(&mut self, class: Class, after: Option<Position>, records: Vec<StoredRecord>) {
        let Some(shelf) = self.shelves.get_mut(&class) else { return };
        if let Some(missing) = shelf.loaded(after, records) {
            self.evicted += missing.count;
            self.losses.add(&loss(class, missing.count, None, missing.last, "damaged"));
        }
    }

    fn evicted_by_store(
        &mut self,
        class: Class,
        gone: Extent,
        range: Option<(Position, Position)>,
        oldest: Option<Position>,
    ) {
        let Some(shelf) = self.shelves.get_mut(&class) else { return };
        // Evictions go from the oldest on, so all that the collector has not confirmed before this
        // is gone, also what an earlier start evicted and was killed before it could tell.
        let first = shelf.confirmed.map(|p| Position { seq: p.seq.saturating_add(1), ..p });
        shelf.evicted(gone, range.map(|r| r.1), oldest);
        if let Some((_, last)) = range {
            self.lost(class, gone.records, first, last);
        }
    }

    fn store_refused(&mut self, positions: &[Position], why: String, now: Tick) {
        for shelf in self.shelves.values_mut() {
            let released = shelf.released;
            positions.iter().for_each(|position| shelf.intake.failed(*position, released));
            shelf.store_failed();
        }
        if self.store.refused(why, now) {
            self.actions.push_back(Action::Tell(Notice::StoreFailing(true)));
        }
    }

    pub(crate) fn retry_store(&mut self, now: Tick) {
        if self.store.is_overdue(now) && self.store.refused("no answer for 10 s".to_owned(), now) {
            self.actions.push_back(Action::Tell(Notice::StoreFailing(true)));
        }
        if self.store.take_retry(now) {
            if !self.ask_to_append() {
                // Any answer tells that it works again.
                let probe = StoreRequest::Read { class: Class::State, after: None, limit: 1 };
                self.actions.push_back(Action::Store(probe));
            }
            self.store.asked(now);
        }
    }

    fn append(&mut self, now: Tick) {
        if !self.store.is_failing() && self.ask_to_append() {
            self.store.asked(now);
        }
    }

    fn ask_to_append(&mut self) -> bool {
        let mut asked = false;
        for shelf in self.shelves.values_mut() {
            loop {
                let room = MAX_ASKED.saturating_sub(shelf.intake.asked()).min(APPEND);
                let records = shelf.intake.ask(room);
                if records.is_empty() {
                    break;
                }
                asked = true;
                let sync = shelf.class() != Class::State;
                self.actions.push_back(Action::Store(StoreRequest::Append { records, sync }));
            }
        }
        asked
    }

    fn delete_released(&mut self, now: Tick) {
        if self.release_at.is_some_and(|at| at > now) {
            return;
        }
        self.release_at = None;
        if self.store.is_failing() {
            return;
        }
        for shelf in self.shelves.values_mut() {
            if let Some(upto) = shelf.take_deletion() {
                let class = shelf.class();
                self.actions.push_back(Action::Store(StoreRequest::Delete { class, upto }));
            }
        }
    }

    // ---- room and losses ----

    fn make_room(&mut self) {
        if self.store.is_failing() || !self.shelves.values().all(Shelf::is_settled) {
            return;
        }
        for (class, wanted) in evictions(self.usage(), self.bound()) {
            let Some(shelf) = self.shelves.get_mut(&class) else { continue };
            let Extent { records, bytes } = shelf.evict(wanted);
            if records > 0 {
                self.actions.push_back(Action::Store(StoreRequest::Evict { class, records, bytes }));
            }
        }
    }

    fn keep_ram_bounded(&mut self) {
        let undurable = |shelf: &Shelf| shelf.intake.extent();
        while !self.shelves.values().map(undurable).fold(Extent::default(), Extent::plus).fits(MAX_UNDURABLE)
        {
            let lowest = [Class::Audit, Class::State, Class::Signal]
                .into_iter()
                .find_map(|class| Some((class, self.shelves.get_mut(&class)?.intake.drop_oldest_waiting()?)));
            let Some((class, record)) = lowest else { break };
            self.lost(class, 1, Some(record.position), record.position);
        }
    }

    fn lost(&mut self, class: Class, count: u64, first: Option<Position>, last: Position) {
        self.evicted += count;
        self.losses.add(&loss(class, count, first, Some(last), "full"));
        if class == Class::State {
            self.losses.untell(first, last);
        }
    }

    fn tell_losses(&mut self, now: Now) {
        for body in self.losses.take(now.tick) {
            let notice = Notice::Evicted { class: body.class, count: body.count };
            self.actions.push_back(Action::Tell(notice));
            let at = self.take_in(Class::State, Body::Loss(body.clone()), now);
            self.losses.told(at, &body);
        }
    }

    /// While the watermark does not move: does the collector wait for what nobody has?
    fn give_up_gaps(&mut self) {
        let Some(probes) = self.stall.probes().filter(|_| self.collector_heard) else { return };
        for shelf in self.shelves.values_mut() {
            if let Some(last) = shelf.take_gap(probes >= PATIENCE) {
                self.losses.add(&loss(shelf.class(), 0, None, Some(last), "missing"));
            }
        }
    }

    /// The store was found damaged: nobody knows which records are missing, only up to where.
    pub(crate) fn lose_by_damage(&mut self, what: &str) {
        let why = format!("damaged: {what}");
        for class in Class::DURABLE {
            let last = self.shelves.get(&class).and_then(|shelf| shelf.newest);
            if last.is_some() || class == Class::State {
                self.losses.add(&loss(class, 0, None, last, &why));
            }
        }
    }

    fn warn_if_nearly_full(&mut self) {
        let total = self.usage().total();
        let nearly_full = if self.nearly_full {
            !total.fits(self.bound().per_cent(ROOMY))
        } else {
            !total.fits(self.bound().per_cent(NEARLY_FULL))
        };
        if nearly_full != self.nearly_full {
            self.nearly_full = nearly_full;
            self.actions.push_back(Action::Tell(Notice::NearlyFull(nearly_full)));
        }
    }

    fn usage(&self) -> Usage {
        let of = |class| self.shelves.get(&class).map(Shelf::usage).unwrap_or_default();
        Usage { signal: of(Class::Signal), state: of(Class::State), audit: of(Class::Audit) }
    }

    const fn bound(&self) -> Extent {
        Extent::new(self.config.records, self.config.bytes)
    }

    // ---- publishing ----

    pub(crate) fn may_publish(&self) -> bool {
        self.session.is_some() && self.in_flight.len() < crate::WINDOW
    }

    fn publish(&mut self, now: Now) {
        if self.session.is_none() {
            return;
        }
        self.shelves.values_mut().for_each(Shelf::finish_probe);
        self.give_up_gaps();
        if self.may_publish() {
            self.publish_state(now);
        }
        while self.may_publish() && self.publish_next(now) {}
    }

    fn publish_state(&mut self, now: Now) {
        let Some(document) = self.state.take(now.tick) else { return };
        let payload = serde_json::to_string(document).expect("a document has only string keys");
        let tag = Tag::State(document.generation);
        if payload.len() > compose::MAX_JSON {
            self.oversized += 1;
            return;
        }
        let topic = topics::state(&self.config.site);
        self.hand_out(Publish { tag, topic, payload, retain: true });
    }

    /// The oldest of the most precious class that has something to say.
    fn publish_next(&mut self, now: Now) -> bool {
        let failing = self.store.is_failing();
        for shelf in self.shelves.values_mut() {
            let class = shelf.class();
            match shelf.next(failing) {
                Next::Publish(record) => {
                    self.publish_record(&record, now);
                    return true;
                }
                Next::Read { after } => {
                    let read = StoreRequest::Read { class, after, limit: READ };
                    self.actions.push_back(Action::Store(read));
                    // The window may still hold records; the read only comes in time.
                    if let Next::Publish(record) = shelf.next(failing) {
                        self.publish_record(&record, now);
                        return true;
                    }
                }
                Next::Nothing => {}
            }
        }
        self.metrics.next().is_some_and(|record| {
            self.publish_record(&record, now);
            true
        })
    }

    fn publish_record(&mut self, record: &StoredRecord, now: Now) {
        self.hand_out(Publish {
            tag: Tag::Record(record.position),
            topic: topics::records(&self.config.site, record.class),
            payload: compose::payload(record, self.boot, now),
            retain: false,
        });
    }

    fn hand_out(&mut self, publish: Publish) {
        self.in_flight.insert(publish.tag);
        self.actions.push_back(Action::Publish(publish));
    }
}

fn loss(class: Class, count: u64, first: Option<Position>, last: Option<Position>, why: &str) -> LossBody {
    LossBody { class, count, first, last, why: why.to_owned() }
}
