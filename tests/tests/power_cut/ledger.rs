//! What must be in the spool, from what its writer said; pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use e2e::spool_records::{class_of, content};
use noc_messages::Class;
use serde_json::Value;

/// (boot, seq).
pub(crate) type Place = (u32, u64);

/// What a writer said until it was stopped, over all its lives on one device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) boots: BTreeSet<u32>,
    pub(crate) given: BTreeSet<Place>,
    pub(crate) stored: BTreeSet<Place>,
    deleted: BTreeMap<Class, Place>,
}

/// What was found behind the cut.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) boot: u32,
    pub(crate) damage: Option<String>,
    pub(crate) newest: BTreeMap<Class, Place>,
    pub(crate) records: Vec<(Class, Place, String)>,
}

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Lost(Place),
    Invented(Place),
    Damaged(Place),
    Disordered(Place),
    BootReused(u32),
    NewestForgotten(Class),
    DamageTold(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost((boot, seq)) => write!(f, "{boot}:{seq} was stored and is gone"),
            Self::Invented((boot, seq)) => write!(f, "{boot}:{seq} was never given"),
            Self::Damaged((boot, seq)) => write!(f, "{boot}:{seq} is not what was given"),
            Self::Disordered((boot, seq)) => write!(f, "{boot}:{seq} is there twice or out of order"),
            Self::BootReused(boot) => write!(f, "the number of start {boot} is used a second time"),
            Self::NewestForgotten(class) => write!(f, "the newest {} record is forgotten", class.as_str()),
            Self::DamageTold(what) => write!(f, "the spool calls itself damaged: {what}"),
        }
    }
}

impl Ledger {
    /// Takes a line of the writer.
    pub(crate) fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let place = |boot: &str, seq: &str| (boot.parse().unwrap(), seq.parse().unwrap());
        match words[..] {
            ["open", boot] => drop(self.boots.insert(boot.parse().unwrap())),
            ["give", boot, seq] => drop(self.given.insert(place(boot, seq))),
            ["stored", boot, seq] => drop(self.stored.insert(place(boot, seq))),
            ["delete", boot, seq] => {
                let upto = place(boot, seq);
                self.deleted.insert(class_of(upto.1), upto);
            }
            _ => panic!("the writer says {line:?}"),
        }
    }

    /// Compares.
    pub(crate) fn judge(&self, found: &Found) -> Vec<Fault> {
        let mut faults: Vec<_> = found.damage.iter().cloned().map(Fault::DamageTold).collect();
        if self.boots.contains(&found.boot) {
            faults.push(Fault::BootReused(found.boot));
        }
        let places: BTreeSet<Place> = found.records.iter().map(|(_, place, _)| *place).collect();
        let missing = self.stored.difference(&places).filter(|place| !self.may_be_gone(**place));
        faults.extend(missing.map(|place| Fault::Lost(*place)));
        faults.extend(self.judge_records(found));
        faults.extend(Class::DURABLE.into_iter().filter_map(|class| self.judge_newest(class, found)));
        faults
    }

    /// A deletion that was asked for may have happened or not.
    fn may_be_gone(&self, place: Place) -> bool {
        self.deleted.get(&class_of(place.1)).is_some_and(|upto| place <= *upto)
    }

    fn judge_records(&self, found: &Found) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut last: BTreeMap<Class, Place> = BTreeMap::new();
        for (class, place, text) in &found.records {
            if !self.given.contains(place) {
                faults.push(Fault::Invented(*place));
            } else if *text != content(place.0, place.1) || *class != class_of(place.1) {
                faults.push(Fault::Damaged(*place));
            }
            if last.insert(*class, *place).is_some_and(|before| before >= *place) {
                faults.push(Fault::Disordered(*place));
            }
        }
        faults
    }

    /// The next record chains to it, deleted or not.
    fn judge_newest(&self, class: Class, found: &Found) -> Option<Fault> {
        let newest = self.stored.iter().rev().find(|place| class_of(place.1) == class)?;
        (found.newest.get(&class) < Some(newest)).then_some(Fault::NewestForgotten(class))
    }
}

impl Found {
    /// From the lines of `spool_writer read`.
    pub(crate) fn parse(lines: &str) -> Self {
        let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let place = |value: &Value| serde_json::from_value::<Place>(value.clone()).ok();
        let head = lines.next().expect("the first line says what was recovered");
        let newest = head["newest"].as_array().unwrap().iter().filter_map(|pair| {
            let (boot, seq) = (pair[1]["boot"].as_u64()?, pair[1]["seq"].as_u64()?);
            Some((serde_json::from_value(pair[0].clone()).unwrap(), (u32::try_from(boot).unwrap(), seq)))
        });
        let record = |value: Value| {
            let class = serde_json::from_value(value["class"].clone()).unwrap();
            (class, place(&value["at"]).unwrap(), value["content"].as_str().unwrap().to_owned())
        };
        Self {
            boot: u32::try_from(head["boot"].as_u64().unwrap()).unwrap(),
            damage: head["damage"].as_str().map(str::to_owned),
            newest: newest.collect(),
            records: lines.map(record).collect(),
        }
    }
}

mod tests {
    use super::*;

    /// Boot 1 gave and stored 1 to 9; 1 and 2 (state) were deleted.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.hear("open 1");
        for seq in 1..=9 {
            ledger.hear(&format!("give 1 {seq}"));
            ledger.hear(&format!("stored 1 {seq}"));
        }
        ledger.hear("delete 1 2");
        ledger
    }

    fn all() -> Found {
        let record = |seq| (class_of(seq), (1, seq), content(1, seq));
        let newest = [(Class::State, (1, 7)), (Class::Signal, (1, 8)), (Class::Audit, (1, 9))].into();
        Found { boot: 2, damage: None, newest, records: (1..=9).map(record).collect() }
    }

    fn faults(change: impl Fn(&mut Found)) -> Vec<Fault> {
        let mut found = all();
        change(&mut found);
        ledger().judge(&found)
    }

    #[test]
    fn all_that_was_stored_is_right_with_or_without_what_was_deleted() {
        assert_eq!(faults(|_| ()), []);
        assert_eq!(faults(|found| drop(found.records.drain(..2))), []);
    }

    #[test]
    fn every_broken_law_is_found() {
        assert_eq!(faults(|found| drop(found.records.remove(2))), [Fault::Lost((1, 3))]);
        assert_eq!(
            faults(|found| found.records.push((Class::Signal, (1, 10), content(1, 10)))),
            [Fault::Invented((1, 10))]
        );
        assert_eq!(faults(|found| found.records[4].2.push(' ')), [Fault::Damaged((1, 5))]);
        assert_eq!(faults(|found| found.records.swap(3, 4)), [Fault::Disordered((1, 4))]);
        assert_eq!(faults(|found| found.boot = 1), [Fault::BootReused(1)]);
        assert_eq!(
            faults(|found| found.newest.retain(|class, _| *class != Class::Audit)),
            [Fault::NewestForgotten(Class::Audit)]
        );
        assert_eq!(faults(|found| found.damage = Some("x".into())), [Fault::DamageTold("x".into())]);
    }
}
