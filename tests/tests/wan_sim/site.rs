//! The sites that the tests run, and the words that they share.

use std::net::IpAddr;
use std::time::Duration;

use hal::{Family, LinkId};
use hal_sim::World;
use wan::{Action, LinkConfig, LinkStatus, Notice, Timing, Verdict, WanConfig};

/// The preferred link.
pub(crate) const FIBRE: u8 = 1;
/// The backup.
pub(crate) const LTE: u8 = 2;

pub(crate) fn id(n: u8) -> LinkId {
    LinkId::new(n).expect("a number of 1..=49")
}

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Three targets of each family, any one of which proves a link.
pub(crate) fn targets() -> Vec<IpAddr> {
    let v4 = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
    let v6 = ["2001:db8:53::1", "2001:db8:53::2", "2001:db8:53::3"];
    v4.iter().chain(&v6).map(|t| t.parse().expect("a literal address")).collect()
}

pub(crate) fn link(n: u8, rank: u8) -> LinkConfig {
    let name = if n == FIBRE { "fibre".to_owned() } else { format!("lte{n}") };
    LinkConfig { id: id(n), name, rank, metered: false, targets: targets(), quorum: 1 }
}

/// Fibre before LTE, everything else as shipped.
pub(crate) fn two_links() -> WanConfig {
    WanConfig { links: vec![link(FIBRE, 1), link(LTE, 2)], timing: Timing::default() }
}

/// A site that has been running over its fibre for ten seconds.
pub(crate) fn running(config: WanConfig, seed: u64) -> World {
    let mut world = World::new(config, seed);
    world.start(None, None);
    world.run_for(secs(10));
    for family in Family::BOTH {
        assert_eq!(world.kernel.active(family), Some(id(FIBRE)));
    }
    world
}

pub(crate) fn blackhole(world: &mut World, link: u8, on: bool) {
    world.change(id(link), |l| {
        l.v4.blackhole = on;
        l.v6.blackhole = on;
    });
}

pub(crate) fn switched_to(link: u8, family: Family) -> impl Fn(&Action) -> bool {
    move |action| match action {
        Action::Tell(Notice::Switched { family: f, to, .. }) => *f == family && *to == id(link),
        Action::Tell(Notice::Judged { .. } | Notice::AllDown { .. } | Notice::AnyUp { .. })
        | Action::SendProbe(_)
        | Action::ApplyRoutes(_)
        | Action::FlushFlows { .. } => false,
    }
}

pub(crate) fn status(world: &World, link: u8, family: Family) -> LinkStatus {
    let status = world.wan.status(hal::Now::at(world.now()));
    status.links.into_iter().find(|l| l.link == id(link) && l.family == family).expect("a judged link")
}

pub(crate) fn verdict(world: &World, link: u8, family: Family) -> Verdict {
    status(world, link, family).verdict
}
