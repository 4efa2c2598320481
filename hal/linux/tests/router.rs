//! The router against the real kernel: one default at every instant, repairs, adoption.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test measures, its helpers unwrap")]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hal::Family;
use hal::Family::{V4, V6};
use hal_linux::links::WatchedLink;
use hal_linux::netlink::Session;
use hal_linux::router::Router;
use hal_linux::routing::{ACTIVE_TABLE, METRIC_ACTIVE};
use wan::{FamilyPlan, Hop, RoutePlan};
use world::{Net, in_a_namespace, link, two_links, watched};

#[test]
fn a_switch_keeps_exactly_one_lowest_default_at_every_instant() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        assert_applied(&mut router, &plan(1, Some(1), Some(2)));
        let stop = Arc::new(AtomicBool::new(false));
        let looks = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || look_at_table_99(&stop)
        });

        for turn in 0..2_000u64 {
            let (active, standby) = if turn % 2 == 0 { (2, 1) } else { (1, 2) };
            let standby = (turn % 5 != 0).then_some(standby);
            assert_applied(&mut router, &plan(turn, Some(active), standby));
        }
        stop.store(true, Ordering::Relaxed);

        let looks = looks.join().unwrap();
        assert!(looks > 200, "only {looks} looks: the test saw nothing");
    });
}

fn look_at_table_99(stop: &AtomicBool) -> u32 {
    let mut session = Session::open().unwrap();
    let mut looks = 0;
    while !stop.load(Ordering::Relaxed) {
        for family in Family::BOTH {
            let routes = session.routes_of(family, ACTIVE_TABLE).unwrap();
            let lowest = routes.iter().filter(|r| r.place.metric == METRIC_ACTIVE).count();
            assert_eq!(lowest, 1, "{family}: {routes:?}");
            assert!(routes.len() <= 2, "{family}: {routes:?}");
            looks += 1;
        }
    }
    looks
}

#[test]
fn every_rule_that_is_deleted_comes_back_once_and_every_duplicate_goes() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        assert_applied(&mut router, &plan(1, Some(1), Some(2)));
        let complete = rules(net);
        assert_eq!(complete.len(), 2 * 8, "{complete:#?}");

        for (flag, rule) in complete.iter().map(|r| r.split_once(": ").unwrap()) {
            let words = as_arguments(rule);
            net.ip(&format!("{flag} rule del {words}"));
            let repaired = router.reconcile().unwrap();
            assert_eq!(repaired.done.len(), 1, "{rule}: {repaired:?}");
            assert_eq!(sorted(rules(net)), sorted(complete.clone()), "after deletion of {rule}");
        }
        for (flag, rule) in complete.iter().map(|r| r.split_once(": ").unwrap()) {
            let words = as_arguments(rule).replace("proto 200", "proto 3");
            net.ip(&format!("{flag} rule add {words}"));
            assert_eq!(rules(net).len(), complete.len() + 1, "a double of {rule}");
            router.reconcile().unwrap();
            assert_eq!(sorted(rules(net)), sorted(complete.clone()), "after doubling {rule}");
        }
    });
}

#[test]
fn foreign_routes_in_table_99_and_deleted_ones_are_put_right() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        assert_applied(&mut router, &plan(1, Some(1), Some(2)));
        let before = tables(net);

        net.ip("route add default via 10.0.2.1 table 99 metric 1");
        net.ip("-6 route add default via fd00:2::1 table 99 metric 1");
        net.ip("route append default via 10.0.2.1 table 99 metric 10");
        net.ip("route add blackhole 192.0.2.0/24 table 101");
        net.ip("route flush table 102");
        net.ip("-6 route del default table 99 metric 20");
        let repaired = router.reconcile().unwrap();

        assert_eq!(tables(net), before, "{repaired:#?}");
        assert_eq!(repaired.refused, Vec::<String>::new());
        assert_eq!(router.reconcile().unwrap().done, Vec::<String>::new(), "a second look finds nothing");
    });
}

#[test]
fn a_second_run_adopts_what_stands_and_touches_nothing() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut first, _) = Router::open(&links()).unwrap();
        assert_applied(&mut first, &plan(1, Some(2), Some(1)));
        let before = (tables(net), rules(net));
        drop(first);

        let (mut second, performed) = Router::open(&links()).unwrap();

        assert_eq!(second.adopted(V4), Some(link(2)));
        assert_eq!(second.adopted(V6), Some(link(2)));
        assert_eq!(performed.done, Vec::<String>::new());
        assert_eq!((tables(net), rules(net)), before);
        let undecided = RoutePlan { generation: 2, ..plan(1, None, None) };
        assert_applied(&mut second, &undecided);
        assert!(tables(net)[0].contains("default via 10.0.2.1"), "{:?}", tables(net));
    });
}

#[test]
fn a_start_does_not_cut_off_what_main_carries() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        net.ip("route add default via 10.0.1.1");
        let (mut router, _) = Router::open(&links()).unwrap();
        assert!(net.ip("route get 192.0.2.1").contains("via 10.0.1.1"));

        assert_applied(&mut router, &plan(1, Some(2), None));
        assert!(net.ip("route get 192.0.2.1").contains("via 10.0.2.1"));
        net.ip("route flush table 99");
        let words = std::process::Command::new("ip").args(["route", "get", "192.0.2.1"]).output().unwrap();
        assert!(!words.status.success(), "once a link was chosen, no link means no route");
        router.reconcile().unwrap();
        assert!(net.ip("route get 192.0.2.1").contains("via 10.0.2.1"));
    });
}

#[test]
fn a_point_to_point_link_and_a_gateway_replace_each_other_in_both_families() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        for turn in 0..6 {
            let mut plan = plan(turn, Some(if turn % 2 == 0 { 1 } else { 2 }), None);
            if turn % 2 == 0 {
                plan.v4.active.as_mut().unwrap().gateway = None;
                plan.v6.active.as_mut().unwrap().gateway = None;
            }
            assert_applied(&mut router, &plan);
            let mut session = Session::open().unwrap();
            for family in Family::BOTH {
                let routes = session.routes_of(family, ACTIVE_TABLE).unwrap();
                assert_eq!(routes.len(), 1, "turn {turn}, {family}: {routes:#?}");
                assert_eq!(routes[0].via.unwrap().gateway.is_none(), turn % 2 == 0);
            }
        }
    });
}

#[test]
fn routes_that_an_interface_took_down_with_it_return_when_it_returns() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        assert_applied(&mut router, &plan(1, Some(1), Some(2)));
        let before = tables(net);

        net.set_up("wan1", false);
        let while_down = router.reconcile().unwrap();
        assert!(!while_down.waiting.is_empty(), "{while_down:?}");
        assert_eq!(while_down.refused, Vec::<String>::new());
        assert!(net.ip("route get 192.0.2.1").contains("via 10.0.2.1"), "the standby carries");
        net.set_up("wan1", true);
        net.add_address("wan1", "fd00:1::2/64");
        router.reconcile().unwrap();

        assert_eq!(tables(net), before);
    });
}

#[test]
fn a_refused_active_route_is_not_applied_and_nothing_of_its_family_is_removed() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        assert_applied(&mut router, &plan(1, Some(1), Some(2)));
        let mut wrong = plan(2, Some(2), None);
        wrong.v4.active.as_mut().unwrap().ifindex = 4_000;

        let (applied, performed) = router.apply(&wrong);

        assert_eq!((applied.v4, applied.v6), (false, true));
        assert_eq!(performed.waiting.len(), 1, "{performed:?}");
        let mut session = Session::open().unwrap();
        let left = session.routes_of(V4, ACTIVE_TABLE).unwrap();
        assert_eq!(left.len(), 2, "the old default and its standby still stand: {left:?}");
    });
}

#[test]
fn marked_packets_never_fall_through_to_another_link() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        assert_applied(&mut router, &plan(1, Some(2), None));
        for (flag, target) in [("-4", "192.0.2.1"), ("-6", "2001:db8::1")] {
            assert!(net.ip(&format!("{flag} route get {target} mark 0x100")).contains("dev wan1"));
            net.ip(&format!("{flag} route flush table 101"));
            let words = format!("{flag} route get {target} mark 0x100");
            let answer = std::process::Command::new("ip").args(words.split(' ')).output().unwrap();
            assert!(!answer.status.success(), "{}", String::from_utf8_lossy(&answer.stdout));
        }
    });
}

#[test]
fn rules_of_an_address_follow_the_address() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let (mut router, _) = Router::open(&links()).unwrap();
        assert_applied(&mut router, &plan(1, Some(1), None));
        net.add_address("wan1", "10.0.1.77/24");
        let mut moved = plan(2, Some(1), None);
        for hop in moved.tables.iter_mut().chain(moved.v4.active.as_mut()) {
            if hop.link == link(1) && hop.source.is_ipv4() {
                hop.source = "10.0.1.77".parse().unwrap();
            }
        }

        assert_applied(&mut router, &moved);

        let froms: Vec<String> = rules(net).into_iter().filter(|r| r.contains("601:")).collect();
        assert_eq!(froms.len(), 2, "{froms:?}");
        assert!(froms[0].contains("10.0.1.77"), "{froms:?}");
    });
}

fn assert_applied(router: &mut Router, plan: &RoutePlan) {
    let (applied, performed) = router.apply(plan);
    assert!(applied.v4 && applied.v6, "{performed:?}");
    assert_eq!(applied.generation, plan.generation);
    assert_eq!(performed.refused, Vec::<String>::new());
}

fn links() -> Vec<WatchedLink> {
    vec![watched(1), watched(2)]
}

fn plan(generation: u64, active: Option<u8>, standby: Option<u8>) -> RoutePlan {
    let of = |family| FamilyPlan {
        active: active.map(|n| hop(n, family)),
        standby: standby.map(|n| hop(n, family)),
    };
    let tables = vec![hop(1, V4), hop(2, V4), hop(1, V6), hop(2, V6)];
    RoutePlan { generation, tables, v4: of(V4), v6: of(V6) }
}

fn hop(n: u8, family: Family) -> Hop {
    let prefix = match family {
        V4 => format!("10.0.{n}."),
        V6 => format!("fd00:{n}::"),
    };
    let address = |host| format!("{prefix}{host}").parse().unwrap();
    Hop { link: link(n), ifindex: 10 + u32::from(n), gateway: Some(address(1)), source: address(2) }
}

/// Our rules as `ip` prints them, `-4: 401: from all ...`.
fn rules(net: &Net) -> Vec<String> {
    let print = |flag: &str| net.ip(&format!("{flag} -N rule show"));
    let mut all = Vec::new();
    for flag in ["-4", "-6"] {
        let ours =
            |l: &&str| l.split(':').next().unwrap().parse::<u32>().is_ok_and(|p| (400..1000).contains(&p));
        all.extend(print(flag).lines().filter(ours).map(|l| format!("{flag}: {}", l.replace('\t', " "))));
    }
    all
}

fn tables(net: &Net) -> Vec<String> {
    let mut all = Vec::new();
    for flag in ["-4", "-6"] {
        for table in [99, 101, 102] {
            all.push(net.ip(&format!("{flag} route show table {table}")));
        }
    }
    all
}

/// `401: from all fwmark ... proto 200` as arguments of `ip rule`.
fn as_arguments(rule: &str) -> String {
    let (preference, words) = rule.split_once(": ").unwrap();
    let words = words.replace("unreachable", "type unreachable");
    let words = match words.strip_prefix("not ") {
        Some(rest) => format!("not {rest}"),
        None => words,
    };
    format!("{words} pref {preference}")
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}
