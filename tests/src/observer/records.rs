//! Judges what the collector stored: order, gaps, duplicates, and whether each switch of the kernel
//! was told exactly once. Reads the documented JSON, not the daemon's types.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Family, Switch};

/// (boot, seq).
pub type Position = (u64, u64);

/// One record as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its name within the site.
    pub position: Position,
    /// The one before it in its class.
    pub prev: Option<Position>,
    /// `signal`, `state`, `audit`, `metric`.
    pub class: String,
    /// What it tells of.
    pub kind: String,
    /// Its content.
    pub body: Value,
}

/// Something that must not be in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record came before its predecessor.
    Order(Position),
    /// The predecessor of this record is not there.
    Gap(Position),
    /// Two different records bear the same name.
    Twins(Position),
    /// The kernel switched and nobody was told.
    Untold(String),
    /// A switch was told that the kernel never made.
    Invented(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order((boot, seq)) => write!(f, "record {boot}:{seq} came before its predecessor"),
            Self::Gap((boot, seq)) => write!(f, "the predecessor of record {boot}:{seq} is missing"),
            Self::Twins((boot, seq)) => write!(f, "two different records are called {boot}:{seq}"),
            Self::Untold(switch) => write!(f, "nobody was told of the switch {switch}"),
            Self::Invented(switch) => write!(f, "the kernel never made the switch {switch}"),
        }
    }
}

/// Reads one record.
///
/// # Errors
/// When it is not a record as the documentation describes it.
pub fn parse(json: &str) -> Result<Record> {
    let value: Value = serde_json::from_str(json).with_context(|| format!("not JSON: {json}"))?;
    let position = |value: &Value| Some((value.get("boot")?.as_u64()?, value.get("seq")?.as_u64()?));
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Record {
        position: position(&value).with_context(|| format!("no boot and seq: {json}"))?,
        prev: value.get("prev").and_then(position),
        class: text("class").with_context(|| format!("no class: {json}"))?,
        kind: text("kind").with_context(|| format!("no kind: {json}"))?,
        body: value.get("body").cloned().unwrap_or(Value::Null),
    })
}

/// Judges the records of one site in the order in which they were stored. Copies are allowed, and
/// only as copies. Metrics may be lost.
#[must_use]
pub fn judge(records: &[Record]) -> Vec<Fault> {
    let mut known: BTreeMap<Position, &Record> = BTreeMap::new();
    let mut newest: BTreeMap<&str, Position> = BTreeMap::new();
    let mut faults = Vec::new();
    for record in records.iter().filter(|r| r.class != "metric") {
        if let Some(first) = known.get(&record.position) {
            if *first != record {
                faults.push(Fault::Twins(record.position));
            }
            continue;
        }
        let before = newest.get(record.class.as_str()).copied();
        if before.is_some_and(|before| before > record.position) {
            faults.push(Fault::Order(record.position));
        } else if record.prev != before {
            faults.push(Fault::Gap(record.position));
        }
        newest.insert(&record.class, record.position.max(before.unwrap_or_default()));
        known.insert(record.position, record);
    }
    faults
}

/// Compares the switches that were told with those that the kernel made, each family by itself.
/// `names` gives the link's name for an interface.
#[must_use]
pub fn judge_switches(records: &[Record], made: &[Switch], names: &BTreeMap<String, String>) -> Vec<Fault> {
    let link = |interface: &str| names.get(interface).cloned().unwrap_or_else(|| interface.to_owned());
    let mut faults = Vec::new();
    for family in Family::BOTH {
        let made = made.iter().filter(|s| s.family == family);
        let made: Vec<String> =
            made.map(|s| say(family, s.from.as_deref().map(link).as_deref(), &link(&s.to))).collect();
        let told = distinct(records, "switch").filter(|r| r.body["family"] == family.to_string().as_str());
        let told: Vec<String> = told
            .map(|r| say(family, r.body["from"].as_str(), r.body["to"].as_str().unwrap_or("?")))
            .collect();
        faults.extend(difference(&made, &told).into_iter().map(Fault::Untold));
        faults.extend(difference(&told, &made).into_iter().map(Fault::Invented));
    }
    faults
}

/// The records of a kind, each once.
pub fn distinct<'a>(records: &'a [Record], kind: &'a str) -> impl Iterator<Item = &'a Record> {
    let mut seen = std::collections::BTreeSet::new();
    records.iter().filter(move |r| r.kind == kind && seen.insert(r.position))
}

fn say(family: Family, from: Option<&str>, to: &str) -> String {
    format!("{family} {} -> {to}", from.unwrap_or("nothing"))
}

/// What the first list holds more often than the second.
fn difference(first: &[String], second: &[String]) -> Vec<String> {
    let mut rest = second.to_vec();
    let missing = first.iter().filter(|entry| match rest.iter().position(|r| r == *entry) {
        Some(at) => {
            rest.remove(at);
            false
        }
        None => true,
    });
    missing.cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn record(seq: u64, prev: Option<u64>) -> Record {
        let text = format!(
            r#"{{"site":"s","boot":1,"seq":{seq},"prev":{},"class":"state","kind":"stop"}}"#,
            prev.map_or("null".into(), |seq| format!(r#"{{"boot":1,"seq":{seq}}}"#))
        );
        parse(&text).unwrap()
    }

    #[test]
    fn a_chain_with_copies_is_right() {
        let records =
            [record(1, None), record(2, Some(1)), record(1, None), record(2, Some(1)), record(5, Some(2))];
        assert_eq!(judge(&records), []);
    }

    #[test]
    fn gaps_disorder_and_twins_are_found() {
        assert_eq!(judge(&[record(1, None), record(5, Some(4))]), [Fault::Gap((1, 5))]);
        let disorder = [record(1, None), record(5, Some(1)), record(4, Some(1))];
        assert_eq!(judge(&disorder), [Fault::Order((1, 4))]);
        let twin = Record { kind: "start".into(), ..record(1, None) };
        assert_eq!(judge(&[record(1, None), twin]), [Fault::Twins((1, 1))]);
    }

    #[test]
    fn the_first_record_must_be_the_first_ever() {
        assert_eq!(judge(&[record(2, Some(1))]), [Fault::Gap((1, 2))]);
    }

    fn told(seq: u64, from: &str, to: &str) -> Record {
        let body = serde_json::json!({ "family": "ipv4", "from": from, "to": to });
        Record { kind: "switch".into(), body, ..record(seq, None) }
    }

    fn made(from: &str, to: &str) -> Switch {
        Switch { family: Family::V4, at: Duration::ZERO, from: Some(from.into()), to: to.into() }
    }

    #[test]
    fn each_switch_is_told_exactly_once() {
        let names = [("wan1".into(), "fibre".into()), ("wan2".into(), "lte".into())].into();
        let made = [made("wan1", "wan2")];
        assert_eq!(judge_switches(&[told(1, "fibre", "lte"), told(1, "fibre", "lte")], &made, &names), []);
        assert!(matches!(judge_switches(&[], &made, &names)[..], [Fault::Untold(_)]));
        let twice = [told(1, "fibre", "lte"), told(2, "fibre", "lte")];
        assert!(matches!(judge_switches(&twice, &made, &names)[..], [Fault::Invented(_)]));
        assert_eq!(judge_switches(&[told(1, "lte", "fibre")], &made, &names).len(), 2);
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        for text in ["", "{}", r#"{"boot":1,"seq":2}"#, r#"{"boot":-1,"seq":2,"class":"state","kind":"x"}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
