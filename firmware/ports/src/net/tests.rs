//! The port against the real kernel, as the loop uses it.

#[path = "../../../../hal/linux/tests/world/mod.rs"]
mod world;

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use wan::{Failure, FamilyPlan, Hop, LinkFacts, ProbeResult};
use world::{Net, in_a_namespace, link, run, two_links, watched};

use super::*;

const SOON: Duration = Duration::from_secs(5);
const TARGETS: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

#[test]
fn links_are_told_routes_stand_and_probes_are_answered() {
    with_port(async |bench, _net| {
        for n in [1, 2] {
            let facts = bench.facts().await;
            assert_eq!((facts.link, facts.ifindex, facts.carrier), (link(n), Some(10 + u32::from(n)), true));
        }
        assert_eq!(bench.port.adopted(), (None, None));

        let applied = bench.port.apply(&plan(7, 1));
        assert_eq!(applied, RoutesApplied { generation: 7, v4: true, v6: true });
        for (sequence, n, target) in [(1, 1, 0), (2, 1, 1), (3, 2, 0), (4, 2, 1)] {
            bench.port.send_probe(&probe(n, TARGETS[target], sequence));
            let outcome = bench.outcome().await;
            assert_eq!((outcome.sequence, outcome.link), (sequence, link(n)));
            assert!(matches!(outcome.result, ProbeResult::Answered { .. }), "{outcome:?}");
        }
    });
}

#[test]
fn a_probe_that_cannot_leave_is_an_outcome_too() {
    with_port(async |bench, net| {
        bench.port.apply(&plan(1, 1));
        net.ip("route flush table 102");
        bench.port.send_probe(&probe(2, TARGETS[0], 5));
        let outcome = bench.outcome().await;
        assert_eq!((outcome.sequence, outcome.result), (5, ProbeResult::Failed(Failure::NoRoute)));
    });
}

#[test]
fn foreign_changes_of_rules_routes_and_firewall_are_repaired_and_told() {
    with_port(async |bench, _net| {
        bench.port.apply(&plan(1, 1));
        let routes = || run("ip", "route show table 99") + &run("ip", "-6 route show table 99");
        let rules = || run("ip", "rule") + &run("ip", "-6 rule");
        let firewall = || run("nft", "list table inet holdfast");
        bench.settle().await;
        let before = (routes(), rules(), firewall());

        for (harm, word) in [
            ("ip rule del pref 700", "pref 700"),
            ("ip -6 rule del pref 401", "pref 401"),
            ("ip route flush table 99", "table 99"),
            ("ip -6 route add default via fd00:2::1 table 99 metric 3", "metric 3"),
            ("nft flush ruleset", "nftables table inet holdfast"),
        ] {
            let (program, words) = harm.split_once(' ').unwrap();
            run(program, words);
            let what = bench.repaired().await;
            assert!(what.contains(word), "after {harm}: {what}");
            bench.settle().await;
            assert_eq!((routes(), rules(), firewall()), before, "after {harm}");
            bench.drain();
        }
    });
}

#[test]
fn what_an_interface_takes_with_it_is_no_foreign_change() {
    with_port(async |bench, net| {
        bench.port.apply(&plan(1, 1));
        bench.settle().await;

        net.set_up("wan1", false);
        bench.until_facts(|f| f.link == link(1) && !f.carrier).await;
        net.set_up("wan1", true);
        net.add_address("wan1", "fd00:1::2/64");
        bench.until_facts(|f| f.link == link(1) && f.carrier && f.v6.is_some()).await;
        bench.settle().await;

        let told: Vec<NetEvent> = bench.drain();
        let foreign =
            told.iter().filter(|e| matches!(e, NetEvent::Repaired { .. } | NetEvent::Refused { .. }));
        assert_eq!(foreign.count(), 0, "{told:?}");
        assert!(run("ip", "route show table 99").contains("via 10.0.1.1"));
        assert!(run("ip", "-6 route show table 99").contains("via fd00:1::1"));
    });
}

#[test]
fn a_replugged_interface_gets_its_settings_before_it_is_told() {
    with_port(async |bench, net| {
        bench.settle().await;
        net.remove("wan1");
        bench.until_facts(|f| f.link == link(1) && f.ifindex.is_none()).await;
        let away = net.another();
        net.cable("wan1", 41, &away, "box", 42);
        bench.until_facts(|f| f.link == link(1) && f.ifindex == Some(41)).await;
        let setting =
            |name: &str| std::fs::read_to_string(format!("/proc/sys/net/{name}")).unwrap().trim().to_owned();
        assert_eq!(setting("ipv4/conf/wan1/rp_filter"), "2");
        assert_eq!(setting("ipv6/conf/wan1/accept_ra"), "2");
    });
}

#[test]
fn a_waiting_loop_that_is_interrupted_loses_no_outcome() {
    with_port(async |bench, _net| {
        bench.port.apply(&plan(1, 1));
        for sequence in 0..200 {
            bench.port.send_probe(&probe(1, TARGETS[0], sequence));
        }
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            let interrupted = timeout(Duration::from_micros(50), bench.port.next_outcome()).await;
            seen.extend(interrupted.ok().map(|outcome| outcome.unwrap().sequence));
            if seen.len() == 200 {
                return;
            }
        }
        panic!("{} of 200 outcomes", seen.len());
    });
}

#[test]
fn a_second_run_adopts_what_the_first_left_standing() {
    with_port(async |bench, _net| {
        bench.port.apply(&plan(1, 2));
        let (events, _kept) = channel(64);
        let second = NetPort::open(config(), events).unwrap();
        assert_eq!(second.adopted(), (Some(link(2)), Some(link(2))));
    });
}

#[test]
fn flows_of_a_link_are_forgotten_soon() {
    with_port(async |bench, _net| {
        bench.port.apply(&plan(1, 1));
        let socket = std::net::UdpSocket::bind("10.0.1.2:0").unwrap();
        socket.send_to(b"flow", "192.0.2.1:9").unwrap();
        let flows = || std::fs::read_to_string("/proc/thread-self/net/nf_conntrack").unwrap();
        let marked = || flows().lines().any(|l| l.contains("dport=9 ") && l.contains("mark=256 "));
        assert!(marked(), "{}", flows());

        bench.port.flush_flows(link(1));
        let port = &mut bench.port;
        let gone = async {
            while marked() {
                let _ = timeout(Duration::from_millis(2), port.next_outcome()).await;
            }
        };
        timeout(SOON, gone).await.expect("forgotten");
    });
}

struct Bench {
    port: NetPort,
    events: Receiver<NetEvent>,
    _isps: [Net; 2],
}

fn with_port(test: impl AsyncFnOnce(&mut Bench, &mut Net) + Send + 'static) {
    in_a_namespace(move |net| {
        let mut isps = two_links(net);
        let home = net.home();
        for isp in &mut isps {
            isp.visit(&home, |isp| {
                isp.add_address("lo", "192.0.2.1/32");
                isp.add_address("lo", "2001:db8::1/128");
                isp.await_ready("lo");
            });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (sender, events) = channel(64);
            let port = NetPort::open(config(), sender).unwrap();
            let mut bench = Bench { port, events, _isps: isps };
            test(&mut bench, net).await;
        });
    });
}

impl Bench {
    async fn outcome(&mut self) -> ProbeOutcome {
        timeout(SOON, self.port.next_outcome()).await.expect("an outcome in time").unwrap()
    }

    /// The loop without probes: repairs go on while events are awaited.
    async fn event(&mut self) -> NetEvent {
        tokio::select! {
            event = self.events.recv() => event.unwrap(),
            outcome = self.port.next_outcome() => panic!("nobody asked for {outcome:?}"),
        }
    }

    async fn find<T>(&mut self, what: &str, mut wanted: impl FnMut(NetEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Some(found) = wanted(self.event().await) {
                    return found;
                }
            }
        };
        within(what, search).await
    }

    async fn facts(&mut self) -> LinkFacts {
        self.find("facts", |e| if let NetEvent::Facts(f) = e { Some(f) } else { None }).await
    }

    async fn until_facts(&mut self, wanted: impl Fn(&LinkFacts) -> bool) {
        self.find("the facts", |e| matches!(&e, NetEvent::Facts(f) if wanted(f)).then_some(())).await;
    }

    async fn repaired(&mut self) -> String {
        self.find("a repair", |e| if let NetEvent::Repaired { what } = e { Some(what) } else { None }).await
    }

    /// Lets the port work for a few turns of its thread.
    async fn settle(&mut self) {
        let _nothing = timeout(Duration::from_millis(250), self.port.next_outcome()).await;
    }

    fn drain(&mut self) -> Vec<NetEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(SOON, work).await.unwrap_or_else(|_| panic!("{what}: not within {SOON:?}"))
}

fn config() -> NetConfig {
    NetConfig { lan: "lan".to_owned(), links: vec![watched(1), watched(2)], seed: 42 }
}

fn plan(generation: u64, active: u8) -> RoutePlan {
    let of =
        |family| FamilyPlan { active: Some(hop(active, family)), standby: Some(hop(3 - active, family)) };
    let tables = [1, 2].into_iter().flat_map(|n| Family::BOTH.map(|family| hop(n, family))).collect();
    RoutePlan { generation, tables, v4: of(Family::V4), v6: of(Family::V6) }
}

fn hop(n: u8, family: Family) -> Hop {
    let address = |host| address(n, family, host);
    Hop { link: link(n), ifindex: 10 + u32::from(n), gateway: Some(address(1)), source: address(2) }
}

fn probe(n: u8, target: &str, sequence: u32) -> Probe {
    let target: IpAddr = target.parse().unwrap();
    Probe { link: link(n), source: address(n, Family::of(&target), 2), target, sequence }
}

fn address(n: u8, family: Family, host: u8) -> IpAddr {
    match family {
        Family::V4 => IpAddr::from([10, 0, n, host]),
        Family::V6 => IpAddr::from([0xfd00, u16::from(n), 0, 0, 0, 0, 0, u16::from(host)]),
    }
}
