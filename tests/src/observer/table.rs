//! Table 99 of one family as notifications and dumps tell it. Pure.

use std::time::Duration;

use super::Family;
use super::ledger::{Invariant, Wrong};
use super::links::Links;
use super::routes::Default as Route;

/// The link that carries a family changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Which family.
    pub family: Family,
    /// Since the observer's start.
    pub at: Duration,
    /// The interface left; `None` if there was none.
    pub from: Option<String>,
    /// The interface taken.
    pub to: String,
}

/// Who carries a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reign {
    /// As the table says it.
    pub(super) active: Option<u32>,
    /// The first in the table that has carrier.
    pub(super) stand_in: Option<u32>,
}

/// The defaults of one family.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    routes: Vec<Route>,
    existed: bool,
    /// The kernel may have taken routes away and told nobody.
    doubted: bool,
}

impl Table {
    /// All defaults, freshly dumped.
    pub(super) fn set(&mut self, mut routes: Vec<Route>) {
        routes.sort();
        self.routes = routes;
        self.existed |= !self.routes.is_empty();
        self.doubted = false;
    }

    /// Until the next look a new route may be in the place of one that went in silence.
    pub(super) fn doubt(&mut self) {
        self.doubted = true;
    }

    /// A route came; `replaced`: in the place of the one with its metric.
    pub(super) fn add(&mut self, route: Route, replaced: bool) {
        if replaced || self.doubted {
            self.routes.retain(|r| r.metric != route.metric);
        }
        if !self.routes.contains(&route) {
            self.routes.push(route);
            self.routes.sort();
        }
        self.existed = true;
    }

    /// A route went.
    pub(super) fn remove(&mut self, route: &Route) {
        self.routes.retain(|r| (r.metric, r.oif) != (route.metric, route.oif) || r.gateway != route.gateway);
    }

    /// The interface that carries the family; `None` unless it is exactly one.
    pub(super) fn active(&self) -> Option<u32> {
        match self.lowest().as_slice() {
            [one] if !one.multipath => Some(one.oif),
            _ => None,
        }
    }

    /// The interfaces that packets may leave by: the active one, and while that has no carrier the
    /// standby, which the kernel then takes by itself.
    pub(super) fn reign(&self, links: &Links) -> Reign {
        let living = self.routes.iter().find(|r| links.carrier(r.oif)).map(|r| r.oif);
        Reign { active: self.active(), stand_in: living }
    }

    /// What is wrong with it.
    pub(super) fn judge(&self, family: Family, links: &Links) -> Vec<Wrong> {
        let lowest = self.lowest();
        let behind = &self.routes[lowest.len()..];
        let describe = || format!("{:?}", self.routes);
        let mut wrong = Vec::new();
        let mut say = |invariant, detail| wrong.push(Wrong::new(invariant, family, 0, detail));
        if lowest.len() > 1 || lowest.iter().any(|r| r.multipath) {
            say(Invariant::TwoActive, describe());
        }
        if lowest.is_empty() && self.existed {
            say(Invariant::NoDefault, "table 99 is empty".to_owned());
        }
        if behind.len() > 1 || behind.iter().any(|r| r.multipath) {
            say(Invariant::TwoStandby, describe());
        }
        if let Some(dead) = behind.iter().find(|r| !links.carrier(r.oif)) {
            say(Invariant::DeadStandby, format!("{} has no carrier", links.name(dead.oif)));
        }
        wrong
    }

    fn lowest(&self) -> Vec<&Route> {
        let metric = self.routes.first().map(|r| r.metric);
        self.routes.iter().take_while(|r| Some(r.metric) == metric).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::links::Link;
    use super::*;

    fn route(metric: u32, oif: u32) -> Route {
        Route { metric, oif, gateway: None, multipath: false }
    }

    fn links() -> Links {
        let link = |name: &str, carrier| Link { name: name.into(), carrier };
        Links {
            by_index: [(1, link("wan1", true)), (2, link("wan2", true)), (3, link("wan3", false))].into(),
        }
    }

    fn wrong(routes: &[Route]) -> Vec<Invariant> {
        let mut table = Table::default();
        table.set(routes.to_vec());
        table.judge(Family::V4, &links()).into_iter().map(|w| w.invariant).collect()
    }

    #[test]
    fn one_active_and_one_living_standby_are_right() {
        assert_eq!(wrong(&[route(10, 1), route(20, 2)]), []);
        assert_eq!(wrong(&[route(10, 3)]), [], "the last route stays although its link is dead");
        assert_eq!(wrong(&[]), [], "before the first route nothing is wrong");
    }

    #[test]
    fn each_law_can_be_broken() {
        assert_eq!(wrong(&[route(10, 1), route(10, 2)]), [Invariant::TwoActive]);
        assert_eq!(wrong(&[Route { multipath: true, ..route(10, 1) }]), [Invariant::TwoActive]);
        assert_eq!(wrong(&[route(10, 1), route(20, 2), route(30, 1)]), [Invariant::TwoStandby]);
        assert_eq!(wrong(&[route(10, 1), route(20, 2), route(20, 1)]), [Invariant::TwoStandby]);
        assert_eq!(wrong(&[route(10, 1), route(20, 3)]), [Invariant::DeadStandby]);
    }

    #[test]
    fn a_replace_leaves_one_default_at_every_step_and_a_delete_first_does_not() {
        let mut table = Table::default();
        table.set(vec![route(10, 1)]);
        table.add(route(10, 2), true);
        assert_eq!((table.active(), table.judge(Family::V4, &links()).len()), (Some(2), 0));
        table.remove(&route(10, 2));
        assert_eq!(table.judge(Family::V4, &links())[0].invariant, Invariant::NoDefault);
        table.add(route(10, 1), false);
        table.add(route(10, 2), false);
        assert_eq!(table.judge(Family::V4, &links())[0].invariant, Invariant::TwoActive);
        assert_eq!(table.active(), None);
    }

    #[test]
    fn a_route_that_went_in_silence_is_no_second_default_and_a_look_ends_the_doubt() {
        let mut table = Table::default();
        table.set(vec![route(10, 1)]);
        table.doubt();
        table.add(route(10, 2), false);
        assert_eq!((table.active(), table.judge(Family::V4, &links()).len()), (Some(2), 0));
        table.set(vec![route(10, 2)]);
        table.add(route(10, 1), false);
        assert_eq!(table.judge(Family::V4, &links())[0].invariant, Invariant::TwoActive);
    }

    #[test]
    fn while_the_active_link_has_no_carrier_the_standby_stands_in() {
        let mut table = Table::default();
        table.set(vec![route(10, 3), route(20, 2)]);
        assert_eq!(table.reign(&links()), Reign { active: Some(3), stand_in: Some(2) });
        table.set(vec![route(10, 1), route(20, 2)]);
        assert_eq!(table.reign(&links()), Reign { active: Some(1), stand_in: Some(1) });
    }

    #[test]
    fn hearing_again_what_a_dump_already_showed_changes_nothing() {
        let mut table = Table::default();
        table.set(vec![route(10, 2), route(20, 1)]);
        table.add(route(20, 1), false);
        table.add(route(10, 2), true);
        table.remove(&route(20, 2));
        assert_eq!(table.judge(Family::V4, &links()), []);
        assert_eq!(table.active(), Some(2));
    }
}
