//! A link fails: how fast, how far, and what it leaves alone.

use hal::Family;
use hal_sim::Entropy;
use wan::{Action, Failure, Notice, Verdict, Why};

use crate::site::{FIBRE, LTE, blackhole, id, ms, running, secs, status, switched_to, two_links, verdict};

#[test]
fn a_blackhole_is_left_within_three_quarters_of_a_second_whatever_the_phase() {
    let mut took: Vec<u64> = (0..1_000).map(blackhole_to_switch_ms).collect();

    took.sort_unstable();
    let (p50, p95, max) = (took[500], took[950], took[999]);
    assert!(max <= 750, "p50 {p50}, p95 {p95}, max {max}");
    assert!(p95 <= 700, "p50 {p50}, p95 {p95}, max {max}");
}

/// Each phase has its own seed, so that probe times and round trips differ too.
fn blackhole_to_switch_ms(phase: u64) -> u64 {
    let mut world = running(two_links(), phase);
    world.kernel.delay = ms(1);
    world.run_for(ms(Entropy::new(phase).below(1_000)));
    let fault = world.now();
    blackhole(&mut world, FIBRE, true);

    let at = world.run_until_action(secs(2), switched_to(LTE, Family::V4)).expect("it switches");

    assert_eq!(world.kernel.active(Family::V4), Some(id(LTE)));
    at.0 - fault.0
}

#[test]
fn a_lost_carrier_moves_both_families_by_one_plan_in_the_same_turn() {
    let mut world = running(two_links(), 1);
    let fault = world.now();

    world.change(id(FIBRE), |l| l.carrier = false);

    let plans = world.log().iter().filter(|e| e.at >= fault && matches!(e.action, Action::ApplyRoutes(_)));
    assert_eq!(plans.count(), 1);
    for family in Family::BOTH {
        assert_eq!(world.kernel.active(family), Some(id(LTE)));
        assert_eq!(world.kernel.family(family).standby, None, "a dead link is no standby");
    }
    world.run_for(ms(1));
    assert_eq!(world.kernel.flushed(), [id(FIBRE)]);
}

#[test]
fn a_lost_address_moves_only_its_family() {
    let mut world = running(two_links(), 1);
    let fault = world.now();

    world.change(id(FIBRE), |l| l.v6.addressing = None);
    world.run_for(secs(20));

    assert_eq!(world.kernel.active(Family::V6), Some(id(LTE)));
    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)));
    assert_eq!(world.kernel.flushed(), [], "flows of the other family still use the link");
    assert_eq!(world.switches(fault), 1);
}

#[test]
fn an_outage_of_ipv6_alone_leaves_ipv4_where_it_is() {
    let mut world = running(two_links(), 1);
    let fault = world.now();

    world.change(id(FIBRE), |l| l.v6.blackhole = true);
    world.run_for(secs(20));

    assert_eq!(world.kernel.active(Family::V6), Some(id(LTE)));
    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)));
    assert_eq!(world.switches(fault), 1);
    assert_eq!(verdict(&world, FIBRE, Family::V4), Verdict::Up);
}

#[test]
fn a_router_that_says_unreachable_is_believed_without_waiting() {
    for failure in [Failure::Unreachable, Failure::NoRoute] {
        let mut world = running(two_links(), 1);
        let fault = world.now();
        world.change(id(FIBRE), |l| l.v4.refusal = Some(failure));

        let at = world.run_until_action(secs(2), switched_to(LTE, Family::V4)).expect("it switches");

        // One interval until the next round, then two rounds of the burst.
        assert!(at.0 - fault.0 <= 220 + 2 * 55, "{failure:?} took {} ms", at.0 - fault.0);
    }
}

#[test]
fn one_dead_target_of_three_is_told_by_itself_and_moves_nothing() {
    let mut world = running(two_links(), 1);
    let fault = world.now();
    let dead = "198.51.100.1".parse().unwrap();

    world.change(id(FIBRE), |l| {
        l.v4.dead_targets.insert(dead);
    });
    world.run_for(secs(120));

    assert_eq!(world.notices(fault).count(), 0);
    let status = status(&world, FIBRE, Family::V4);
    assert_eq!((status.verdict, status.loss_pct), (Verdict::Up, Some(0)));
    for target in status.targets {
        assert_eq!(target.loss_pct, if target.target == dead { 100 } else { 0 });
    }
}

#[test]
fn a_quorum_that_cannot_be_reached_is_a_missed_round() {
    let mut config = two_links();
    for link in &mut config.links {
        link.quorum = 2;
    }
    let mut world = running(config, 1);

    world.change(id(FIBRE), |l| {
        l.v4.dead_targets = ["198.51.100.1", "198.51.100.2"].map(|t| t.parse().unwrap()).into();
    });
    world.run_for(secs(2));

    assert_eq!(verdict(&world, FIBRE, Family::V4), Verdict::Down);
    assert_eq!(world.kernel.active(Family::V4), Some(id(LTE)));
}

#[test]
fn a_slower_path_is_given_time_and_not_taken_for_a_dead_one() {
    let mut world = running(two_links(), 1);
    let from = world.now();

    for rtt in [100, 190, 260, 400, 700, 1_000, 30, 600] {
        world.change(id(FIBRE), move |l| l.v4.rtt = ms(rtt));
        world.run_for(secs(30));
        assert!(world.carries(Family::V4));
    }

    assert_eq!(world.switches(from), 1, "only the jump from 30 to 600 ms outruns the burst");
}

#[test]
fn a_single_lost_round_raises_suspicion_and_nothing_else() {
    let mut world = running(two_links(), 1);
    let from = world.now();
    blackhole(&mut world, FIBRE, true);
    world.change_at(from + ms(230), id(FIBRE), |l| {
        l.v4.blackhole = false;
        l.v6.blackhole = false;
    });

    world.run_for(secs(10));

    assert_eq!(world.notices(from).count(), 0);
    assert!(world.wan.status(hal::Now::at(world.now())).counters.suspicions > 0);
}

#[test]
fn flows_are_forgotten_after_the_switch_and_only_then() {
    let mut world = running(two_links(), 1);
    let fault = world.now();
    blackhole(&mut world, FIBRE, true);
    world.run_for(secs(2));

    let story: Vec<&Action> = world.log().iter().filter(|e| e.at >= fault).map(|e| &e.action).collect();
    let flush = story.iter().position(|a| matches!(a, Action::FlushFlows { .. })).expect("flushed");
    let told = story[..flush].iter().filter(|a| matches!(a, Action::Tell(Notice::Switched { .. }))).count();

    assert_eq!(told, 2, "both families had moved");
    assert_eq!(world.kernel.flushed(), [id(FIBRE)]);
    let why = world.notices(fault).find_map(|n| match n {
        Notice::Switched { why, .. } => Some(*why),
        Notice::Judged { .. } | Notice::AllDown { .. } | Notice::AnyUp { .. } => None,
    });
    assert_eq!(why, Some(Why::CurrentDown));
}
