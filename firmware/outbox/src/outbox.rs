//! The machine: records in, store requests and publications out.
//!
//! Every verb changes one thing and then settles: room is made, losses are told, the store is
//! asked, and as much is published as session and window allow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hal::{Now, Tick};
use noc_messages::{Body, Class, Position, Record, StateDocument, Watermark};
use serde::{Deserialize, Serialize};

use crate::losses::Losses;
use crate::metrics::Metrics;
use crate::shelf::Shelf;
use crate::stall::Stall;
use crate::state_slot::StateSlot;
use crate::store_health::StoreHealth;
use crate::{
    Action, ClassStatus, OutboxConfig, OutboxStatus, Recovered, SessionReport, StoreReport, Tag, compose,
};

/// See the crate's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    pub(crate) config: OutboxConfig,
    pub(crate) boot: u32,
    next_seq: u64,
    pub(crate) shelves: BTreeMap<Class, Shelf>,
    pub(crate) metrics: Metrics,
    pub(crate) state: StateSlot,
    pub(crate) losses: Losses,
    /// Number of the connection, while there is one.
    pub(crate) session: Option<u32>,
    pub(crate) in_flight: BTreeSet<Tag>,
    pub(crate) store: StoreHealth,
    pub(crate) stall: Stall,
    /// A collector has spoken: one that understands losses waits for nothing that was told lost.
    pub(crate) collector_heard: bool,
    /// PUBACKs release in batches: a deletion per record would wear the flash.
    pub(crate) release_at: Option<Tick>,
    pub(crate) nearly_full: bool,
    pub(crate) evicted: u64,
    watermarks_ahead: u64,
    pub(crate) oversized: u64,
    pub(crate) actions: VecDeque<Action>,
}

impl Outbox {
    /// A machine over what the store held; `seed` is its only entropy.
    #[must_use]
    pub fn new(config: OutboxConfig, recovered: Recovered, seed: u64, now: Now) -> Self {
        let Recovered { boot, classes, damage } = recovered;
        let shelf_of = |class| (class, Shelf::new(class, classes.get(&class).copied().unwrap_or_default()));
        let mut outbox = Self {
            boot,
            next_seq: 1,
            shelves: Class::DURABLE.into_iter().map(shelf_of).collect(),
            metrics: Metrics::new(config.metrics),
            state: StateSlot::default(),
            losses: Losses::default(),
            session: None,
            in_flight: BTreeSet::new(),
            store: StoreHealth::new(seed),
            stall: Stall::new(seed.rotate_left(32)),
            collector_heard: false,
            release_at: None,
            nearly_full: false,
            evicted: 0,
            watermarks_ahead: 0,
            oversized: 0,
            actions: VecDeque::new(),
            config,
        };
        if let Some(what) = damage {
            outbox.lose_by_damage(&what);
        }
        outbox.settle(now);
        outbox
    }

    /// Numbers a record and takes charge of it. It is durable once the store says `Stored`.
    pub fn record(&mut self, class: Class, body: Body, now: Now) -> Position {
        let position = self.take_in(class, body, now);
        self.settle(now);
        position
    }

    /// Takes the latest truth for the retained document.
    pub fn set_state(&mut self, document: StateDocument, now: Now) {
        self.state.set(document);
        self.settle(now);
    }

    /// The store answered.
    pub fn handle_store(&mut self, report: StoreReport, now: Now) {
        self.take_store(report, now);
        self.settle(now);
    }

    /// The session began, ended, or a PUBACK came.
    pub fn handle_session(&mut self, report: SessionReport, now: Now) {
        match report {
            SessionReport::Connected { session } => self.restart_session(Some(session)),
            SessionReport::Lost => self.restart_session(None),
            SessionReport::Acknowledged(tag) => self.acknowledged(tag, now),
        }
        self.settle(now);
    }

    /// The collector has committed.
    pub fn handle_watermark(&mut self, watermark: &Watermark, now: Now) {
        let next = Position { boot: self.boot, seq: self.next_seq };
        let mut moved = false;
        for (class, upto) in &watermark.upto {
            if *upto >= next {
                self.watermarks_ahead += 1;
                continue;
            }
            moved |= self.confirm(*class, *upto);
        }
        self.collector_heard = true;
        if moved && self.stall.moved() {
            self.shelves.values_mut().for_each(Shelf::rewind);
        }
        self.settle(now);
    }

    /// A deadline has come (or not: it is harmless).
    pub fn handle_timeout(&mut self, now: Now) {
        self.retry_store(now.tick);
        let in_flight = self.shelves.values().any(Shelf::is_in_flight);
        if self.stall.is_ripe(in_flight, now.tick) {
            self.shelves.values_mut().for_each(Shelf::begin_probe);
        }
        self.settle(now);
    }

    /// The next thing to do, until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let state = if self.may_publish() { self.state.due() } else { None };
        let all = [self.store.deadline(), self.stall.deadline(), self.losses.due(), self.release_at, state];
        all.into_iter().flatten().min()
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> OutboxStatus {
        let classes: BTreeMap<Class, ClassStatus> =
            self.shelves.values().map(|shelf| (shelf.class(), class_status(shelf))).collect();
        OutboxStatus {
            records: classes.values().map(|c| c.records).sum(),
            bytes: classes.values().map(|c| c.bytes).sum(),
            oldest: classes.values().filter_map(|c| c.oldest).min(),
            not_durable: self.shelves.values().map(|s| s.intake.extent().records).sum(),
            classes,
            in_flight: self.in_flight.len() as u64,
            evicted: self.evicted,
            untold: self.losses.untold(),
            metrics_waiting: self.metrics.waiting() as u64,
            metrics_dropped: self.metrics.dropped,
            store_failing: self.store.is_failing(),
            store_failure: self.store.last_failure.clone(),
            watermarks_ahead: self.watermarks_ahead,
            oversized: self.oversized,
            repeats: self.stall.repeats,
        }
    }

    pub(crate) fn take_in(&mut self, class: Class, body: Body, now: Now) -> Position {
        let position = Position { boot: self.boot, seq: self.next_seq };
        self.next_seq += 1;
        let prev = self.newest(class).replace(position);
        let site = self.config.site.clone();
        let (record, oversized) =
            compose::compose(Record { site, position, prev, class, at: now.into(), body });
        self.oversized += u64::from(oversized);
        match self.shelves.get_mut(&class) {
            Some(shelf) => shelf.intake.push(record),
            None => self.metrics.push(record),
        }
        position
    }

    fn newest(&mut self, class: Class) -> &mut Option<Position> {
        match self.shelves.get_mut(&class) {
            Some(shelf) => &mut shelf.newest,
            None => &mut self.metrics.newest,
        }
    }

    fn restart_session(&mut self, session: Option<u32>) {
        self.session = session;
        self.in_flight.clear();
        self.metrics.rewind();
        self.state.rewind();
        self.stall.restart();
        self.shelves.values_mut().for_each(Shelf::forget_flights);
    }

    fn acknowledged(&mut self, tag: Tag, now: Now) {
        if !self.in_flight.remove(&tag) {
            return;
        }
        let Tag::Record(position) = tag else { return };
        self.metrics.acknowledge(position);
        for class in Class::DURABLE {
            let Some(shelf) = self.shelves.get_mut(&class) else { continue };
            let upto = shelf.acknowledge(position);
            if let (Some(upto), true) = (upto, self.config.release_on_puback) {
                shelf.release(upto);
                self.release_at = self.release_at.or(Some(now.tick + crate::RELEASE_AT_MOST_EVERY));
            }
        }
    }

    fn confirm(&mut self, class: Class, upto: Position) -> bool {
        if class == Class::State {
            self.losses.released(upto);
        }
        self.shelves.get_mut(&class).is_some_and(|shelf| shelf.confirm(upto))
    }
}

fn class_status(shelf: &Shelf) -> ClassStatus {
    let waiting = shelf.held().plus(shelf.intake.extent());
    ClassStatus {
        records: waiting.records,
        bytes: waiting.bytes,
        oldest: shelf.oldest,
        newest: shelf.newest,
        released: shelf.released,
    }
}
