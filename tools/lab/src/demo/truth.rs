//! Compares what the line card did and the kernel did with what the collector has kept. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A hook change: the card's boot, its number there, the line, and where the hook went.
pub(crate) type HookChange = (u64, u64, u64, bool);

/// A record's identity within its site.
type Position = (u64, u64);

/// What the collector has kept, held against the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Hook changes that no record tells of.
    pub(crate) lost: usize,
    /// Hook changes that more than one record tells of, and records of changes that never were.
    pub(crate) invented: usize,
    /// Hook changes were told in the order in which they happened.
    pub(crate) in_order: bool,
    /// Records kept twice under one identity.
    pub(crate) twice: usize,
    /// Records whose predecessor in their class is not the one before them, or came late.
    pub(crate) broken_chain: usize,
}

/// Holds `records`, in the collector's order, against every hook change that happened.
pub(crate) fn compare(truth: &[HookChange], records: &[Value]) -> Comparison {
    let told: Vec<HookChange> = records.iter().filter_map(hook_change).collect();
    let happened: BTreeSet<&HookChange> = truth.iter().collect();
    let heard: BTreeSet<&HookChange> = told.iter().collect();
    let known: Vec<&HookChange> = told.iter().filter(|change| happened.contains(change)).collect();
    let positions: Vec<(String, Position)> = records.iter().filter_map(identity).collect();
    let distinct: BTreeSet<Position> = positions.iter().map(|(_, position)| *position).collect();
    Comparison {
        lost: happened.difference(&heard).count(),
        invented: told.len() - heard.intersection(&happened).count(),
        in_order: known.is_sorted_by_key(|change| truth.iter().position(|t| t == *change)),
        twice: positions.len() - distinct.len(),
        broken_chain: records.len() - chained(records),
    }
}

/// Where each family's traffic went, as the NOC was told: `ipv4` -> names of the links taken.
pub(crate) fn switches_told(records: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records.iter().filter(|record| record["kind"] == "switch") {
        let word = |key: &str| record["body"][key].as_str().unwrap_or("?").to_owned();
        told.entry(word("family")).or_default().push(word("to"));
    }
    told
}

/// A hook change as the card's simulator tells it.
pub(crate) fn happened(event: &Value) -> Option<HookChange> {
    if event["event"] != "hook" {
        return None;
    }
    let number = |key: &str| event[key].as_u64();
    Some((number("card_boot")?, number("card_seq")?, number("line")?, event["off_hook"].as_bool()?))
}

/// A hook change as a record of kind `line` tells it.
fn hook_change(record: &Value) -> Option<HookChange> {
    if record["kind"] != "line" {
        return None;
    }
    let body = &record["body"];
    let number = |key: &str| body[key].as_u64();
    Some((number("card_boot")?, number("card_seq")?, number("line")?, body["to"] == "off_hook"))
}

fn identity(record: &Value) -> Option<(String, Position)> {
    Some((record["class"].as_str()?.to_owned(), position(record)?))
}

fn position(of: &Value) -> Option<Position> {
    Some((of["boot"].as_u64()?, of["seq"].as_u64()?))
}

/// How many records follow their predecessor; the first of a class needs none.
fn chained(records: &[Value]) -> usize {
    let mut newest: BTreeMap<String, Position> = BTreeMap::new();
    let mut good = 0;
    for record in records {
        let Some((class, own)) = identity(record) else { continue };
        let before = newest.insert(class, own);
        good += usize::from(before.is_none() || position(&record["prev"]) == before);
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(seq: u64, prev: Option<u64>, change: HookChange) -> Value {
        let (card_boot, card_seq, line, off) = change;
        json!({
            "site": "clinic", "boot": 1, "seq": seq, "class": "state",
            "prev": prev.map(|seq| json!({"boot": 1, "seq": seq})),
            "kind": "line",
            "body": {"line": line, "to": if off { "off_hook" } else { "on_hook" },
                     "card_boot": card_boot, "card_seq": card_seq, "sample": 0},
        })
    }

    const FIRST: HookChange = (7, 1, 0, true);
    const SECOND: HookChange = (7, 2, 0, false);
    const THIRD: HookChange = (7, 3, 1, true);

    #[test]
    fn everything_told_once_in_order_is_clean() {
        let records = [record(1, None, FIRST), record(2, Some(1), SECOND), record(5, Some(2), THIRD)];
        let clean = Comparison { in_order: true, ..Comparison::default() };
        assert_eq!(compare(&[FIRST, SECOND, THIRD], &records), clean);
    }

    #[test]
    fn a_change_that_is_missing_is_lost_and_breaks_the_chain() {
        let records = [record(1, None, FIRST), record(3, Some(2), THIRD)];
        let found = compare(&[FIRST, SECOND, THIRD], &records);
        assert_eq!((found.lost, found.broken_chain, found.in_order), (1, 1, true));
    }

    #[test]
    fn changes_told_in_another_order_are_out_of_order() {
        let records = [record(1, None, SECOND), record(2, Some(1), FIRST)];
        assert!(!compare(&[FIRST, SECOND], &records).in_order);
    }

    #[test]
    fn a_change_told_twice_or_never_made_is_invented() {
        let twice = [record(1, None, FIRST), record(2, Some(1), FIRST)];
        assert_eq!(compare(&[FIRST], &twice).invented, 1);
        assert_eq!(compare(&[FIRST], &[record(1, None, FIRST), record(2, Some(1), THIRD)]).invented, 1);
    }

    #[test]
    fn a_record_kept_twice_is_seen() {
        let found = compare(&[FIRST], &[record(1, None, FIRST), record(1, None, FIRST)]);
        assert_eq!((found.twice, found.broken_chain), (1, 1));
    }

    #[test]
    fn switches_are_listed_by_family_in_order() {
        let switch = |family: &str, to: &str| json!({"kind": "switch", "body": {"family": family, "to": to}});
        let told = switches_told(&[switch("ipv4", "fibre"), switch("ipv6", "fibre"), switch("ipv4", "lte")]);
        assert_eq!(told["ipv4"], ["fibre", "lte"]);
        assert_eq!(told["ipv6"], ["fibre"]);
    }
}
