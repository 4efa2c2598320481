//! What is wrong, since when and for how long. Pure: it is told the time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{Family, Grace};

/// A scenario that produces more is broken, not more instructive.
const MAX_VIOLATIONS: usize = 1_000;

/// A law of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// At no instant two defaults at the lowest metric in table 99.
    TwoActive,
    /// Never without a default once there was one.
    NoDefault,
    /// At most one standby behind the active default.
    TwoStandby,
    /// No standby over a link without carrier.
    DeadStandby,
    /// Each rule exactly once: here too often.
    RuleTwice,
    /// Each rule exactly once: here not at all.
    RuleMissing,
    /// The LAN's traffic leaves only by the active link.
    WrongLink,
    /// A packet leaves a link only with an address of that link.
    ForeignSource,
}

/// Something that was wrong for longer than it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which law.
    pub invariant: Invariant,
    /// In which family.
    pub family: Family,
    /// Since the observer's start.
    pub at: Duration,
    /// How long.
    pub lasted: Duration,
    /// What exactly.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, family, at, lasted, detail } = self;
        write!(f, "{invariant:?} {family} at {:.4} s for {lasted:?}: {detail}", at.as_secs_f64())
    }
}

/// Something that is wrong at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) invariant: Invariant,
    pub(super) family: Family,
    /// Tells apart what is wrong in the same way at the same time.
    pub(super) key: u32,
    pub(super) detail: String,
}

impl Wrong {
    pub(super) fn new(invariant: Invariant, family: Family, key: u32, detail: String) -> Self {
        Self { invariant, family, key, detail }
    }
}

/// What is looked at together: what is no longer wrong in it has been put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Table(Family),
    Rules(Family),
}

type Key = (Scope, Invariant, u32);

/// The book of what is and was wrong.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<Key, (Duration, Wrong)>,
    closed: Vec<Violation>,
}

impl Ledger {
    /// Everything that is wrong in a scope at this moment.
    pub(super) fn observe(&mut self, scope: Scope, at: Duration, wrong: Vec<Wrong>) {
        let seen: Vec<Key> = wrong.iter().map(|w| (scope, w.invariant, w.key)).collect();
        let over: Vec<Key> =
            self.open.keys().filter(|k| k.0 == scope && !seen.contains(k)).copied().collect();
        for key in over {
            self.put_right(key, at);
        }
        for (key, wrong) in seen.into_iter().zip(wrong) {
            self.open.entry(key).or_insert((at, wrong));
        }
    }

    /// Ends the observation: what outlasted its grace.
    pub(super) fn close(mut self, at: Duration, grace: &Grace) -> Vec<Violation> {
        for key in self.open.keys().copied().collect::<Vec<_>>() {
            self.put_right(key, at);
        }
        self.closed.retain(|v| grace.of(v.invariant).is_none_or(|grace| v.lasted > grace));
        self.closed
    }

    fn put_right(&mut self, key: Key, at: Duration) {
        let Some((since, wrong)) = self.open.remove(&key) else { return };
        if self.closed.len() < MAX_VIOLATIONS {
            let Wrong { invariant, family, detail, .. } = wrong;
            let lasted = at.saturating_sub(since);
            self.closed.push(Violation { invariant, family, at: since, lasted, detail });
        }
    }
}

impl Grace {
    /// `None`: counts however short it was.
    fn of(&self, invariant: Invariant) -> Option<Duration> {
        match invariant {
            Invariant::NoDefault if self.no_default.is_zero() => None,
            Invariant::NoDefault => Some(self.no_default),
            Invariant::DeadStandby => Some(self.dead_standby),
            Invariant::RuleMissing => Some(self.missing_rule),
            Invariant::TwoActive
            | Invariant::TwoStandby
            | Invariant::RuleTwice
            | Invariant::WrongLink
            | Invariant::ForeignSource => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: Scope = Scope::Table(Family::V4);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn wrong(invariant: Invariant) -> Wrong {
        Wrong::new(invariant, Family::V4, 0, "planted".into())
    }

    fn after(invariant: Invariant, lasted: Duration) -> usize {
        let mut ledger = Ledger::default();
        ledger.observe(SCOPE, ms(10), vec![wrong(invariant)]);
        ledger.observe(SCOPE, ms(10) + lasted, vec![]);
        ledger.close(ms(60_000), &Grace::default()).len()
    }

    #[test]
    fn two_active_defaults_count_however_short() {
        assert_eq!(after(Invariant::TwoActive, Duration::ZERO), 1);
        assert_eq!(after(Invariant::NoDefault, Duration::ZERO), 1);
        assert_eq!(after(Invariant::RuleTwice, Duration::ZERO), 1);
    }

    #[test]
    fn what_may_last_a_while_counts_only_beyond_it() {
        assert_eq!(after(Invariant::RuleMissing, ms(999)), 0);
        assert_eq!(after(Invariant::RuleMissing, ms(1_001)), 1);
        assert_eq!(after(Invariant::DeadStandby, ms(1_201)), 1);
    }

    #[test]
    fn what_is_wrong_at_the_end_counts_and_one_trouble_is_one_entry() {
        let mut ledger = Ledger::default();
        for at in 0..100 {
            ledger.observe(SCOPE, ms(at), vec![wrong(Invariant::TwoStandby)]);
        }
        let violations = ledger.close(ms(100), &Grace::default());
        assert_eq!(violations.len(), 1);
        assert_eq!((violations[0].at, violations[0].lasted), (ms(0), ms(100)));
    }

    #[test]
    fn scopes_do_not_put_each_other_right() {
        let mut ledger = Ledger::default();
        ledger.observe(SCOPE, ms(0), vec![wrong(Invariant::DeadStandby)]);
        ledger.observe(Scope::Table(Family::V6), ms(1), vec![]);
        ledger.observe(SCOPE, ms(2_000), vec![]);
        assert_eq!(ledger.close(ms(2_000), &Grace::default())[0].lasted, ms(2_000));
    }
}
