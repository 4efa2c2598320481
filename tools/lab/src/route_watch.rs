//! Watches table 99 of the box from outside: where traffic goes, since when, and whether there was
//! ever an instant with more or less than one way.
//!
//! It reads by its own dumps, as often as it can, and asks the daemon nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hal_linux::netlink::packet::AddressFamily;
use hal_linux::netlink::packet::route::{RouteAttribute, RouteMessage};
use hal_linux::netlink::{NetlinkError, RouteNetlinkMessage, Session};
use serde::Serialize;

use crate::flow::FlowFamily;
use crate::keeper::{Asked, Keeper};
use crate::lab::Lab;
use crate::plan::{Link, MAX_LINKS, index};

/// The table that carries traffic.
const ACTIVE: u8 = 99;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// More switches or faults than that are not kept.
const MAX_KEPT: usize = 1024;

/// The kernel keeps no such routing table yet.
const ENOENT: i32 = 2;

/// A change of the way that traffic takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Of which family.
    pub family: FlowFamily,
    /// When it was seen.
    pub at: Instant,
    /// The link left; `None` at the first way ever.
    pub from: Option<Link>,
    /// The link taken.
    pub to: Link,
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Every change, in order.
    pub switches: Vec<Switch>,
    /// Instants at which the law of one way did not hold, in words.
    pub faults: Vec<String>,
    /// How often both families were looked at.
    pub looks: u64,
    /// The longest time between two looks.
    pub longest_blink: Duration,
}

impl Seen {
    /// Where traffic of a family goes.
    #[must_use]
    pub fn active(&self, family: FlowFamily) -> Option<Link> {
        self.switches.iter().rev().find(|switch| switch.family == family).map(|switch| switch.to)
    }

    /// The first change to a link after `since`.
    #[must_use]
    pub fn switched(&self, family: FlowFamily, to: Link, since: Instant) -> Option<Switch> {
        let fits = |s: &&Switch| s.family == family && s.to == to && s.at >= since;
        self.switches.iter().find(fits).copied()
    }
}

/// A running watch. Dropped, it stops.
#[derive(Debug)]
pub struct RouteWatch {
    keeper: Keeper<Seen>,
}

impl RouteWatch {
    /// Starts watching.
    pub fn start(lab: &Lab) -> Result<Self> {
        Ok(Self { keeper: Keeper::start(lab.branch(), "route watch", watch)? })
    }

    /// What was seen so far.
    pub fn seen(&mut self) -> Result<Seen> {
        self.keeper.log()
    }

    /// Waits until traffic of a family has gone over to a link after `since`.
    pub fn wait_for(
        &mut self,
        family: FlowFamily,
        to: Link,
        since: Instant,
        within: Duration,
    ) -> Result<Switch> {
        let deadline = Instant::now() + within;
        loop {
            let seen = self.seen()?;
            if let Some(switch) = seen.switched(family, to, since) {
                return Ok(switch);
            }
            if Instant::now() >= deadline {
                bail!(
                    "{family:?} traffic did not go over to link {to} within {within:?}: {:?}",
                    seen.active(family)
                );
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn watch(asked: &Asked<Seen>) -> Result<()> {
    let mut session = Session::open()?;
    let mut seen = Seen::default();
    let mut looked_at = Instant::now();
    loop {
        for family in [FlowFamily::V4, FlowFamily::V6] {
            note(&mut seen, family, &defaults(&mut session, family)?);
        }
        seen.looks += 1;
        seen.longest_blink = seen.longest_blink.max(looked_at.elapsed());
        looked_at = Instant::now();
        if !asked.rest(&seen, LOOK_EVERY) {
            return Ok(());
        }
    }
}

/// Judges one look and keeps what is new about it.
fn note(seen: &mut Seen, family: FlowFamily, defaults: &[DefaultRoute]) {
    let before = seen.active(family);
    match way(defaults) {
        Ok(Some(to)) if Some(to) != before && seen.switches.len() < MAX_KEPT => {
            seen.switches.push(Switch { family, at: Instant::now(), from: before, to });
        }
        Ok(Some(_)) => {}
        Ok(None) if before.is_none() => {}
        Ok(None) => complain(seen, format!("{family:?}: no default although there had been one")),
        Err(fault) => complain(seen, format!("{family:?}: {fault}")),
    }
}

fn complain(seen: &mut Seen, fault: String) {
    if seen.faults.len() < MAX_KEPT && seen.faults.last() != Some(&fault) {
        seen.faults.push(fault);
    }
}

/// A default route of table 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct DefaultRoute {
    metric: u32,
    interface: u32,
}

/// The one way that traffic takes. At the lowest metric there is exactly one default, behind it at
/// most one standby.
fn way(defaults: &[DefaultRoute]) -> Result<Option<Link>> {
    let mut by_metric: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for default in defaults {
        by_metric.entry(default.metric).or_default().push(default.interface);
    }
    let mut ranks = by_metric.values();
    let Some(active) = ranks.next() else { return Ok(None) };
    let [interface] = active[..] else { bail!("{} defaults at the lowest metric", active.len()) };
    let standbys: usize = ranks.map(Vec::len).sum();
    if standbys > 1 {
        bail!("{standbys} standby routes");
    }
    let link = (1..=MAX_LINKS).filter_map(Link::new).find(|link| index::box_wan(*link) == interface);
    link.map(Some).with_context(|| format!("the default leads to interface {interface}, which is no link"))
}

fn defaults(session: &mut Session, family: FlowFamily) -> Result<Vec<DefaultRoute>> {
    let mut message = RouteMessage::default();
    message.header.address_family = match family {
        FlowFamily::V4 => AddressFamily::Inet,
        FlowFamily::V6 => AddressFamily::Inet6,
    };
    message.header.table = ACTIVE;
    let found = match session.dump(RouteNetlinkMessage::GetRoute(message)) {
        Ok(found) => found,
        Err(NetlinkError::Kernel { errno: ENOENT, .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    Ok(found.iter().filter_map(default_in).collect())
}

fn default_in(message: &RouteNetlinkMessage) -> Option<DefaultRoute> {
    let RouteNetlinkMessage::NewRoute(route) = message else { return None };
    (route.header.destination_prefix_length == 0).then(|| default(route))
}

fn default(route: &RouteMessage) -> DefaultRoute {
    let mut default = DefaultRoute { metric: 0, interface: 0 };
    for attribute in &route.attributes {
        if let RouteAttribute::Priority(metric) = attribute {
            default.metric = *metric;
        }
        if let RouteAttribute::Oif(interface) = attribute {
            default.interface = *interface;
        }
    }
    default
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(defaults: &[(u32, u32)]) -> std::result::Result<Option<Link>, String> {
        let defaults: Vec<DefaultRoute> = defaults
            .iter()
            .map(|(metric, interface)| DefaultRoute { metric: *metric, interface: *interface })
            .collect();
        way(&defaults).map_err(|error| error.to_string())
    }

    #[test]
    fn one_default_and_one_standby_are_lawful() {
        assert_eq!(judged(&[]), Ok(None));
        assert_eq!(judged(&[(10, 12)]), Ok(Some(Link::B)));
        assert_eq!(judged(&[(20, 12), (10, 11)]), Ok(Some(Link::A)));
    }

    #[test]
    fn two_ways_two_standbys_and_foreign_ways_are_not() {
        for (defaults, word) in [
            (&[(10, 11), (10, 12)][..], "2 defaults"),
            (&[(10, 11), (20, 12), (20, 13)], "2 standby"),
            (&[(10, 11), (20, 12), (30, 13)], "2 standby"),
            (&[(10, 5)], "no link"),
        ] {
            assert!(judged(defaults).unwrap_err().contains(word), "{defaults:?}");
        }
    }

    #[test]
    fn a_way_that_vanished_is_a_fault_and_a_way_that_never_was_is_none() {
        let mut seen = Seen::default();
        note(&mut seen, FlowFamily::V4, &[]);
        assert!(seen.faults.is_empty());
        note(&mut seen, FlowFamily::V4, &[DefaultRoute { metric: 10, interface: 11 }]);
        note(&mut seen, FlowFamily::V4, &[]);
        note(&mut seen, FlowFamily::V4, &[DefaultRoute { metric: 10, interface: 12 }]);
        assert_eq!(seen.faults.len(), 1);
        let ways: Vec<_> = seen.switches.iter().map(|s| (s.from, s.to)).collect();
        assert_eq!(ways, [(None, Link::A), (Some(Link::A), Link::B)]);
    }
}
