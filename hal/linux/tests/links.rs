//! The link watch against the real kernel: carrier, addresses, gateways, replugged interfaces.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test measures, its helpers unwrap")]

mod world;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use hal::{Family, LinkId};
use hal_linux::links::{Cause, Changes, LinkWatch, WatchedLink};
use hal_linux::router::Router;
use wan::LinkFacts;
use world::{in_a_namespace, link, two_links, watched};

const SOON: Duration = Duration::from_secs(3);

#[test]
fn the_first_turn_tells_every_link() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let absent = WatchedLink { interface: "ppp0".into(), ..watched(3) };
        let mut watch = Watch::new(&[watched(1), watched(2), absent]);

        let facts = watch.turn().facts;

        assert_eq!(facts.len(), 3);
        assert_eq!(described(&facts[0]), "#11 carrier 10.0.1.2>10.0.1.1 fd00:1::2>fd00:1::1");
        assert_eq!(described(&facts[1]), "#12 carrier 10.0.2.2>10.0.2.1 fd00:2::2>fd00:2::1");
        assert_eq!(described(&facts[2]), "absent - -");
        assert_eq!(watch.turn().facts, [], "nothing changed, nothing is told");
    });
}

#[test]
fn a_gateway_in_main_is_followed_and_its_loss_takes_the_addressing_away() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let dynamic = WatchedLink { gateway4: None, gateway6: None, ..watched(1) };
        let mut watch = Watch::new(&[dynamic]);
        assert_eq!(described(&watch.turn().facts[0]), "#11 carrier - -");

        let steps: [(&str, &str); 6] = [
            ("route add default via 10.0.1.1 dev wan1 metric 100", "10.0.1.2>10.0.1.1 -"),
            ("route add default via 10.0.1.9 dev wan1 metric 50", "10.0.1.2>10.0.1.9 -"),
            ("-6 route add default via fe80::1 dev wan1", "10.0.1.2>10.0.1.9 fd00:1::2>fe80::1"),
            ("route del default via 10.0.1.9", "10.0.1.2>10.0.1.1 fd00:1::2>fe80::1"),
            ("route replace default via 10.0.1.7 dev wan1 metric 100", "10.0.1.2>10.0.1.7 fd00:1::2>fe80::1"),
            ("route del default via 10.0.1.7", "- fd00:1::2>fe80::1"),
        ];
        for (words, expected) in steps {
            net.ip(words);
            watch.until(link(1), words, |f| described(f) == format!("#11 carrier {expected}"));
        }
    });
}

#[test]
fn a_renumbered_interface_is_told_with_its_new_address() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let mut watch = Watch::new(&[watched(1)]);
        watch.turn();

        net.add_address("wan1", "10.0.1.77/24");
        assert_eq!(watch.quiet().facts, [], "a second address moves nothing");
        net.remove_address("wan1", "10.0.1.2/24");
        net.add_address("wan1", "10.0.1.78/24");
        watch.until(link(1), "the new address", |f| source(f, Family::V4) == Some("10.0.1.78".into()));
        net.add_address("wan1", "fd00:1::78/64");
        net.ip("-6 addr change fd00:1::2/64 dev wan1 preferred_lft 0");
        watch.until(link(1), "the undeprecated address", |f| {
            source(f, Family::V6) == Some("fd00:1::78".into())
        });
        net.remove_address("wan1", "10.0.1.78/24");
        watch.until(link(1), "no address", |f| f.v4.is_none());
    });
}

#[test]
fn an_address_is_usable_only_after_duplicate_detection() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        std::fs::write("/proc/sys/net/ipv6/conf/wan1/accept_dad", "1").unwrap();
        net.remove_address("wan1", "fd00:1::2/64");
        let mut watch = Watch::new(&[watched(1)]);
        assert!(watch.turn().facts[0].v6.is_none());

        let started = Instant::now();
        net.ip("-6 addr add fd00:1::5/64 dev wan1");
        watch.until(link(1), "the verified address", |f| source(f, Family::V6) == Some("fd00:1::5".into()));

        assert!(started.elapsed() > Duration::from_millis(500), "told after {:?}", started.elapsed());
    });
}

#[test]
fn an_interface_that_goes_down_and_up_and_one_that_is_replugged_come_out_right() {
    in_a_namespace(|net| {
        let mut isps = two_links(net);
        let home = net.home();
        let mut watch = Watch::new(&[watched(1)]);
        watch.turn();

        net.set_up("wan1", false);
        watch.until(link(1), "down", |f| !f.carrier && f.ifindex == Some(11));
        net.set_up("wan1", true);
        watch.until(link(1), "up", |f| f.carrier);

        net.remove("wan1");
        watch.until(link(1), "gone", |f| described(f) == "absent - -");
        net.cable("wan1", 31, &isps[0], "box", 32);
        net.add_address("wan1", "10.0.1.2/24");
        net.set_up("wan1", true);
        isps[0].visit(&home, |isp| isp.set_up("box", true));
        watch.until(link(1), "another number", |f| described(f) == "#31 carrier 10.0.1.2>10.0.1.1 -");

        net.ip("link set wan1 name was1");
        watch.until(link(1), "renamed away", |f| f.ifindex.is_none());
    });
}

#[test]
fn our_own_changes_are_not_foreign_and_those_of_others_are() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let links = [watched(1), watched(2)];
        let (mut router, _) = Router::open(&links).unwrap();
        let mut watch = Watch::open(&links, router.port());
        let first = watch.quiet();
        assert_eq!(first.routing, Some(Cause::Kernel), "facts appeared");

        net.ip("rule add pref 300 lookup main");
        assert_eq!(watch.quiet().routing, Some(Cause::Foreign));
        net.ip("rule del pref 401");
        assert_eq!(watch.quiet().routing, Some(Cause::Foreign));
        router.reconcile().unwrap();
        assert_eq!(watch.quiet().routing, None, "our own repair");
        net.ip("route add default via 10.0.1.1 table 99");
        assert_eq!(watch.quiet().routing, Some(Cause::Foreign));
        net.ip("route add 203.0.113.0/24 via 10.0.1.1");
        net.ip("route add default via 10.0.1.1 table 77");
        assert_eq!(watch.quiet().routing, None, "tables of others");
    });
}

#[test]
fn a_storm_of_route_changes_ends_in_the_truth() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let mut watch = Watch::new(&[watched(1)]);
        watch.turn();
        let folder = tempfile::tempdir().unwrap();
        let batch = folder.path().join("batch");
        let mut words = String::new();
        for n in 0..5_000 {
            words += &format!("route add 172.16.{}.{}/32 dev wan2 table 99\n", n / 250, n % 250);
        }
        std::fs::write(&batch, words).unwrap();

        net.ip(&format!("-batch {}", batch.display()));
        net.remove_address("wan1", "10.0.1.2/24");

        let told = watch.quiet();
        assert_eq!(told.routing, Some(Cause::Foreign));
        assert_eq!(told.facts.len(), 1, "{told:?}");
        assert_eq!(told.facts[0].v4, None, "the change behind the storm is seen");
    });
}

struct Watch {
    watch: LinkWatch,
    wake: (UnixStream, UnixStream),
    known: Vec<LinkFacts>,
}

impl Watch {
    fn new(links: &[WatchedLink]) -> Self {
        Self::open(links, 0)
    }

    fn open(links: &[WatchedLink], own_port: u32) -> Self {
        let watch = LinkWatch::open(links, own_port, "holdfast").unwrap();
        Self { watch, wake: UnixStream::pair().unwrap(), known: Vec::new() }
    }

    fn turn(&mut self) -> Changes {
        let changes = self.watch.turn().unwrap();
        for facts in &changes.facts {
            self.known.retain(|k| k.link != facts.link);
            self.known.push(facts.clone());
        }
        changes
    }

    /// Turns as the daemon's thread would until the facts are as wanted.
    fn until(&mut self, link: LinkId, what: &str, wanted: impl Fn(&LinkFacts) -> bool) -> Duration {
        let started = Instant::now();
        loop {
            self.turn();
            let known = self.known.iter().find(|f| f.link == link);
            if known.is_some_and(&wanted) {
                return started.elapsed();
            }
            assert!(started.elapsed() < SOON, "{what}: still {known:?}");
            self.watch.wait(self.wake.0.as_fd()).unwrap();
        }
    }

    /// Everything that is told within two polls.
    fn quiet(&mut self) -> Changes {
        let mut all = Changes::default();
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(200) {
            let changes = self.turn();
            all.facts.extend(changes.facts);
            all.routing = all.routing.max(changes.routing);
            all.firewall |= changes.firewall;
            self.watch.wait(self.wake.0.as_fd()).unwrap();
        }
        all
    }
}

fn source(facts: &LinkFacts, family: Family) -> Option<String> {
    facts.addressing(family).map(|a| a.source.to_string())
}

/// `#11 carrier 10.0.1.2>10.0.1.1 fd00:1::2>fd00:1::1`
fn described(facts: &LinkFacts) -> String {
    let number = facts.ifindex.map_or("absent".to_owned(), |n| format!("#{n}"));
    let carrier = if facts.carrier { " carrier" } else { "" };
    let addressing = |family| match facts.addressing(family) {
        None => " -".to_owned(),
        Some(a) => format!(" {}>{}", a.source, a.gateway.map_or("none".into(), |g| g.to_string())),
    };
    format!("{number}{carrier}{}{}", addressing(Family::V4), addressing(Family::V6))
}
