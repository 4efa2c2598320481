//! Nothing works, something works again, and the way back.

use hal::{Family, Tick};
use hal_sim::World;
use wan::{Action, Notice, Verdict};

use crate::site::{FIBRE, LTE, blackhole, id, link, ms, running, secs, switched_to, two_links, verdict};

#[test]
fn with_all_links_dead_the_last_route_is_kept_and_told_once() {
    let mut world = running(two_links(), 1);
    blackhole(&mut world, LTE, true);
    world.run_for(secs(10));
    let fault = world.now();
    blackhole(&mut world, FIBRE, true);

    world.run_for(secs(3_600));

    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)));
    assert_eq!(count(&world, fault, |n| matches!(n, Notice::AllDown { family: Family::V4 })), 1);
    assert_eq!(world.kernel.flushed(), []);
    assert_eq!(world.switches(fault), 0);
}

#[test]
fn links_that_die_together_cost_one_switch_at_most() {
    for seed in 0..50 {
        let mut world = running(two_links(), seed);
        let fault = world.now();
        blackhole(&mut world, FIBRE, true);
        blackhole(&mut world, LTE, true);

        world.run_for(secs(600));

        assert_eq!(count(&world, fault, |n| matches!(n, Notice::AllDown { family: Family::V4 })), 1);
        assert!(count(&world, fault, |n| matches!(n, Notice::Switched { family: Family::V4, .. })) <= 1);
    }
}

#[test]
fn both_dead_then_back_in_reverse_order_uses_the_first_that_answers() {
    let mut world = running(two_links(), 1);
    blackhole(&mut world, FIBRE, true);
    world.run_for(secs(5));
    blackhole(&mut world, LTE, true);
    world.run_for(secs(5));
    let fault = world.now();
    assert!(!world.carries(Family::V4));

    blackhole(&mut world, FIBRE, false);
    let back = world.run_until_action(secs(5), switched_to(FIBRE, Family::V4)).expect("used again");
    blackhole(&mut world, LTE, false);
    world.run_for(secs(120));

    assert!(back.0 - fault.0 <= 400, "an answered round, and one more to be sure: {}", back.0 - fault.0);
    assert_eq!(world.kernel.active(Family::V4), Some(id(FIBRE)));
    assert_eq!(count(&world, fault, |n| matches!(n, Notice::AnyUp { family: Family::V4 })), 1);
}

#[test]
fn a_cable_that_comes_back_after_all_were_out_is_used_without_the_hold_time() {
    let mut world = running(two_links(), 1);
    for n in [FIBRE, LTE] {
        world.change(id(n), |l| l.carrier = false);
    }
    world.run_for(secs(60));
    let back = world.now();

    world.change(id(LTE), |l| l.carrier = true);
    let at = world.run_until_action(secs(5), switched_to(LTE, Family::V4));

    // The route stood on LTE or fibre when the last cable went; either way traffic flows at once.
    assert!(world.carries(Family::V4));
    assert!(at.is_none_or(|at| at.0 - back.0 <= 300));
}

#[test]
fn a_link_that_answers_again_proves_itself_for_the_hold_time() {
    let mut world = running(two_links(), 1);
    blackhole(&mut world, LTE, true);
    world.run_for(secs(10));
    assert_eq!(verdict(&world, LTE, Family::V4), Verdict::Down);
    let back = world.now();

    blackhole(&mut world, LTE, false);
    let up = world.run_until_action(secs(20), judged_up(LTE)).expect("up again");

    let took = up.0 - back.0;
    assert!((3_000..=5_000).contains(&took), "{took} ms");
}

#[test]
fn one_missed_round_in_the_hold_time_starts_it_again() {
    let mut world = running(two_links(), 1);
    blackhole(&mut world, LTE, true);
    world.run_for(secs(10));
    let back = world.now();
    blackhole(&mut world, LTE, false);
    world.change_at(back + ms(2_500), id(LTE), |l| l.v4.blackhole = true);
    world.change_at(back + ms(3_500), id(LTE), |l| l.v4.blackhole = false);

    let up = world.run_until_action(secs(20), judged_up(LTE)).expect("up again");

    assert!(up.0 - back.0 >= 6_500, "{} ms", up.0 - back.0);
}

#[test]
fn traffic_goes_back_after_the_failback_time_and_no_flow_is_cut() {
    let mut world = running(two_links(), 1);
    blackhole(&mut world, FIBRE, true);
    world.run_for(secs(5));
    assert_eq!(world.kernel.flushed(), [id(FIBRE)]);
    blackhole(&mut world, FIBRE, false);
    let up = world.run_until_action(secs(20), judged_up(FIBRE)).expect("up again");

    let explained = world.wan.explain(hal::Now::at(world.now())).join("\n");
    let at = world.run_until_action(secs(120), switched_to(FIBRE, Family::V4)).expect("failback");

    assert!(explained.contains("IPv4 goes back to fibre in 1 min 0 s"), "{explained}");
    assert_eq!(at.0 - up.0, 60_000);
    assert_eq!(world.kernel.flushed(), [id(FIBRE)], "nothing was flushed on the way back");
}

#[test]
fn a_link_of_equal_rank_is_no_reason_to_move() {
    let mut config = two_links();
    config.links = vec![link(FIBRE, 1), link(LTE, 1)];
    let mut world = running(config, 1);
    blackhole(&mut world, FIBRE, true);
    world.run_for(secs(5));
    blackhole(&mut world, FIBRE, false);
    let back = world.now();

    world.run_for(secs(600));

    assert_eq!(world.switches(back), 0);
    assert_eq!(world.kernel.active(Family::V4), Some(id(LTE)));
}

#[test]
fn a_working_link_is_not_left_for_a_preferred_one_that_never_proved_itself() {
    let mut world = running(two_links(), 1);
    blackhole(&mut world, FIBRE, true);
    world.run_for(secs(5));
    world.change(id(FIBRE), |l| {
        l.v4.blackhole = false;
        l.v4.loss_permille = 900;
    });
    let back = world.now();

    world.run_for(secs(3_600));

    assert_eq!(
        world.notices(back).filter(|n| matches!(n, Notice::Switched { family: Family::V4, .. })).count(),
        0
    );
}

#[test]
fn a_metered_standby_costs_one_round_in_half_a_minute() {
    let mut config = two_links();
    config.links[1].metered = true;
    let mut world = running(config, 1);
    let before = world.probes(id(LTE), Family::V4);

    world.run_for(secs(24 * 3_600));

    let rounds = (world.probes(id(LTE), Family::V4) - before) / 3;
    assert!((2_800..=2_960).contains(&rounds), "{rounds} rounds a day");
}

#[test]
fn a_metered_link_that_nobody_could_relieve_is_not_probed_in_haste() {
    let mut config = two_links();
    config.links[1].metered = true;
    let mut world = running(config, 1);
    world.change(id(FIBRE), |l| l.carrier = false);
    let before = world.probes(id(LTE), Family::V4);

    world.run_for(secs(600));

    let rounds = (world.probes(id(LTE), Family::V4) - before) / 3;
    assert!((560..=660).contains(&rounds), "about one a second: {rounds}");
}

fn judged_up(link: u8) -> impl Fn(&Action) -> bool {
    move |action| match action {
        Action::Tell(Notice::Judged { link: l, family, to, .. }) => {
            *l == id(link) && *family == Family::V4 && *to == Verdict::Up
        }
        Action::Tell(Notice::Switched { .. } | Notice::AllDown { .. } | Notice::AnyUp { .. })
        | Action::SendProbe(_)
        | Action::ApplyRoutes(_)
        | Action::FlushFlows { .. } => false,
    }
}

fn count(world: &World, from: Tick, wanted: impl Fn(&Notice) -> bool) -> usize {
    world.notices(from).filter(|n| wanted(n)).count()
}
