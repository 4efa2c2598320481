//! What has to change in the kernel's policy routing so that it looks like a plan. Pure.
//!
//! ```text
//! pref 400+N  fwmark N<<8/0xff00  -> table 100+N      probes and deliberately pinned flows
//! pref 450    not fwmark 0/0xff00 -> unreachable      the guard: marked packets never use another link
//! pref 500    main, defaults suppressed               LAN, VPN and connected networks first
//! pref 600+N  from <address of N> -> table 100+N      the box's own sockets bound to an address
//! pref 700    table 99                                the switch
//! pref 710    unreachable                             no link: fail at once, do not time out
//! ```
//! The whole set stands once per family. A change that puts something comes before every change
//! that removes something. Table `main` and rules of others are never touched.

mod rules;
mod words;

use std::net::IpAddr;

use hal::{Family, LinkId};
use wan::{Hop, RoutePlan};

pub use rules::{KernelRule, Rule, Select, Then};

/// `rtm_protocol` of our routes and `FRA_PROTOCOL` of our rules.
pub const PROTOCOL: u8 = 200;
/// The table whose default carries the site.
pub const ACTIVE_TABLE: u32 = 99;
/// `RT_TABLE_MAIN`: what DHCP clients and the kernel write; read, never written.
pub const MAIN_TABLE: u32 = 254;
/// Metric of the default that carries traffic, and of the default in each link's own table.
pub const METRIC_ACTIVE: u32 = 10;
/// Metric of the default behind it.
pub const METRIC_STANDBY: u32 = 20;

/// Where a default route lives. The kernel replaces in place what has the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// IPv4 or IPv6.
    pub family: Family,
    /// The routing table.
    pub table: u32,
    /// `RTA_PRIORITY`; the smallest wins.
    pub metric: u32,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via {
    /// The interface.
    pub ifindex: u32,
    /// `None` on a point-to-point link.
    pub gateway: Option<IpAddr>,
    /// Preferred source.
    pub source: Option<IpAddr>,
}

/// A default route as we make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it lives.
    pub place: Place,
    /// Where it leads.
    pub via: Via,
}

impl Route {
    fn new(table: u32, metric: u32, hop: &Hop) -> Self {
        Self {
            place: Place { family: hop.family(), table, metric },
            via: Via { ifindex: hop.ifindex, gateway: hop.gateway, source: Some(hop.source) },
        }
    }
}

/// A route that stands in one of our tables, whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelRoute {
    /// Where it lives.
    pub place: Place,
    /// `None`: everything, a default route.
    pub destination: Option<(IpAddr, u8)>,
    /// Who made it.
    pub protocol: u8,
    /// `None`: of a kind that we never make (several next hops, blackhole).
    pub via: Option<Via>,
}

impl KernelRoute {
    /// The kernel's view of a route of ours.
    #[must_use]
    pub const fn ours(route: &Route) -> Self {
        Self { place: route.place, destination: None, protocol: PROTOCOL, via: Some(route.via) }
    }

    fn is(&self, route: &Route) -> bool {
        *self == Self::ours(route)
    }

    /// In the table of some link, configured or not.
    pub(crate) const fn is_in_a_links_table(&self) -> bool {
        matches!(self.place.table, 101..=160)
    }

    fn is_default_at(&self, place: Place) -> bool {
        self.destination.is_none() && self.place == place
    }
}

/// Our tables and all rules that could be ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelRouting {
    /// Routes in table 99 and in the links' tables.
    pub routes: Vec<KernelRoute>,
    /// Rules in the kernel's order.
    pub rules: Vec<KernelRule>,
}

impl KernelRouting {
    /// The default that carries a family, whoever made it.
    #[must_use]
    pub fn active(&self, family: Family) -> Option<&KernelRoute> {
        self.defaults(family).min_by_key(|r| r.place.metric)
    }

    /// What the kernel does when it is told to replace.
    fn put(&mut self, route: &Route) {
        let made = KernelRoute::ours(route);
        match self.routes.iter_mut().find(|k| k.is_default_at(route.place)) {
            Some(replaced) => *replaced = made,
            None => self.routes.push(made),
        }
    }

    fn defaults(&self, family: Family) -> impl Iterator<Item = &KernelRoute> {
        self.routes.iter().filter(move |r| {
            r.place.family == family && r.place.table == ACTIVE_TABLE && r.destination.is_none()
        })
    }
}

/// How the kernel is to look.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// Every configured link.
    pub links: &'a [LinkId],
    /// The families that the kernel has.
    pub families: &'a [Family],
    /// `None` until the first plan: rules are completed, nothing is removed.
    pub plan: Option<&'a RoutePlan>,
    /// The last rule of the set is wanted. It is withheld only while no link was ever chosen, so
    /// that a start does not cut off traffic that the default in `main` carries.
    pub fail_fast: bool,
}

impl Goal<'_> {
    /// The routes of the plan in the order in which they are to be put: the switch comes first.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let Some(plan) = self.plan else { return Vec::new() };
        let of = |pick: fn(&wan::FamilyPlan) -> Option<Hop>, metric| {
            self.families
                .iter()
                .filter_map(move |f| pick(plan.family(*f)))
                .map(move |hop| Route::new(ACTIVE_TABLE, metric, &hop))
        };
        let tables = plan.tables.iter().map(|hop| Route::new(hop.link.table(), METRIC_ACTIVE, hop));
        of(|p| p.active, METRIC_ACTIVE)
            .chain(of(|p| p.standby, METRIC_STANDBY))
            .chain(tables.filter(|r| self.families.contains(&r.place.family)))
            .collect()
    }
}

/// One change of the kernel's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Put or replace in place.
    PutRoute(Route),
    /// Add a rule.
    AddRule(Rule),
    /// Remove a route.
    DropRoute(KernelRoute),
    /// Remove one copy of a rule.
    DropRule(KernelRule),
}

/// The changes that lead from `kernel` to `goal`, in the order in which they are to be made.
#[must_use]
pub fn changes(kernel: &KernelRouting, goal: &Goal<'_>) -> Vec<Change> {
    let wanted = goal.routes();
    let missing: Vec<Route> =
        wanted.iter().filter(|w| !kernel.routes.iter().any(|k| k.is(w))).copied().collect();
    let mut then = kernel.clone();
    missing.iter().for_each(|route| then.put(route));
    let (add, drop) = rules::changes(&kernel.rules, goal);
    let put = missing.into_iter().map(Change::PutRoute);
    let drop_routes = routes_to_drop(&then, goal, &wanted).into_iter().map(Change::DropRoute);
    put.chain(add.into_iter().map(Change::AddRule))
        .chain(drop_routes)
        .chain(drop.into_iter().map(Change::DropRule))
        .collect()
}

/// `kernel` as it is once everything that is wanted stands.
fn routes_to_drop(kernel: &KernelRouting, goal: &Goal<'_>, wanted: &[Route]) -> Vec<KernelRoute> {
    if goal.plan.is_none() {
        return Vec::new();
    }
    let stays = |route: &KernelRoute| {
        wanted.iter().any(|w| route.is(w))
            || !is_in_our_care(route, goal)
            || is_left_standing(route, kernel, goal, wanted)
    };
    kernel.routes.iter().filter(|route| !stays(route)).copied().collect()
}

/// Table 99 and the tables of configured links are ours whoever writes there; in the tables of
/// links that are no longer configured only what we made ourselves.
fn is_in_our_care(route: &KernelRoute, goal: &Goal<'_>) -> bool {
    route.place.table == ACTIVE_TABLE
        || goal.links.iter().any(|l| l.table() == route.place.table)
        || (route.protocol == PROTOCOL && route.is_in_a_links_table())
}

/// A plan that names no active link leaves what carries traffic, be it only the standby, be it
/// another's while there is none of ours.
fn is_left_standing(route: &KernelRoute, kernel: &KernelRouting, goal: &Goal<'_>, wanted: &[Route]) -> bool {
    let family = route.place.family;
    if goal.plan.is_some_and(|p| p.family(family).active.is_some()) {
        return false;
    }
    let is_wanted = |k: &KernelRoute| wanted.iter().any(|w| k.is(w));
    let ours = kernel.defaults(family).filter(|k| k.protocol == PROTOCOL);
    let carries = ours.min_by_key(|k| (k.place.metric, !is_wanted(k)));
    carries.or_else(|| kernel.active(family)) == Some(route)
}

#[cfg(test)]
mod tests;
