//! Who has to leave when the spool is full.
//!
//! Signals and audit records have a share that nothing else fills; whatever is not reserved goes to
//! whoever comes. When that is too much, the lowest class gives first, oldest first: audit beyond its
//! share, then state. Only if signals alone outgrow the rest do they take the audit share, and only
//! when nothing else is left does the oldest signal go.

use noc_messages::Class;

use crate::extent::Extent;

/// Kept free for signals, per cent of both bounds.
pub(crate) const SIGNAL_SHARE: u64 = 25;
/// Kept free for audit records, per cent of both bounds.
pub(crate) const AUDIT_SHARE: u64 = 10;
/// Evictions go by so many records at a time (less for a small spool): an eviction per record would
/// wear the flash and flood the NOC with losses.
const BATCH: u64 = 64;

/// What each durable class occupies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) signal: Extent,
    pub(crate) state: Extent,
    pub(crate) audit: Extent,
}

impl Usage {
    pub(crate) const fn total(self) -> Extent {
        self.signal.plus(self.state).plus(self.audit)
    }
}

/// How much of which class must go, in this order, so that all the rest fits.
pub(crate) fn evictions(usage: Usage, bound: Extent) -> Vec<(Class, Extent)> {
    let signal_share = bound.per_cent(SIGNAL_SHARE);
    let audit_share = bound.per_cent(AUDIT_SHARE);
    let reserved = usage.signal.or_more(signal_share).plus(usage.audit.or_more(audit_share));
    let mut shared = reserved.plus(usage.state).less(bound);
    let from_audit = shared.at_most(usage.audit.less(audit_share));
    shared = shared.less(from_audit);
    let from_state = shared.at_most(usage.state);

    let mut actual = usage.total().less(from_audit).less(from_state).less(bound);
    let rest_of_audit = actual.at_most(usage.audit.less(from_audit));
    actual = actual.less(rest_of_audit);
    let from_signal = actual.at_most(usage.signal);

    let wanted = [
        (Class::Audit, from_audit.plus(rest_of_audit), usage.audit),
        (Class::State, from_state, usage.state),
        (Class::Signal, from_signal, usage.signal),
    ];
    let some = wanted.into_iter().filter(|(_, wanted, _)| !wanted.is_nothing());
    some.map(|(class, wanted, there)| (class, in_batches(wanted, bound).at_most(there))).collect()
}

fn in_batches(wanted: Extent, bound: Extent) -> Extent {
    let batch = (bound.records / BATCH).clamp(1, BATCH);
    Extent::new(wanted.records.max(batch), wanted.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Extent = Extent::new(100, 100_000);

    fn used(signal: u64, state: u64, audit: u64) -> Usage {
        let of = |n: u64| Extent::new(n, n * 10);
        Usage { signal: of(signal), state: of(state), audit: of(audit) }
    }

    fn victims(signal: u64, state: u64, audit: u64) -> Vec<(Class, u64)> {
        let plan = evictions(used(signal, state, audit), BOUND);
        plan.into_iter().map(|(class, extent)| (class, extent.records)).collect()
    }

    #[test]
    fn the_lowest_class_gives_first_and_a_signal_only_when_nothing_else_is_left() {
        for (signal, state, audit, expected) in [
            (0, 65, 0, vec![]),
            (0, 66, 0, vec![(Class::State, 1)]),
            (0, 60, 16, vec![(Class::Audit, 1)]),
            (0, 66, 11, vec![(Class::Audit, 1), (Class::State, 1)]),
            (25, 65, 10, vec![]),
            (26, 65, 10, vec![(Class::State, 1)]),
            (91, 0, 10, vec![(Class::Audit, 1)]),
            (95, 0, 1, vec![]),
            (95, 1, 0, vec![(Class::State, 1)]),
            (101, 0, 0, vec![(Class::Signal, 1)]),
        ] {
            assert_eq!(victims(signal, state, audit), expected, "{signal}/{state}/{audit}");
        }
    }

    #[test]
    fn the_byte_bound_counts_as_much_as_the_record_bound() {
        let usage = Usage { state: Extent::new(3, 70_000), ..Usage::default() };

        let plan = evictions(usage, BOUND);

        assert_eq!(plan, [(Class::State, Extent::new(1, 5_000))]);
    }

    proptest::proptest! {
        #[test]
        fn after_its_evictions_all_fits_and_no_signal_left_for_anything_lower(
            signal in 0_u64..300, state in 0_u64..300, audit in 0_u64..300,
        ) {
            let usage = used(signal, state, audit);
            let mut after = usage;
            for (class, extent) in evictions(usage, BOUND) {
                let there = match class {
                    Class::Signal => &mut after.signal,
                    Class::State => &mut after.state,
                    Class::Audit | Class::Metric => &mut after.audit,
                };
                *there = there.less(extent);
            }
            proptest::prop_assert!(after.total().fits(BOUND), "{:?}", after);
            if after.signal != usage.signal {
                proptest::prop_assert_eq!((after.state.records, after.audit.records), (0, 0));
            }
            proptest::prop_assert!(signal > 90 || after.audit.records >= audit.min(10), "{:?}", after);
        }
    }
}
