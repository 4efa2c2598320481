//! A box, its flash, a broker and a collector, small enough to fail in every way on purpose.
//!
//! The flash executes requests in order and may lose what it was not asked to sync; the broker
//! takes publications in order and may forget them; the collector keeps a record for ever once it
//! has committed it, and says how far nothing is missing.

// Each test binary uses its own part of it.
#![allow(dead_code)]

mod collector;
mod flash;

use std::collections::VecDeque;

use hal::{Now, Tick};
use noc_messages::{Body, CardBody, Class, Position};
use outbox::{Action, Notice, Outbox, OutboxConfig, Publish, SessionReport, StoreReport, Tag, WINDOW};

pub use collector::Collector;
pub use flash::Flash;

/// The whole chain.
pub struct World {
    pub outbox: Outbox,
    pub config: OutboxConfig,
    pub now: Tick,
    pub flash: Flash,
    /// Published, not taken by the broker.
    pub wire: VecDeque<Publish>,
    /// Taken and acknowledged by the broker, not delivered.
    pub broker: VecDeque<Publish>,
    /// PUBACKs on their way back.
    pub acks: VecDeque<Tag>,
    pub unacknowledged: usize,
    pub collector: Collector,
    pub connected: bool,
    pub notices: Vec<Notice>,
    /// Durable records that were handed over, and those that the flash confirmed.
    pub made: Vec<(Class, Position)>,
    pub confirmed: Vec<Position>,
    pub published: Vec<Publish>,
    sessions: u32,
    seed: u64,
}

pub fn config(records: u64) -> OutboxConfig {
    let site = "clinic-017".parse().unwrap();
    OutboxConfig { site, records, bytes: records * 4096, metrics: 16, release_on_puback: false }
}

impl World {
    pub fn new(config: OutboxConfig) -> Self {
        let mut flash = Flash::default();
        let recovered = flash.open();
        let outbox = Outbox::new(config.clone(), recovered, 7, Now::at(Tick(1)));
        let mut world = Self {
            outbox,
            config,
            now: Tick(1),
            flash,
            wire: VecDeque::new(),
            broker: VecDeque::new(),
            acks: VecDeque::new(),
            unacknowledged: 0,
            collector: Collector::default(),
            connected: false,
            notices: Vec::new(),
            made: Vec::new(),
            confirmed: Vec::new(),
            published: Vec::new(),
            sessions: 0,
            seed: 7,
        };
        world.drain();
        world
    }

    pub fn now(&self) -> Now {
        Now::at(self.now)
    }

    pub fn record(&mut self, class: Class, size: usize) -> Position {
        let body = Body::Card(CardBody { to: "ready".to_owned(), detail: "x".repeat(size) });
        let position = self.outbox.record(class, body, self.now());
        if class != Class::Metric {
            self.made.push((class, position));
        }
        self.drain();
        position
    }

    /// Carries out what the machine wants, checking its promises.
    pub fn drain(&mut self) {
        while let Some(action) = self.outbox.poll_action() {
            match action {
                Action::Store(request) => self.flash.ask(request),
                Action::Tell(notice) => self.notices.push(notice),
                Action::Publish(publish) => {
                    assert!(self.connected, "published without a session");
                    self.unacknowledged += 1;
                    assert!(self.unacknowledged <= WINDOW, "more in flight than the window");
                    self.published.push(publish.clone());
                    self.wire.push_back(publish);
                }
            }
        }
    }

    /// The flash answers up to so many requests.
    pub fn store(&mut self, requests: usize) {
        for done in 0..requests {
            assert!(done < 20_000, "the store is asked without end: {:?}", self.outbox.status());
            let Some(reports) = self.flash.execute() else { return };
            reports.into_iter().for_each(|report| self.tell(report));
        }
    }

    pub fn sync(&mut self) {
        self.flash.sync().into_iter().for_each(|report| self.tell(report));
    }

    fn tell(&mut self, report: StoreReport) {
        if let StoreReport::Stored(positions) = &report {
            self.confirmed.extend(positions);
        }
        self.outbox.handle_store(report, self.now());
        self.drain();
    }

    pub fn connect(&mut self) {
        self.forget_connection();
        self.connected = true;
        self.sessions += 1;
        let report = SessionReport::Connected { session: self.sessions };
        self.outbox.handle_session(report, self.now());
        self.drain();
    }

    pub fn disconnect(&mut self) {
        self.forget_connection();
        self.outbox.handle_session(SessionReport::Lost, self.now());
        self.drain();
    }

    fn forget_connection(&mut self) {
        self.connected = false;
        self.unacknowledged = 0;
        self.wire.clear();
        self.acks.clear();
    }

    /// The broker takes up to so many publications and acknowledges them.
    pub fn take(&mut self, count: usize) {
        for _ in 0..count {
            let Some(publish) = self.wire.pop_front() else { return };
            self.acks.push_back(publish.tag);
            self.broker.push_back(publish);
        }
    }

    pub fn acknowledge(&mut self, count: usize) {
        for _ in 0..count {
            let Some(tag) = self.acks.pop_front() else { return };
            self.unacknowledged -= 1;
            self.outbox.handle_session(SessionReport::Acknowledged(tag), self.now());
            self.drain();
        }
    }

    /// The collector receives up to so many.
    pub fn deliver(&mut self, count: usize) {
        for _ in 0..count {
            let Some(publish) = self.broker.pop_front() else { return };
            self.collector.receive(&publish);
        }
    }

    /// The collector commits and its word arrives.
    pub fn confirm(&mut self) {
        self.collector.commit();
        if self.connected {
            let watermark = self.collector.watermark();
            self.outbox.handle_watermark(&watermark, self.now());
            self.drain();
        }
    }

    pub fn pass(&mut self, ms: u64) {
        self.now = Tick(self.now.0 + ms);
        self.outbox.handle_timeout(self.now());
        self.drain();
        if let Some(at) = self.outbox.poll_timeout() {
            assert!(at > self.now, "a deadline in the past after a drain: {at} at {}", self.now);
        }
    }

    /// The daemon dies and starts again; `power_cut`: so does the box.
    pub fn restart(&mut self, power_cut: bool) {
        self.forget_connection();
        if power_cut {
            self.flash.cut_power();
        } else {
            while self.flash.execute().is_some() {}
        }
        let recovered = self.flash.open();
        self.seed += 1;
        self.now = Tick(self.now.0 + 1_000);
        self.outbox = Outbox::new(self.config.clone(), recovered, self.seed, self.now());
        self.drain();
    }

    /// Everything works again until nothing moves.
    pub fn settle(&mut self) {
        self.flash.heal();
        if !self.connected {
            self.connect();
        }
        for _ in 0..400 {
            for _ in 0..20 {
                self.store(usize::MAX);
                self.sync();
                self.take(usize::MAX);
                self.acknowledge(usize::MAX);
                self.deliver(usize::MAX);
                self.confirm();
            }
            let status = self.outbox.status();
            if status.records == 0 && status.untold == 0 && self.flash.is_idle() {
                return;
            }
            self.pass(5_000);
        }
        panic!("never drained: {:#?}\n{:?}", self.outbox.status(), self.collector);
    }

    /// Bytes of the machine's memory, near enough.
    pub fn memory(&self) -> usize {
        serde_json::to_string(&self.outbox).unwrap().len()
    }
}
