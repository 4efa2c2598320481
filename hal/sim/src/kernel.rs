//! The kernel's routes as plans leave them, and the laws that no plan may break.

use core::time::Duration;
use std::collections::BTreeSet;

use hal::{Family, LinkId};
use wan::{FamilyPlan, Hop, RoutePlan, RoutesApplied};

/// Table 99 and the links' own tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SimKernel {
    /// From the plan to its acknowledgement.
    pub delay: Duration,
    /// Families whose part of every plan is refused.
    pub refuses: BTreeSet<Family>,
    /// Plans are taken and never answered.
    pub mute: bool,
    tables: Vec<Hop>,
    v4: FamilyPlan,
    v6: FamilyPlan,
    generation: u64,
    flushed: Vec<LinkId>,
}

impl SimKernel {
    /// Does what the plan says, and answers.
    ///
    /// # Panics
    /// If the plan breaks a law: an old generation, a standby that is the active one, a route
    /// of the wrong family, or a route over a link whose own table would be missing.
    pub fn apply(&mut self, plan: &RoutePlan) -> RoutesApplied {
        assert!(plan.generation > self.generation, "generations only rise: {plan:?}");
        self.generation = plan.generation;
        for family in Family::BOTH {
            check(family, plan);
            if !self.refuses.contains(&family) {
                self.replace(family, plan);
            }
        }
        RoutesApplied {
            generation: plan.generation,
            v4: !self.refuses.contains(&Family::V4),
            v6: !self.refuses.contains(&Family::V6),
        }
    }

    /// Forgets a link's flows.
    pub fn flush(&mut self, link: LinkId) {
        self.flushed.push(link);
    }

    /// The links whose flows were forgotten, in order.
    #[must_use]
    pub fn flushed(&self) -> &[LinkId] {
        &self.flushed
    }

    /// What stands in table 99.
    #[must_use]
    pub const fn family(&self, family: Family) -> &FamilyPlan {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Where traffic of a family goes.
    #[must_use]
    pub fn active(&self, family: Family) -> Option<LinkId> {
        self.family(family).active.map(|hop| hop.link)
    }

    /// The default routes of the links' own tables.
    #[must_use]
    pub fn tables(&self) -> &[Hop] {
        &self.tables
    }

    /// A link's table leads out by this source.
    #[must_use]
    pub fn has_table(&self, link: LinkId, source: core::net::IpAddr) -> bool {
        self.tables.iter().any(|hop| hop.link == link && hop.source == source)
    }

    fn replace(&mut self, family: Family, plan: &RoutePlan) {
        self.tables.retain(|hop| hop.family() != family);
        self.tables.extend(plan.tables.iter().filter(|hop| hop.family() == family));
        let wanted = *plan.family(family);
        let stands = match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        stands.active = wanted.active.or(stands.active);
        stands.standby = wanted.standby;
    }
}

fn check(family: Family, plan: &RoutePlan) {
    let part = plan.family(family);
    for hop in part.active.iter().chain(&part.standby) {
        assert_eq!(hop.family(), family, "a route of the other family: {plan:?}");
        assert!(plan.tables.contains(hop), "a route over a link without a table: {plan:?}");
    }
    let same = part.active.is_some_and(|active| part.standby.is_some_and(|s| s.link == active.link));
    assert!(!same, "a link cannot stand behind itself: {plan:?}");
}
