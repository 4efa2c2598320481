//! A store in memory that keeps the store's contract and fails when told.

use std::collections::{BTreeMap, VecDeque};

use noc_messages::{Class, Position};
use outbox::{Recovered, RecoveredClass, StoreReport, StoreRequest, StoredRecord};

#[derive(Clone, Default)]
struct Disk {
    records: BTreeMap<(Class, Position), StoredRecord>,
    newest: BTreeMap<Class, Position>,
    boot: u32,
}

#[derive(Default)]
pub struct Flash {
    queue: VecDeque<StoreRequest>,
    written: Disk,
    durable: Disk,
    /// Answers in the order of the requests; they are given when the work is durable.
    unsynced: VecDeque<StoreReport>,
    failing: bool,
}

impl Flash {
    pub fn open(&mut self) -> Recovered {
        self.written.boot += 1;
        self.durable = self.written.clone();
        self.unsynced.clear();
        let classes = Class::DURABLE.into_iter().map(|class| (class, self.inspect(class)));
        Recovered { boot: self.written.boot, classes: classes.collect(), damage: None }
    }

    fn inspect(&self, class: Class) -> RecoveredClass {
        let held: Vec<_> = self.of(class).collect();
        RecoveredClass {
            records: held.len() as u64,
            bytes: held.iter().map(|r| r.json.len() as u64).sum(),
            oldest: held.first().map(|r| r.position),
            newest: self.written.newest.get(&class).copied(),
        }
    }

    fn of(&self, class: Class) -> impl Iterator<Item = &StoredRecord> {
        self.written.records.iter().filter(move |((c, _), _)| *c == class).map(|(_, r)| r)
    }

    pub fn ask(&mut self, request: StoreRequest) {
        self.queue.push_back(request);
    }

    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.unsynced.is_empty()
    }

    pub fn fail(&mut self) {
        self.failing = true;
    }

    pub fn heal(&mut self) {
        self.failing = false;
    }

    /// Whatever was not synced is gone, and so are the requests.
    pub fn cut_power(&mut self) {
        self.queue.clear();
        self.written = self.durable.clone();
    }

    pub fn len(&self) -> usize {
        self.written.records.len()
    }

    /// Damage: the records of a class cannot be read any more.
    pub fn wipe(&mut self, class: Class) {
        self.written.records.retain(|(c, _), _| *c != class);
    }

    pub fn execute(&mut self) -> Option<Vec<StoreReport>> {
        let request = self.queue.pop_front()?;
        if self.failing {
            let positions = match request {
                StoreRequest::Append { records, .. } => records.iter().map(|r| r.position).collect(),
                StoreRequest::Read { .. } | StoreRequest::Delete { .. } | StoreRequest::Evict { .. } => {
                    vec![]
                }
            };
            return Some(vec![StoreReport::Failed { positions, why: "told to".to_owned() }]);
        }
        Some(match request {
            StoreRequest::Append { records, sync } => self.append(records, sync),
            StoreRequest::Read { class, after, limit } => {
                let after_that = self.of(class).filter(|r| Some(r.position) > after);
                let records = after_that.take(usize::from(limit)).cloned().collect();
                vec![StoreReport::Read { class, after, records }]
            }
            StoreRequest::Delete { class, upto } => {
                let (count, bytes, _) = self.remove(class, |_, _, next| next <= upto);
                let oldest = self.inspect(class).oldest;
                self.unsynced.push_back(StoreReport::Deleted { class, records: count, bytes, oldest });
                Vec::new()
            }
            StoreRequest::Evict { class, records, bytes } => {
                let (count, size, range) = self.remove(class, |n, b, _| n < records || b < bytes);
                let oldest = self.inspect(class).oldest;
                let report = StoreReport::Evicted { class, records: count, bytes: size, range, oldest };
                self.unsynced.push_back(report);
                Vec::new()
            }
        })
    }

    fn append(&mut self, records: Vec<StoredRecord>, sync: bool) -> Vec<StoreReport> {
        for record in records {
            self.unsynced.push_back(StoreReport::Stored(vec![record.position]));
            let newest = self.written.newest.entry(record.class).or_insert(record.position);
            *newest = (*newest).max(record.position);
            self.written.records.insert((record.class, record.position), record);
        }
        if sync { self.sync() } else { Vec::new() }
    }

    fn remove(
        &mut self,
        class: Class,
        more: impl Fn(u64, u64, Position) -> bool,
    ) -> (u64, u64, Option<(Position, Position)>) {
        let (mut count, mut bytes, mut range) = (0, 0, None::<(Position, Position)>);
        let held: Vec<_> = self.of(class).cloned().collect();
        for record in held {
            if !more(count, bytes, record.position) {
                break;
            }
            count += 1;
            bytes += record.json.len() as u64;
            range = Some((range.map_or(record.position, |r| r.0), record.position));
            self.written.records.remove(&(class, record.position));
        }
        (count, bytes, range)
    }

    /// The group commit.
    pub fn sync(&mut self) -> Vec<StoreReport> {
        self.durable = self.written.clone();
        self.unsynced.drain(..).collect()
    }
}
