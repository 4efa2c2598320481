//! The rule set: which rules are to stand, which are missing, which are one too many.
//!
//! The kernel has no atomic replace for rules and makes duplicates when asked for one, so rules are
//! compared, never rewritten.

use std::net::IpAddr;

use hal::{Family, LinkId};

use super::{ACTIVE_TABLE, Goal, MAIN_TABLE, PROTOCOL};

const PREF_MARK: u32 = 400;
const PREF_GUARD: u32 = 450;
const PREF_MAIN: u32 = 500;
const PREF_FROM: u32 = 600;
const PREF_ACTIVE: u32 = 700;
const PREF_FAIL_FAST: u32 = 710;

/// A routing rule of the kinds that we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// IPv4 or IPv6.
    pub family: Family,
    /// `FRA_PRIORITY`.
    pub preference: u32,
    /// Which packets.
    pub select: Select,
    /// What happens to them.
    pub then: Then,
}

impl Rule {
    /// The last rule of the set.
    pub(crate) fn is_fail_fast(&self) -> bool {
        self.preference == PREF_FAIL_FAST && self.then == Then::Unreachable
    }
}

/// Which packets a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// All.
    All,
    /// Those with this value under this mask of the packet mark.
    Mark {
        /// The value.
        value: u32,
        /// The mask.
        mask: u32,
    },
    /// All but those.
    NotMark {
        /// The value.
        value: u32,
        /// The mask.
        mask: u32,
    },
    /// From exactly this address.
    From(IpAddr),
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Look into a table.
    Lookup {
        /// Which.
        table: u32,
        /// Its default routes do not count (`suppress_prefixlength 0`).
        skip_defaults: bool,
    },
    /// Answer "unreachable" at once.
    Unreachable,
}

/// A rule that stands in the kernel, whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelRule {
    /// What it says.
    pub rule: Rule,
    /// Who made it.
    pub protocol: u8,
}

/// Missing rules in the order of their preference, and rules to be removed.
pub(super) fn changes(standing: &[KernelRule], goal: &Goal<'_>) -> (Vec<Rule>, Vec<KernelRule>) {
    let wanted: Vec<Rule> = goal.families.iter().flat_map(|f| wanted(*f, goal)).collect();
    let missing = wanted.iter().copied().filter(|w| !standing.iter().any(|k| k.rule == *w));
    let drop = standing.iter().enumerate().filter(|(index, k)| {
        if wanted.contains(&k.rule) {
            !is_the_one_kept(standing, *index)
        } else {
            k.protocol == PROTOCOL && !is_kept_until_a_plan(&k.rule, goal)
        }
    });
    (missing.collect(), drop.map(|(_, k)| *k).collect())
}

fn wanted(family: Family, goal: &Goal<'_>) -> Vec<Rule> {
    let rule = |preference, select, then| Rule { family, preference, select, then };
    let mask = LinkId::MARK_MASK;
    let marks = goal.links.iter().map(|link| {
        let select = Select::Mark { value: link.mark(), mask };
        rule(PREF_MARK + u32::from(link.number()), select, lookup(link.table()))
    });
    let hops = goal.plan.map_or(&[][..], |plan| &plan.tables);
    let sources = hops.iter().filter(|hop| hop.family() == family).map(|hop| {
        let preference = PREF_FROM + u32::from(hop.link.number());
        rule(preference, Select::From(hop.source), lookup(hop.link.table()))
    });
    let main = Then::Lookup { table: MAIN_TABLE, skip_defaults: true };
    let mut set: Vec<Rule> = marks
        .chain([
            rule(PREF_GUARD, Select::NotMark { value: 0, mask }, Then::Unreachable),
            rule(PREF_MAIN, Select::All, main),
        ])
        .chain(sources)
        .chain([rule(PREF_ACTIVE, Select::All, lookup(ACTIVE_TABLE))])
        .collect();
    if goal.fail_fast {
        set.push(rule(PREF_FAIL_FAST, Select::All, Then::Unreachable));
    }
    set
}

const fn lookup(table: u32) -> Then {
    Then::Lookup { table, skip_defaults: false }
}

/// Of several equal rules the first of ours stays, or the first of all if none is ours.
fn is_the_one_kept(standing: &[KernelRule], index: usize) -> bool {
    let equal = || standing.iter().enumerate().filter(|(_, k)| k.rule == standing[index].rule);
    let kept = equal().find(|(_, k)| k.protocol == PROTOCOL).or_else(|| equal().next());
    kept.is_some_and(|(kept, _)| kept == index)
}

/// Before the first plan nobody knows which addresses are current.
fn is_kept_until_a_plan(rule: &Rule, goal: &Goal<'_>) -> bool {
    goal.plan.is_none() && matches!(rule.select, Select::From(_))
}
