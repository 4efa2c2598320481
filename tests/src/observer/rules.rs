//! The policy rules of the box: each of ours exactly once.

use std::collections::BTreeMap;

use anyhow::Result;

use super::Family;
use super::ledger::{Invariant, Wrong};
use super::netlink::{GET_RULE, Message, NEW_RULE, Socket, number, text};

/// `struct fib_rule_hdr`.
const FIXED: usize = 12;

const SOURCE: u16 = 2;
const IIFNAME: u16 = 3;
const PRIORITY: u16 = 6;
const FWMARK: u16 = 10;
const SUPPRESS_PREFIX_LENGTH: u16 = 14;
const TABLE: u16 = 15;
const FWMASK: u16 = 16;
const OIFNAME: u16 = 17;

/// Preferences that exist once whatever the links do.
const FIXED_PREFERENCES: [u32; 4] = [450, 500, 700, 710];

/// A rule without the number of its table's owner: what makes it the same rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    preference: u32,
    action: u8,
    inverted: bool,
    selector: BTreeMap<u16, String>,
    table: u32,
}

/// All rules of a family, in the kernel's order.
pub(super) fn dump(socket: &mut Socket, family: Family) -> Result<Vec<Rule>> {
    let mut body = [0; FIXED];
    body[0] = family.number();
    let messages = socket.dump(GET_RULE, &body)?;
    messages.iter().filter(|m| m.kind == NEW_RULE).map(parse).collect()
}

/// What is wrong with the rules of a family on a box with so many links.
pub(super) fn judge(family: Family, rules: &[Rule], links: usize) -> Vec<Wrong> {
    let mut counts: BTreeMap<&Rule, usize> = BTreeMap::new();
    for rule in rules.iter().filter(|r| is_ours(r.preference)) {
        *counts.entry(rule).or_default() += 1;
    }
    let twice = counts.iter().filter(|(_, count)| **count > 1);
    let twice = twice.map(|(rule, count)| {
        let detail = format!("rule {} stands {count} times: {rule:?}", rule.preference);
        Wrong::new(Invariant::RuleTwice, family, rule.preference, detail)
    });
    let missing = wanted(links).filter(|p| !rules.iter().any(|r| r.preference == *p));
    let missing = missing.map(|p| {
        Wrong::new(Invariant::RuleMissing, family, p, format!("there is no rule with preference {p}"))
    });
    twice.chain(missing).collect()
}

fn wanted(links: usize) -> impl Iterator<Item = u32> {
    let marks = (1..).take(links).map(|n| 400 + n);
    FIXED_PREFERENCES.into_iter().chain(marks)
}

fn is_ours(preference: u32) -> bool {
    (400..=710).contains(&preference)
}

fn parse(message: &Message) -> Result<Rule> {
    let mut rule = Rule {
        preference: 0,
        action: message.byte(7)?,
        // `FIB_RULE_INVERT`.
        inverted: message.word(8)? & 0x2 != 0,
        selector: BTreeMap::new(),
        table: u32::from(message.byte(4)?),
    };
    for (attribute, value) in message.attributes(FIXED)? {
        match attribute {
            PRIORITY => rule.preference = number(value)?,
            TABLE => rule.table = number(value)?,
            IIFNAME | OIFNAME => drop(rule.selector.insert(attribute, text(value))),
            SOURCE | FWMARK | FWMASK | SUPPRESS_PREFIX_LENGTH => {
                rule.selector.insert(attribute, format!("{value:?}"));
            }
            _ => {}
        }
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(preference: u32) -> Rule {
        Rule { preference, action: 1, inverted: false, selector: BTreeMap::new(), table: 99 }
    }

    fn complete() -> Vec<Rule> {
        wanted(2).map(rule).collect()
    }

    #[test]
    fn a_complete_set_is_right() {
        assert!(judge(Family::V4, &complete(), 2).is_empty());
    }

    #[test]
    fn a_rule_that_stands_twice_is_wrong() {
        let mut rules = complete();
        rules.push(rule(700));
        let wrong = judge(Family::V4, &rules, 2);
        assert_eq!((wrong.len(), wrong[0].invariant), (1, Invariant::RuleTwice));
    }

    #[test]
    fn two_addresses_of_one_link_are_two_rules() {
        let mut rules = complete();
        for source in ["a", "b"] {
            rules.push(Rule { selector: [(SOURCE, source.to_owned())].into(), ..rule(601) });
        }
        assert!(judge(Family::V6, &rules, 2).is_empty());
    }

    #[test]
    fn a_missing_rule_is_wrong_and_somebody_elses_rule_is_not_ours() {
        let mut rules = complete();
        rules.retain(|r| r.preference != 402);
        rules.extend([rule(32_766), rule(32_766)]);
        let wrong = judge(Family::V4, &rules, 2);
        assert_eq!((wrong.len(), wrong[0].invariant), (1, Invariant::RuleMissing));
    }
}
