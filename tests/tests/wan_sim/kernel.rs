//! The kernel refuses, is slow or says nothing; addresses change; our own process stands still.

use hal::{Family, LinkId};
use wan::{Action, Addressing, Notice, Verdict};

use crate::site::{FIBRE, LTE, id, ms, running, secs, switched_to, two_links, verdict};

#[test]
fn a_refused_switch_is_not_believed_and_is_tried_again_ever_more_slowly() {
    let mut world = running(two_links(), 1);
    let fault = world.now();
    world.kernel.refuses.insert(Family::V4);
    world.change(id(FIBRE), |l| l.carrier = false);
    world.run_for(secs(30));

    let told = world.notices(fault).filter(|n| matches!(n, Notice::Switched { family: Family::V4, .. }));
    assert_eq!(told.count(), 0);
    assert_eq!(world.wan.uplink(Family::V6).map(|(link, _)| link), Some(id(LTE)), "the other family moved");
    let asked: Vec<u64> = plans_since(&world, fault).collect();
    assert_eq!(&asked[..6], [0, 100, 300, 700, 1_500, 3_100]);
    assert!(asked.windows(2).all(|w| w[1] - w[0] <= 5_000), "{asked:?}");

    world.kernel.refuses.clear();
    let at = world.run_until_action(secs(6), switched_to(LTE, Family::V4));

    assert!(at.is_some());
    assert_eq!(world.kernel.active(Family::V4), Some(id(LTE)));
}

fn plans_since(world: &hal_sim::World, from: hal::Tick) -> impl Iterator<Item = u64> {
    let plans = world.log().iter().filter(move |e| e.at >= from);
    plans.filter(|e| matches!(e.action, Action::ApplyRoutes(_))).map(move |e| e.at.0 - from.0)
}

#[test]
fn a_plan_that_is_never_answered_is_asked_for_again() {
    let mut world = running(two_links(), 1);
    world.kernel.mute = true;
    let fault = world.now();
    world.change(id(FIBRE), |l| l.carrier = false);
    world.run_for(secs(5));
    assert_eq!(world.switches(fault), 0);

    world.kernel.mute = false;
    world.run_for(secs(10));

    assert_eq!(world.switches(fault), 2);
}

#[test]
fn the_time_a_switch_took_ends_with_the_acknowledgement() {
    let mut world = running(two_links(), 1);
    world.kernel.delay = ms(7);
    let fault = world.now();

    world.change(id(FIBRE), |l| l.carrier = false);
    world.run_for(secs(1));

    let took: Vec<_> = world
        .notices(fault)
        .filter_map(|n| match n {
            Notice::Switched { took, .. } => Some(*took),
            Notice::Judged { .. } | Notice::AllDown { .. } | Notice::AnyUp { .. } => None,
        })
        .collect();
    assert_eq!(took, [ms(7), ms(7)]);
}

#[test]
fn a_process_that_stood_still_blames_no_link() {
    for stall in [60, 150, 400, 1_000, 5_000, 60_000] {
        let mut world = running(two_links(), stall);
        let from = world.now();

        for _ in 0..50 {
            world.run_for(ms(137));
            world.stall(ms(stall));
        }
        world.run_for(secs(5));

        assert_eq!(world.notices(from).count(), 0, "stalls of {stall} ms");
        assert_eq!(verdict(&world, FIBRE, Family::V4), Verdict::Up);
    }
}

#[test]
fn rounds_noticed_too_late_are_counted_as_our_own_fault() {
    let mut world = running(two_links(), 1);
    world.change(id(FIBRE), |l| l.v4.blackhole = true);
    world.run_for(ms(100));

    world.stall(secs(5));
    world.run_for(ms(10));

    assert_eq!(verdict(&world, FIBRE, Family::V4), Verdict::Up, "nothing was seen that could be trusted");
    assert!(world.wan.status(hal::Now::at(world.now())).counters.late_rounds > 0);
    world.run_for(secs(1));
    assert_eq!(verdict(&world, FIBRE, Family::V4), Verdict::Down, "the next rounds count");
}

#[test]
fn a_box_that_is_always_a_little_late_still_finds_a_dead_link() {
    let mut world = running(two_links(), 1);
    let fault = world.now();
    world.change(id(FIBRE), |l| l.v4.blackhole = true);

    // Every turn of the loop is 30 ms late: more than half the interval of a burst.
    while world.now() < fault + secs(10) && verdict(&world, FIBRE, Family::V4) != Verdict::Down {
        world.stall(ms(30));
        world.run_for(ms(1));
    }

    assert!(world.now() <= fault + secs(3), "{} ms", world.now().0 - fault.0);
}

#[test]
fn a_renewed_lease_with_the_same_address_changes_nothing() {
    let mut world = running(two_links(), 1);
    let from = world.now();
    let facts = world.link(id(FIBRE)).facts();

    world.wan.handle_facts(facts, hal::Now::at(from));
    world.run_for(secs(5));

    assert_eq!(plans_since(&world, from).count(), 0);
    assert_eq!(world.notices(from).count(), 0);
}

#[test]
fn another_address_or_interface_number_is_followed_at_once_without_leaving_the_link() {
    let readdress: [fn(&mut hal_sim::SimLink); 2] = [
        |l| {
            l.v4.addressing =
                Some(Addressing { source: [10, 0, 0, 9].into(), gateway: Some([10, 0, 0, 1].into()) });
        },
        |l| l.ifindex = Some(77),
    ];
    for change in readdress {
        let mut world = running(two_links(), 1);
        let from = world.now();

        world.change(id(FIBRE), change);
        world.run_for(ms(200));

        let hop = world.kernel.family(Family::V4).active.unwrap();
        let link = world.link(id(FIBRE));
        assert_eq!((hop.link, Some(hop.ifindex)), (id(FIBRE), link.ifindex));
        assert_eq!(Some(hop.source), link.v4.addressing.map(|a| a.source));
        assert_eq!(verdict(&world, FIBRE, Family::V4), Verdict::Up);
        assert_eq!(world.switches(from), 0);
    }
}

#[test]
fn what_was_lost_over_the_old_address_is_not_held_against_the_new_one() {
    let mut world = running(two_links(), 1);
    world.change(id(LTE), |l| l.v4.blackhole = true);
    world.run_for(secs(30));

    world.change(id(LTE), |l| {
        l.v4.blackhole = false;
        l.v4.addressing = Some(Addressing { source: [10, 0, 0, 9].into(), gateway: None });
    });
    world.run_for(ms(900));

    let status = crate::site::status(&world, LTE, Family::V4);
    assert_eq!((status.verdict, status.loss_pct), (Verdict::HoldDown, Some(0)));
    assert!(status.targets.iter().all(|t| t.loss_pct == 0));
}

#[test]
fn a_link_that_nobody_configured_is_counted_and_ignored() {
    let mut world = running(two_links(), 1);
    let from = world.now();
    let mut facts = world.link(id(FIBRE)).facts();
    facts.link = LinkId::new(9).unwrap();

    world.wan.handle_facts(facts, hal::Now::at(from));

    assert_eq!(world.wan.status(hal::Now::at(from)).counters.odd_input, 1);
}
