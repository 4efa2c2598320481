//! The daemon starts: with nothing, with a dead link, with what the kernel already does.

use hal::Family;
use hal_sim::World;
use wan::{Action, Notice, Verdict, Why};

use crate::site::{FIBRE, LTE, blackhole, id, ms, secs, switched_to, two_links, verdict};

#[test]
fn a_site_has_a_route_before_anything_is_verified() {
    let mut world = World::new(two_links(), 1);

    world.start(None, None);

    for family in Family::BOTH {
        assert_eq!(world.kernel.active(family), Some(id(FIBRE)));
    }
    assert_eq!(world.probes(id(FIBRE), Family::V4), 0, "no probe before its route is acknowledged");
}

#[test]
fn a_primary_that_is_linked_but_dead_gives_way_within_a_second() {
    for seed in 0..200 {
        let mut world = World::new(two_links(), seed);
        blackhole(&mut world, FIBRE, true);
        let start = world.now();
        world.start(None, None);

        let at = world.run_until_action(secs(5), switched_to(LTE, Family::V4)).expect("it switches");

        assert!(at.0 - start.0 <= 1_000, "seed {seed}: {} ms", at.0 - start.0);
    }
}

#[test]
fn the_preferred_link_is_taken_although_the_backup_answers_first() {
    let mut world = World::new(two_links(), 1);
    world.change(id(FIBRE), |l| l.v4.rtt = ms(300));
    let start = world.now();

    world.start(None, None);
    world.run_for(secs(10));

    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)));
    assert_eq!(world.switches(start), 2, "the first choice of each family and nothing more");
}

#[test]
fn what_the_kernel_already_does_is_kept_until_it_is_judged() {
    let mut world = World::new(two_links(), 1);
    let start = world.now();

    world.start(Some(id(LTE)), Some(id(LTE)));
    world.run_for(secs(30));

    assert_eq!(world.switches(start), 0);
    assert_eq!(world.kernel.active(Family::V4), Some(id(LTE)));
    world.run_for(secs(40));
    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)), "failback as at any other time");
}

#[test]
fn a_dead_link_is_not_kept_for_having_been_adopted() {
    let mut world = World::new(two_links(), 1);
    blackhole(&mut world, FIBRE, true);
    let start = world.now();
    world.start(Some(id(FIBRE)), None);

    let at = world.run_until_action(secs(5), switched_to(LTE, Family::V4)).expect("it switches");

    assert!(at.0 - start.0 <= 1_000);
}

#[test]
fn an_adopted_link_is_why_adopted_until_it_answers() {
    let mut world = World::new(two_links(), 1);
    world.start(Some(id(LTE)), None);

    let why = |world: &World| world.wan.status(hal::Now::at(world.now())).families[0].why;

    assert_eq!(why(&world), Why::Adopted);
    world.run_for(secs(1));
    assert_eq!(why(&world), Why::WaitForFailback);
}

#[test]
fn a_link_whose_lease_comes_late_is_waited_for_without_complaint() {
    let mut world = World::new(two_links(), 1);
    let start = world.now();
    world.change(id(FIBRE), |l| l.v4.addressing = None);
    world.change(id(LTE), |l| l.v4.addressing = None);
    world.change_at(start + secs(4), id(FIBRE), |l| {
        l.v4.addressing = hal_sim::SimLink::healthy(l.id).v4.addressing;
    });
    world.start(None, None);

    world.run_for(secs(9));

    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)));
    let complaints = world.notices(start).filter(|n| match n {
        Notice::AllDown { .. } => true,
        Notice::Judged { to, .. } => *to != Verdict::Up,
        Notice::Switched { .. } | Notice::AnyUp { .. } => false,
    });
    assert_eq!(complaints.count(), 0);
}

#[test]
fn a_link_that_never_comes_is_told_once_when_patience_ends() {
    let mut world = World::new(two_links(), 1);
    let start = world.now();
    world.change(id(LTE), |l| l.ifindex = None);

    world.start(None, None);
    world.run_for(secs(60));

    let told: Vec<_> = world
        .log()
        .iter()
        .filter(|e| matches!(e.action, Action::Tell(Notice::Judged { to: Verdict::NoCarrier, .. })))
        .map(|e| e.at.0 - start.0)
        .collect();
    assert_eq!(told, [10_000, 10_000], "one per family");
    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)), "a missing link blocks nothing");
}

#[test]
fn a_family_without_targets_is_neither_judged_nor_used() {
    let mut config = two_links();
    for link in &mut config.links {
        link.targets.retain(std::net::IpAddr::is_ipv4);
    }
    let mut world = World::new(config, 1);

    world.start(None, None);
    world.run_for(secs(5));

    assert_eq!(world.kernel.active(Family::V6), None);
    assert_eq!(world.probes(id(FIBRE), Family::V6), 0);
    assert_eq!(world.wan.status(hal::Now::at(world.now())).families.len(), 1);
    assert_eq!(verdict(&world, FIBRE, Family::V4), Verdict::Up);
}
