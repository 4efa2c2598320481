//! The table of conditions that stand, and the record that each change of it is worth.
//!
//! ```text
//!            raise                        raise: other cause or severity
//!  clear ───────────> standing ─────────────────────────────────┐
//!    ^                 │   ^                                     │
//!    └── clear ────────┘   └────────────── updated ──────────────┘
//! ```

use hal::{Now, Tick};
use noc_messages::{ActiveCondition, ConditionBody, Severity, Stamp};
use serde::{Deserialize, Serialize};

/// The most conditions that stand at once. 49 links in two families, 32 lines and the box's own
/// parts stay below it; whatever reaches it is a fault of the box that is worth one condition.
pub const MAX_CONDITIONS: usize = 256;

/// The most keys whose raisings are counted after they cleared; the longest clear is forgotten first.
const MAX_REMEMBERED: usize = 256;

/// What has the condition that tells of conditions that found no place.
pub const OVERFLOW_RESOURCE: &str = "health";

/// What that condition is.
pub const OVERFLOW_TYPE: &str = "too-many-conditions";

/// Everything that is wrong with the box.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// In the order of [`Key`], so that two boxes with the same trouble list it alike.
    standing: Vec<Standing>,
    /// How often a condition that is clear was raised before.
    remembered: Vec<Remembered>,
    generation: u64,
    overflowed: u64,
}

impl Health {
    /// A box with nothing wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The condition stands. `resource` is what has it (`link/fibre/ipv4`), `type_id` what it is
    /// (`link-down`). Answers with the record to write, if anything changed that is worth one.
    pub fn raise(
        &mut self,
        resource: &str,
        type_id: &str,
        severity: Severity,
        cause: &str,
        now: Now,
    ) -> Option<ConditionBody> {
        match self.find(resource, type_id) {
            Ok(at) => self.update(at, severity, cause),
            Err(at) if self.standing.len() < room_for(resource, type_id) => {
                Some(self.insert(at, resource, type_id, severity, cause, now))
            }
            Err(_) => self.overflow(now),
        }
    }

    /// The condition does not stand. Answers with the record to write, if it stood.
    pub fn clear(&mut self, resource: &str, type_id: &str, now: Now) -> Option<ConditionBody> {
        let at = self.find(resource, type_id).ok()?;
        let cleared = self.standing.remove(at);
        self.generation += 1;
        let stood = now.tick.since(Tick(cleared.since.tick_ms));
        let body = ConditionBody {
            raised: false,
            stood_ms: Some(u64::try_from(stood.as_millis()).unwrap_or(u64::MAX)),
            ..cleared.record()
        };
        self.remember(cleared.key, cleared.raised);
        Some(body)
    }

    /// What stands, ordered by resource and type.
    #[must_use]
    pub fn active(&self) -> Vec<ActiveCondition> {
        self.standing.iter().map(Standing::told).collect()
    }

    /// The worst severity that stands.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.standing.iter().map(|s| s.severity).max()
    }

    /// Rises with every change of [`Health::active`].
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Raisings that found no place since the daemon started.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    fn update(&mut self, at: usize, severity: Severity, cause: &str) -> Option<ConditionBody> {
        let standing = self.standing.get_mut(at)?;
        if standing.severity == severity && standing.cause == cause {
            return None;
        }
        standing.severity = severity;
        cause.clone_into(&mut standing.cause);
        self.generation += 1;
        Some(standing.record())
    }

    fn insert(
        &mut self,
        at: usize,
        resource: &str,
        type_id: &str,
        severity: Severity,
        cause: &str,
        now: Now,
    ) -> ConditionBody {
        let key = Key { resource: resource.to_owned(), type_id: type_id.to_owned() };
        let raised = self.recall(&key).saturating_add(1);
        let standing = Standing { key, severity, cause: cause.to_owned(), since: now.into(), raised };
        let record = standing.record();
        self.standing.insert(at, standing);
        self.generation += 1;
        record
    }

    fn overflow(&mut self, now: Now) -> Option<ConditionBody> {
        self.overflowed = self.overflowed.saturating_add(1);
        self.raise(
            OVERFLOW_RESOURCE,
            OVERFLOW_TYPE,
            Severity::Major,
            "more conditions than the table holds; clear the standing ones to see the others",
            now,
        )
    }

    fn find(&self, resource: &str, type_id: &str) -> Result<usize, usize> {
        self.standing.binary_search_by(|s| s.key.as_pair().cmp(&(resource, type_id)))
    }

    fn recall(&mut self, key: &Key) -> u32 {
        let found = self.remembered.iter().position(|r| r.key == *key);
        found.map_or(0, |at| self.remembered.remove(at).raised)
    }

    fn remember(&mut self, key: Key, raised: u32) {
        if self.remembered.len() >= MAX_REMEMBERED {
            self.remembered.remove(0);
        }
        self.remembered.push(Remembered { key, raised });
    }
}

/// The last place is kept for the condition that says that there is no place left.
fn room_for(resource: &str, type_id: &str) -> usize {
    if (resource, type_id) == (OVERFLOW_RESOURCE, OVERFLOW_TYPE) {
        MAX_CONDITIONS
    } else {
        MAX_CONDITIONS - 1
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    resource: String,
    type_id: String,
}

impl Key {
    fn as_pair(&self) -> (&str, &str) {
        (&self.resource, &self.type_id)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    key: Key,
    raised: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    key: Key,
    severity: Severity,
    cause: String,
    since: Stamp,
    raised: u32,
}

impl Standing {
    fn record(&self) -> ConditionBody {
        ConditionBody {
            resource: self.key.resource.clone(),
            type_id: self.key.type_id.clone(),
            raised: true,
            severity: self.severity,
            cause: self.cause.clone(),
            stood_ms: None,
        }
    }

    fn told(&self) -> ActiveCondition {
        ActiveCondition {
            resource: self.key.resource.clone(),
            type_id: self.key.type_id.clone(),
            severity: self.severity,
            cause: self.cause.clone(),
            since: self.since,
            raised: self.raised,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_raised_twice_is_recorded_once() {
        let mut health = Health::new();

        let first = health.raise("link/fibre/ipv4", "link-down", Severity::Major, "3 rounds missed", at(5));
        let second = health.raise("link/fibre/ipv4", "link-down", Severity::Major, "3 rounds missed", at(9));

        let body = first.unwrap();
        assert!(body.raised && body.stood_ms.is_none());
        assert_eq!(second, None);
        assert_eq!(health.generation(), 1);
        assert_eq!(health.active()[0].since, at(5).into());
    }

    #[test]
    fn another_cause_or_severity_is_recorded_and_keeps_the_beginning() {
        for (severity, cause) in [(Severity::Critical, "silent"), (Severity::Major, "no carrier")] {
            let mut health = Health::new();
            health.raise("link/lte/ipv4", "link-down", Severity::Major, "silent", at(5));

            let body = health.raise("link/lte/ipv4", "link-down", severity, cause, at(9)).unwrap();

            assert_eq!((body.severity, body.cause.as_str()), (severity, cause));
            assert_eq!(health.active()[0].since, at(5).into());
            assert_eq!(health.active()[0].raised, 1);
            assert_eq!(health.generation(), 2);
        }
    }

    #[test]
    fn a_cleared_condition_tells_how_long_it_stood_and_its_last_severity() {
        let mut health = Health::new();
        health.raise("card", "absent", Severity::Major, "no device", at(1_000));

        let body = health.clear("card", "absent", at(4_500)).unwrap();

        assert_eq!((body.raised, body.stood_ms, body.severity), (false, Some(3_500), Severity::Major));
        assert_eq!((health.active().len(), health.worst(), health.generation()), (0, None, 2));
    }

    #[test]
    fn clearing_what_never_stood_changes_nothing() {
        let mut health = Health::new();

        assert_eq!(health.clear("card", "absent", at(1)), None);
        assert_eq!(health.generation(), 0);
    }

    #[test]
    fn the_same_type_on_two_resources_is_two_conditions() {
        let mut health = Health::new();
        health.raise("link/b/ipv4", "link-down", Severity::Minor, "x", at(1));
        health.raise("link/a/ipv4", "link-down", Severity::Major, "x", at(2));

        let resources: Vec<_> = health.active().into_iter().map(|c| c.resource).collect();

        assert_eq!(resources, ["link/a/ipv4", "link/b/ipv4"]);
        assert_eq!(health.worst(), Some(Severity::Major));
    }

    #[test]
    fn raisings_are_counted_across_clears() {
        let mut health = Health::new();
        for turn in 0..3 {
            health.raise("wan/ipv4", "no-working-link", Severity::Critical, "x", at(turn * 10));
            health.clear("wan/ipv4", "no-working-link", at(turn * 10 + 5));
        }

        health.raise("wan/ipv4", "no-working-link", Severity::Critical, "x", at(99));

        assert_eq!(health.active()[0].raised, 4);
    }

    #[test]
    fn a_full_table_says_so_once_and_counts_the_rest() {
        let mut health = Health::new();
        for n in 0..MAX_CONDITIONS - 1 {
            assert!(health.raise(&format!("r{n}"), "t", Severity::Warning, "x", at(1)).is_some());
        }

        let told = health.raise("one-too-many", "t", Severity::Warning, "x", at(2)).unwrap();
        let untold = health.raise("two-too-many", "t", Severity::Warning, "x", at(3));

        assert_eq!((told.resource.as_str(), told.type_id.as_str()), (OVERFLOW_RESOURCE, OVERFLOW_TYPE));
        assert_eq!((untold, health.overflowed()), (None, 2));
        assert_eq!(health.active().len(), MAX_CONDITIONS);
    }

    #[test]
    fn what_was_raised_and_cleared_long_ago_is_forgotten_within_bounds() {
        let mut health = Health::new();
        for n in 0..2_000 {
            health.raise(&format!("r{n}"), "t", Severity::Warning, "x", at(n));
            health.clear(&format!("r{n}"), "t", at(n));
        }

        assert_eq!(health.remembered.len(), MAX_REMEMBERED);
    }

    fn at(ms: u64) -> Now {
        Now::at(Tick(ms))
    }
}
