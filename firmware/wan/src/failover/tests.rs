use super::*;

#[test]
fn traffic_has_moved_only_when_the_kernel_said_so() {
    let mut failover = Failover::default();
    let plan = failover.propose(&wants(Some(1), Some(2)), WHYS, Tick(100)).unwrap();
    assert_eq!(failover.seat(Family::V4).active, None);

    let answered = failover.answer(applied(&plan, true, true), Tick(103)).unwrap();

    let took = Duration::from_millis(3);
    let v4 = Move { family: Family::V4, from: None, to: id(1), why: Why::First, took };
    assert_eq!(answered.moves, [v4, Move { family: Family::V6, to: id(2), ..v4 }]);
    assert_eq!(failover.seat(Family::V4).active, Some(id(1)));
    assert_eq!(failover.seat(Family::V4).switches, 0, "a first choice is no switch");
}

#[test]
fn what_stands_is_not_asked_for_again() {
    let (mut failover, wanted) = standing();

    assert_eq!(failover.propose(&wanted, WHYS, Tick(200)), None);
    assert_eq!(failover.deadline(), None);
}

#[test]
fn one_plan_is_outstanding_at_a_time() {
    let mut failover = Failover::default();
    let first = failover.propose(&wants(Some(1), None), WHYS, Tick(0)).unwrap();

    assert_eq!(failover.propose(&wants(Some(2), None), WHYS, Tick(1)), None);
    failover.answer(applied(&first, true, true), Tick(2));

    let second = failover.propose(&wants(Some(2), None), WHYS, Tick(2)).unwrap();
    assert_eq!(second.generation, first.generation + 1);
}

#[test]
fn a_refused_family_is_tried_again_ever_more_slowly_and_the_other_stands() {
    let mut failover = Failover::default();
    let wanted = wants(Some(1), Some(1));
    let mut now = Tick(0);
    let mut pauses = Vec::new();

    for _ in 0..9 {
        let plan = failover.propose(&wanted, WHYS, now).unwrap();
        let moves = failover.answer(applied(&plan, true, false), now).unwrap().moves;
        assert!(moves.iter().all(|m| m.family == Family::V4));
        assert_eq!(failover.propose(&wanted, WHYS, now), None);
        let due = failover.deadline().unwrap();
        pauses.push(due.since(now).as_millis());
        now = due;
    }

    assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    assert_eq!(failover.seat(Family::V4).active, Some(id(1)));
    assert_eq!(failover.seat(Family::V6).active, None);
    assert_eq!(failover.refused, 9);
}

#[test]
fn another_wish_does_not_wait_for_the_pause_of_a_refused_one() {
    let mut failover = Failover::default();
    let plan = failover.propose(&wants(Some(1), None), WHYS, Tick(0)).unwrap();
    failover.answer(applied(&plan, false, true), Tick(0));

    assert!(failover.propose(&wants(Some(2), None), WHYS, Tick(1)).is_some());
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let (mut failover, _) = standing();
    let before = failover.clone();

    for generation in [0, 1, 99] {
        assert_eq!(failover.answer(RoutesApplied { generation, v4: true, v6: true }, Tick(1)), None);
    }

    assert_eq!(failover, before);
}

#[test]
fn a_plan_without_an_answer_counts_as_refused() {
    let mut failover = Failover::default();
    let plan = failover.propose(&wants(Some(1), None), WHYS, Tick(0)).unwrap();

    assert_eq!(failover.expire(Tick(999)), None);
    let answered = failover.expire(Tick(1_000)).unwrap();

    assert_eq!((answered.moves.len(), answered.tables), (0, plan.tables.clone()));
    assert_eq!(failover.answer(applied(&plan, true, true), Tick(1_001)), None, "too late");
    assert!(failover.propose(&wants(Some(1), None), WHYS, Tick(1_100)).is_some());
}

#[test]
fn a_move_is_told_with_the_reason_it_was_asked_for_and_from_the_first_attempt_on() {
    let (mut failover, _) = standing();
    let wanted = wants(Some(2), Some(1));
    let down = PerFamily::new(|_| Why::CurrentDown);
    let refused = failover.propose(&wanted, down, Tick(1_000)).unwrap();
    failover.answer(applied(&refused, false, true), Tick(1_001));
    let plan = failover.propose(&wanted, PerFamily::new(|_| Why::AllDown), Tick(1_101)).unwrap();
    // By the time of the answer the choice is another one.
    failover.propose(&wants(Some(1), Some(1)), WHYS, Tick(1_102));

    let answered = failover.answer(applied(&plan, true, true), Tick(1_105)).unwrap();

    let took = Duration::from_millis(105);
    let moved = Move { family: Family::V4, from: Some(id(1)), to: id(2), why: Why::CurrentDown, took };
    assert_eq!((answered.moves, moved.dead()), (vec![moved], Some(id(1))));
    assert_eq!(failover.seat(Family::V4).switches, 1);
}

#[test]
fn adoption_is_believed_only_before_the_first_plan() {
    let mut failover = Failover::default();
    assert!(failover.adopt(Family::V4, id(2), Tick(5)));
    assert!(failover.seat(Family::V4).adopted);
    let plan = failover.propose(&wants(Some(2), None), WHYS, Tick(6)).unwrap();
    let moves = failover.answer(applied(&plan, true, true), Tick(6)).unwrap().moves;

    assert_eq!(moves, [], "it was there already");
    assert!(!failover.adopt(Family::V4, id(1), Tick(7)));
    assert_eq!(failover.seat(Family::V4).active, Some(id(2)));
}

const WHYS: PerFamily<Why> = PerFamily { v4: Why::First, v6: Why::First };

fn standing() -> (Failover, PerFamily<Want>) {
    let mut failover = Failover::default();
    let wanted = wants(Some(1), Some(1));
    let plan = failover.propose(&wanted, WHYS, Tick(0)).unwrap();
    failover.answer(applied(&plan, true, true), Tick(0)).unwrap();
    (failover, wanted)
}

fn applied(plan: &RoutePlan, v4: bool, v6: bool) -> RoutesApplied {
    RoutesApplied { generation: plan.generation, v4, v6 }
}

fn wants(v4: Option<u8>, v6: Option<u8>) -> PerFamily<Want> {
    PerFamily::new(|family| {
        let active = match family {
            Family::V4 => v4.map(|n| hop(n, [192, 0, 2, n].into())),
            Family::V6 => v6.map(|n| hop(n, [0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()].into())),
        };
        Want { plan: FamilyPlan { active, standby: None }, tables: active.into_iter().collect() }
    })
}

fn hop(n: u8, source: core::net::IpAddr) -> Hop {
    Hop { link: id(n), ifindex: n.into(), gateway: None, source }
}

fn id(n: u8) -> LinkId {
    LinkId::new(n).unwrap()
}
