//! A collector by the book: every record once, and a watermark that waits for what is missing.

use std::collections::{BTreeMap, BTreeSet};

use noc_messages::{Body, Class, Position, Record, Watermark, topics};
use outbox::Publish;

#[derive(Debug, Default)]
pub struct Collector {
    /// In order of first arrival.
    pub arrived: BTreeMap<Class, Vec<Position>>,
    held: BTreeSet<(Class, Position)>,
    prev: BTreeMap<(Class, Position), Option<Position>>,
    uncommitted: Vec<Record>,
    upto: BTreeMap<Class, Position>,
    /// Ranges that the box said to be lost; `None`: from the watermark on.
    pub lost: Vec<(Class, Option<Position>, Option<Position>, u64)>,
    pub duplicates: u64,
    pub metrics: u64,
    pub historical: u64,
}

impl Collector {
    pub fn receive(&mut self, publish: &Publish) {
        let site = "clinic-017".parse().unwrap();
        if publish.topic == topics::state(&site) {
            return;
        }
        self.historical += u64::from(publish.payload.starts_with("{\"historical\":true,"));
        let record: Record = serde_json::from_str(&publish.payload).unwrap();
        assert_eq!(publish.topic, topics::records(&site, record.class));
        self.uncommitted.push(record);
    }

    /// Whatever was received and not committed is gone.
    pub fn crash(&mut self) {
        self.uncommitted.clear();
    }

    pub fn commit(&mut self) {
        for record in core::mem::take(&mut self.uncommitted) {
            let key = (record.class, record.position);
            if record.class == Class::Metric {
                self.metrics += 1;
            } else if self.held.insert(key) {
                self.arrived.entry(record.class).or_default().push(record.position);
                self.prev.insert(key, record.prev);
                if let Body::Loss(loss) = &record.body {
                    self.lost.push((loss.class, loss.first, loss.last, loss.count));
                }
            } else {
                self.duplicates += 1;
            }
        }
        Class::DURABLE.into_iter().for_each(|class| self.advance(class));
    }

    fn advance(&mut self, class: Class) {
        loop {
            let at = self.upto.get(&class).copied();
            let next =
                self.held.iter().filter(|(c, p)| *c == class && Some(*p) > at).map(|(_, p)| *p).find(|p| {
                    let prev = self.prev[&(class, *p)];
                    prev <= at || prev.is_some_and(|prev| self.is_told_lost(class, prev))
                });
            let Some(next) = next else { return };
            self.upto.insert(class, next);
        }
    }

    pub fn is_told_lost(&self, class: Class, place: Position) -> bool {
        let covers = |first: &Option<Position>, last: &Option<Position>| {
            first.is_none_or(|first| first <= place) && last.is_none_or(|last| place <= last)
        };
        self.lost.iter().any(|(c, first, last, _)| *c == class && covers(first, last))
    }

    pub fn holds(&self, class: Class, place: Position) -> bool {
        self.held.contains(&(class, place))
    }

    pub fn watermark(&self) -> Watermark {
        Watermark { upto: self.upto.clone() }
    }
}
