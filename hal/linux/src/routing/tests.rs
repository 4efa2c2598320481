//! Tables: what stands, what is planned, what is to be done. A small model of the kernel executes
//! the changes, so that every test also shows that a second look finds nothing to do.

use std::net::IpAddr;

use hal::Family::{V4, V6};
use proptest::prelude::*;
use proptest::{collection, option};
use wan::FamilyPlan;

use super::*;

#[test]
fn an_empty_kernel_gets_the_switch_first_then_tables_then_rules() {
    let plan = plan(Some(1), Some(2));
    let list = changes(&KernelRouting::default(), &goal(&plan));

    let words: Vec<String> = list.iter().map(ToString::to_string).collect();
    let v4: Vec<&str> = words.iter().map(String::as_str).filter(|w| w.contains("IPv4")).collect();
    assert_eq!(
        v4,
        [
            "put IPv4 route default via 10.0.1.1 dev #11 src 10.0.1.2 table 99 metric 10",
            "put IPv4 route default via 10.0.2.1 dev #12 src 10.0.2.2 table 99 metric 20",
            "put IPv4 route default via 10.0.1.1 dev #11 src 10.0.1.2 table 101 metric 10",
            "put IPv4 route default via 10.0.2.1 dev #12 src 10.0.2.2 table 102 metric 10",
            "add IPv4 rule pref 401 fwmark 0x100/0xff00 lookup 101",
            "add IPv4 rule pref 402 fwmark 0x200/0xff00 lookup 102",
            "add IPv4 rule pref 450 not fwmark 0x0/0xff00 unreachable",
            "add IPv4 rule pref 500 lookup 254 suppress_prefixlength 0",
            "add IPv4 rule pref 601 from 10.0.1.2 lookup 101",
            "add IPv4 rule pref 602 from 10.0.2.2 lookup 102",
            "add IPv4 rule pref 700 lookup 99",
            "add IPv4 rule pref 710 unreachable",
        ]
    );
    assert_eq!(words.len(), 2 * v4.len(), "IPv6 gets the same set");
    assert!(words[0].starts_with("put IPv4") && words[1].starts_with("put IPv6"), "{words:?}");
}

#[test]
fn a_switch_is_one_replace_per_family_and_leaves_the_rules_alone() {
    let before = plan(Some(1), None);
    let kernel = standing(&before);

    let after = plan(Some(2), None);
    let list = changes(&kernel, &goal(&after));

    let words: Vec<String> = list.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "put IPv4 route default via 10.0.2.1 dev #12 src 10.0.2.2 table 99 metric 10",
            "put IPv6 route default via fd00:2::1 dev #12 src fd00:2::2 table 99 metric 10",
        ]
    );
}

#[test]
fn nothing_is_removed_before_everything_that_is_put_stands() {
    let mut kernel = standing(&plan(Some(1), Some(2)));
    kernel.rules.push(KernelRule { rule: kernel.rules[0].rule, protocol: 3 });
    let moved = RoutePlan { tables: vec![hop(2, V4), hop(2, V6)], ..plan(Some(2), None) };

    let list = changes(&kernel, &goal(&moved));

    let removes = |c: &Change| matches!(c, Change::DropRoute(_) | Change::DropRule(_));
    let first = list.iter().position(removes).unwrap();
    assert!(list[first..].iter().all(removes), "{list:?}");
    assert!(first > 0);
}

#[test]
fn an_undecided_plan_leaves_what_carries_traffic() {
    let both = plan(Some(1), Some(2));
    let undecided = plan(None, None);
    type Stands = fn(&KernelRoute) -> bool;
    let table: [(&str, Stands, &[u32]); 3] = [
        ("active and standby stand", |_| true, &[10]),
        ("the kernel took the active away", |r| r.place.metric == 20, &[20]),
        ("nothing stands", |_| false, &[]),
    ];
    for (what, stands, expected) in table {
        let mut kernel = standing(&both);
        kernel.routes.retain(|r| r.place.table != ACTIVE_TABLE || stands(r));

        execute(&mut kernel, &goal(&undecided));

        for family in Family::BOTH {
            let metrics: Vec<u32> = defaults(&kernel, family);
            assert_eq!(metrics, expected, "{what}, {family}");
        }
    }
}

#[test]
fn an_undecided_plan_keeps_ours_over_a_foreign_default_and_a_foreign_one_over_none() {
    let undecided = plan(None, None);
    let foreign = KernelRoute {
        place: Place { family: V4, table: ACTIVE_TABLE, metric: 5 },
        destination: None,
        protocol: 3,
        via: None,
    };
    for (ours_stands, expected) in [(true, [10]), (false, [5])] {
        let mut kernel = standing(&plan(Some(1), None));
        kernel.routes.retain(|r| ours_stands || r.place.table != ACTIVE_TABLE);
        kernel.routes.insert(0, foreign);

        execute(&mut kernel, &goal(&undecided));

        assert_eq!(defaults(&kernel, V4), expected);
    }
}

#[test]
fn foreign_routes_in_our_tables_go_and_foreign_rules_stay() {
    let plan = plan(Some(1), None);
    let mut kernel = standing(&plan);
    let foreign = |table, metric, destination, protocol| KernelRoute {
        place: Place { family: V4, table, metric },
        destination,
        protocol,
        via: Some(Via { ifindex: 99, gateway: None, source: None }),
    };
    let host: (IpAddr, u8) = ("192.0.2.1".parse().unwrap(), 32);
    kernel.routes.insert(0, foreign(99, 5, None, 3));
    kernel.routes.push(foreign(99, 10, None, 3));
    kernel.routes.push(foreign(101, 0, Some(host), 4));
    kernel.routes.push(foreign(109, 10, None, PROTOCOL));
    let kept = foreign(109, 10, None, 4);
    kernel.routes.push(kept);
    let rule = Rule {
        family: V4,
        preference: 690,
        select: Select::All,
        then: Then::Lookup { table: 5, skip_defaults: false },
    };
    kernel.rules.push(KernelRule { rule, protocol: 3 });

    let list = execute(&mut kernel, &goal(&plan));

    assert_eq!(list.len(), 4, "{list:?}");
    assert_eq!(defaults(&kernel, V4), [10]);
    assert!(kernel.routes.contains(&kept), "another daemon's table is not ours");
    assert!(kernel.rules.iter().any(|k| k.rule == rule));
}

#[test]
fn a_deleted_rule_comes_back_and_of_duplicates_one_stays() {
    let plan = plan(Some(1), None);
    let complete = standing(&plan);
    for index in 0..complete.rules.len() {
        let mut lacking = complete.clone();
        let gone = lacking.rules.remove(index);
        let list = execute(&mut lacking, &goal(&plan));
        assert_eq!(list, [Change::AddRule(gone.rule)]);

        for protocol in [PROTOCOL, 0, 3] {
            let mut doubled = complete.clone();
            let double = KernelRule { rule: complete.rules[index].rule, protocol };
            doubled.rules.insert(index, double);
            let list = execute(&mut doubled, &goal(&plan));
            assert_eq!(list, [Change::DropRule(double)]);
        }
    }
}

#[test]
fn a_new_address_gets_its_rule_before_the_old_one_loses_its() {
    let mut kernel = standing(&plan(Some(1), None));
    let mut renumbered = plan(Some(1), None);
    let address: IpAddr = "10.0.1.77".parse().unwrap();
    renumbered.tables[0].source = address;
    renumbered.v4.active = Some(renumbered.tables[0]);

    let list = execute(&mut kernel, &goal(&renumbered));

    let words: Vec<String> = list.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "put IPv4 route default via 10.0.1.1 dev #11 src 10.0.1.77 table 99 metric 10",
            "put IPv4 route default via 10.0.1.1 dev #11 src 10.0.1.77 table 101 metric 10",
            "add IPv4 rule pref 601 from 10.0.1.77 lookup 101",
            "remove IPv4 rule pref 601 from 10.0.1.2 lookup 101 proto 200",
        ]
    );
}

#[test]
fn before_the_first_plan_nothing_is_removed() {
    let mut kernel = standing(&plan(Some(1), Some(2)));
    let links = links();
    let goal = Goal { links: &links[..1], families: &Family::BOTH, plan: None, fail_fast: true };

    let list = changes(&kernel, &goal);

    let mark_of_link_2 = |c: &Change| matches!(c, Change::DropRule(k) if k.rule.preference == 402);
    assert!(list.iter().all(mark_of_link_2), "only the rule of a link that is no more: {list:?}");
    execute(&mut kernel, &goal);
    assert_eq!(defaults(&kernel, V4), [10, 20]);
}

#[test]
fn the_last_rule_is_withheld_until_a_link_was_chosen() {
    let links = links();
    let goal = Goal { links: &links, families: &[V4], plan: None, fail_fast: false };
    let mut kernel = KernelRouting::default();

    execute(&mut kernel, &goal);
    let preferences: Vec<u32> = kernel.rules.iter().map(|k| k.rule.preference).collect();

    assert_eq!(preferences, [401, 402, 450, 500, 700]);
}

#[test]
fn a_route_that_lost_its_source_is_put_again() {
    let plan = plan(Some(1), None);
    let mut kernel = standing(&plan);
    let stripped = kernel.routes.iter_mut().find(|r| r.place.family == V6).unwrap();
    stripped.via.as_mut().unwrap().source = None;

    let list = execute(&mut kernel, &goal(&plan));

    assert!(matches!(list[..], [Change::PutRoute(r)] if r.place.family == V6), "{list:?}");
}

proptest! {
    #[test]
    fn whatever_stands_comes_right_without_cutting_anybody_off(
        kernel in any_kernel(),
        active in option::of(1u8..=2),
        standby in option::of(1u8..=2),
        fail_fast: bool,
        planned: bool,
    ) {
        let plan = plan(active, standby.filter(|s| Some(*s) != active));
        let links = links();
        let goal =
            Goal { links: &links, families: &Family::BOTH, plan: planned.then_some(&plan), fail_fast };
        let mut kernel = kernel;

        execute(&mut kernel, &goal);

        for family in Family::BOTH {
            let metrics = defaults(&kernel, family);
            prop_assert!(!planned || active.is_none() || metrics.first() == Some(&METRIC_ACTIVE), "{metrics:?}");
            prop_assert!(!planned || metrics.len() <= 2, "{metrics:?}");
            prop_assert!(metrics.windows(2).all(|two| !planned || two[0] < two[1]), "{metrics:?}");
        }
    }
}

/// Anything that we, an earlier run or others could have left in our tables and rules.
fn any_kernel() -> impl Strategy<Value = KernelRouting> {
    let protocol = || prop_oneof![3 => Just(PROTOCOL), 1 => Just(3u8), 1 => Just(0)];
    let family = || prop_oneof![Just(V4), Just(V6)];
    let table = prop_oneof![3 => Just(99u32), 1 => Just(101), 1 => Just(102), 1 => Just(109)];
    let metric = prop_oneof![2 => Just(10u32), 2 => Just(20), 1 => Just(5), 1 => Just(0)];
    let destination = option::weighted(0.2, Just(()));
    let route = (family(), table, metric, destination, protocol(), option::weighted(0.9, 1u8..=2)).prop_map(
        |(family, table, metric, destination, protocol, via)| KernelRoute {
            place: Place { family, table, metric },
            destination: destination.map(|()| (hop(9, family).source, 24)),
            protocol,
            via: via.map(|n| Route::new(table, metric, &hop(n, family)).via),
        },
    );
    let then = prop_oneof![
        Just(Then::Unreachable),
        Just(Then::Lookup { table: 101, skip_defaults: false }),
        Just(Then::Lookup { table: 99, skip_defaults: false })
    ];
    let select = prop_oneof![
        Just(Select::All),
        Just(Select::Mark { value: 0x100, mask: 0xff00 }),
        Just(Select::From(hop(1, V4).source))
    ];
    let preference = prop_oneof![Just(401u32), Just(601), Just(700), Just(710), Just(690)];
    let rule = (family(), preference, select, then, protocol()).prop_map(
        |(family, preference, select, then, protocol)| KernelRule {
            rule: Rule { family, preference, select, then },
            protocol,
        },
    );
    let routes = collection::vec(route, 0..8);
    (routes, collection::vec(rule, 0..8)).prop_map(|(mut routes, rules)| {
        // The kernel never holds the same route twice.
        let mut seen = Vec::new();
        routes.retain(|route| {
            !seen.contains(route) && {
                seen.push(*route);
                true
            }
        });
        KernelRouting { routes, rules }
    })
}

/// Executes like the kernel, checks the law of table 99 after each step, and that a second look
/// finds nothing to do.
fn execute(kernel: &mut KernelRouting, goal: &Goal<'_>) -> Vec<Change> {
    let list = changes(kernel, goal);
    let mut carried = Family::BOTH.map(|f| kernel.active(f).is_some());
    for change in &list {
        perform(kernel, change);
        for (carried, family) in carried.iter_mut().zip(Family::BOTH) {
            let carries = kernel.active(family).is_some();
            assert!(carries || !*carried, "{change} cut {family} off");
            *carried = carries;
        }
    }
    assert_eq!(changes(kernel, goal), [], "a second look must find nothing");
    list
}

fn perform(kernel: &mut KernelRouting, change: &Change) {
    match change {
        Change::PutRoute(route) => kernel.put(route),
        Change::AddRule(rule) => kernel.rules.push(KernelRule { rule: *rule, protocol: PROTOCOL }),
        Change::DropRoute(route) => {
            let index = kernel.routes.iter().position(|k| k == route).unwrap();
            kernel.routes.remove(index);
        }
        Change::DropRule(rule) => {
            let index = kernel.rules.iter().position(|k| k == rule).unwrap();
            kernel.rules.remove(index);
        }
    }
}

fn standing(plan: &RoutePlan) -> KernelRouting {
    let mut kernel = KernelRouting::default();
    execute(&mut kernel, &goal(plan));
    kernel
}

fn goal(plan: &RoutePlan) -> Goal<'_> {
    static LINKS: std::sync::LazyLock<Vec<LinkId>> = std::sync::LazyLock::new(links);
    Goal { links: &LINKS, families: &Family::BOTH, plan: Some(plan), fail_fast: true }
}

fn defaults(kernel: &KernelRouting, family: Family) -> Vec<u32> {
    let mut metrics: Vec<u32> = kernel.defaults(family).map(|r| r.place.metric).collect();
    metrics.sort_unstable();
    metrics
}

fn plan(active: Option<u8>, standby: Option<u8>) -> RoutePlan {
    let of = |family| FamilyPlan {
        active: active.map(|n| hop(n, family)),
        standby: standby.map(|n| hop(n, family)),
    };
    let tables = vec![hop(1, V4), hop(2, V4), hop(1, V6), hop(2, V6)];
    RoutePlan { generation: 1, tables, v4: of(V4), v6: of(V6) }
}

fn hop(n: u8, family: Family) -> Hop {
    let address = |host: u8| -> IpAddr {
        match family {
            V4 => format!("10.0.{n}.{host}").parse().unwrap(),
            V6 => format!("fd00:{n}::{host}").parse().unwrap(),
        }
    };
    let link = LinkId::new(n).unwrap();
    Hop { link, ifindex: 10 + u32::from(n), gateway: Some(address(1)), source: address(2) }
}

fn links() -> Vec<LinkId> {
    [1, 2].map(|n| LinkId::new(n).unwrap()).to_vec()
}
