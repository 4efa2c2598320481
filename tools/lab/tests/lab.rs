//! The lab by itself, with a plain router in place of the daemon. Needs root.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use lab::{
    Blackhole, Branch, Carrier, CarrierEvents, Families, FlowFamily, GatewayFrom, Lab, LabOptions, Link,
    LinkOptions, Namespace, Prefix, SiteOptions, TcpFlow, UdpFlow, Way, plan, route_plainly,
};

const EVERY_MS: Duration = Duration::from_millis(1);

#[test]
fn a_dropped_lab_leaves_no_namespace_and_no_file() {
    let lab = Lab::build(&LabOptions::default()).unwrap();
    let (prefix, folder) = (lab.prefix(), lab.folder().to_owned());
    assert_eq!(namespaces_of(prefix).len(), 5);
    let mut sleeper = Command::new("sleep");
    sleeper.arg("600");
    let sleeper = lab::Program::start(lab.branch(), "sleep", sleeper, &lab.logs()).unwrap();
    let pid = sleeper.pid();
    std::mem::forget(sleeper);

    drop(lab);

    assert_eq!(namespaces_of(prefix), Vec::<String>::new());
    assert!(!folder.exists());
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "the child still runs: {state}");
}

#[test]
fn labs_stand_side_by_side() {
    let labs = [Lab::build(&LabOptions::default()).unwrap(), Lab::build(&LabOptions::default()).unwrap()];
    for lab in &labs {
        route_plainly(lab, Link::A).unwrap();
        assert!(reaches(lab.lan(), plan::TARGETS[0][0].address));
    }
}

#[test]
fn every_link_leads_to_the_internet_in_both_families() {
    let links = (1..=plan::MAX_LINKS).map(|n| LinkOptions::named(&format!("link{n}"))).collect();
    let lab = Lab::build(&LabOptions { links }).unwrap();
    for (link, _) in lab.links() {
        route_plainly(&lab, link).unwrap();
        for target in plan::TARGETS.iter().flatten() {
            assert!(reaches(lab.lan(), target.address), "{} over {link}", target.address);
        }
    }
}

#[test]
fn a_blackhole_takes_one_family_one_way_and_leaves_carrier_and_gateway() {
    let mut lab = Lab::build(&LabOptions::default()).unwrap();
    route_plainly(&lab, Link::A).unwrap();
    let [four, six] = plan::TARGETS[0].map(|net| net.address);
    let gateway = plan::gateway(Link::A)[0].address;

    for way in [Way::Out, Way::Back, Way::Both] {
        lab.blackhole(Link::A, Blackhole { families: Families::V4, way, gateway_too: false }).unwrap();
        assert_eq!((reaches(lab.lan(), four), reaches(lab.lan(), six)), (false, true), "{way:?}");
        assert!(reaches(lab.branch(), gateway));
        assert!(has_carrier(&lab, Link::A));
    }
    lab.blackhole(Link::A, Blackhole { gateway_too: true, ..Blackhole::default() }).unwrap();
    assert_eq!((reaches(lab.lan(), six), reaches(lab.branch(), gateway)), (false, false));
    lab.heal(Link::A).unwrap();
    assert!(reaches(lab.lan(), four) && reaches(lab.lan(), six) && reaches(lab.branch(), gateway));
}

#[test]
fn a_pulled_cable_is_a_lost_carrier_and_comes_back_whole() {
    let mut lab = Lab::build(&LabOptions::default()).unwrap();
    route_plainly(&lab, Link::A).unwrap();

    lab.cut(Link::A).unwrap();
    assert!(!has_carrier(&lab, Link::A));
    lab.flap(Link::A, 3, Duration::from_millis(10), Duration::from_millis(10)).unwrap();

    assert!(has_carrier(&lab, Link::A));
    for target in plan::TARGETS[0] {
        assert!(reaches(lab.lan(), target.address), "{target}");
    }
}

#[test]
fn carrier_events_are_prompt_or_rate_limited_as_asked() {
    let of = |carrier| {
        let links = vec![LinkOptions { carrier, ..LinkOptions::named("fibre") }];
        let mut lab = Lab::build(&LabOptions { links }).unwrap();
        slowest_carrier_event(&mut lab)
    };
    assert!(of(Carrier::Prompt) < Duration::from_millis(400));
    assert!(of(Carrier::RateLimited) > Duration::from_millis(500));
}

#[test]
fn a_lease_puts_default_routes_into_main_and_takes_them_away() {
    let leased = LinkOptions { gateway: GatewayFrom::MainTable, ..LinkOptions::named("lte") };
    let lab = Lab::build(&LabOptions { links: vec![LinkOptions::named("fibre"), leased] }).unwrap();
    let defaults = |lab: &Lab| [ip(lab, "-4 route show default"), ip(lab, "-6 route show default")];

    let [four, six] = defaults(&lab);
    assert!(four.contains("via 198.51.100.1 dev wan2 proto dhcp"), "{four}");
    assert!(six.contains("via fe80::1 dev wan2 proto ra"), "{six}");
    lab.lease(Link::B, false).unwrap();
    assert_eq!(defaults(&lab), ["", ""]);
    lab.lease(Link::B, true).unwrap();
    assert!(defaults(&lab).iter().all(|text| text.contains("dev wan2")));
}

#[test]
fn an_address_can_change_under_a_link() {
    let lab = Lab::build(&LabOptions::default()).unwrap();
    lab.renumber(Link::A, 2, 7).unwrap();
    assert!(ip(&lab, "-4 addr show wan1").contains("192.0.2.7/28"));
    assert!(!ip(&lab, "-4 addr show wan1").contains("192.0.2.2/28"));
}

#[test]
fn a_refusing_isp_answers_and_a_lossy_one_loses_about_what_it_was_asked_to() {
    let mut lab = Lab::build(&LabOptions::default()).unwrap();
    route_plainly(&lab, Link::A).unwrap();

    lab.refuse(Link::A, true).unwrap();
    let refused = lab.lan().run(|| {
        let far = SocketAddr::new(plan::FAR_END[0].address, 9);
        Ok(TcpStream::connect_timeout(&far, Duration::from_secs(2)).unwrap_err().kind())
    });
    assert_eq!(refused.unwrap(), ErrorKind::HostUnreachable);
    lab.heal(Link::A).unwrap();

    lab.loss(Link::A, 20).unwrap();
    let mut flow = UdpFlow::start(&lab, FlowFamily::V4, EVERY_MS).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let report = flow.report(Instant::now() - Duration::from_millis(1900)).unwrap().out;
    let pct = 100 * report.lost / report.sent;
    assert!((10..=30).contains(&pct), "{report:?}");
}

#[test]
fn flows_measure_a_switch_made_by_hand_and_the_counters_show_where_they_went() {
    let lab = Lab::build(&LabOptions::default()).unwrap();
    route_plainly(&lab, Link::A).unwrap();
    let mut udp4 = UdpFlow::start(&lab, FlowFamily::V4, EVERY_MS).unwrap();
    let mut udp6 = UdpFlow::start(&lab, FlowFamily::V6, EVERY_MS).unwrap();
    let mut tcp = TcpFlow::start(&lab, FlowFamily::V4).unwrap();
    let began = Instant::now();
    std::thread::sleep(Duration::from_millis(500));
    let over_b = lab.sent(Link::B).unwrap();

    route_plainly(&lab, Link::B).unwrap();
    std::thread::sleep(Duration::from_millis(1500));

    for report in [udp4.report(began).unwrap(), udp6.report(began).unwrap()] {
        assert!(report.out.sent > 1000 && report.out.lost < 50, "{report:?}");
        assert!(report.round.gap() < Duration::from_millis(500), "{report:?}");
    }
    let dialogue = tcp.report(began).unwrap();
    assert!(dialogue.answers > 20 && dialogue.hangs == 0 && dialogue.resets >= 1, "{dialogue:?}");
    let moved = lab.sent(Link::B).unwrap();
    assert_eq!((over_b.v4, over_b.v6), (0, 0));
    assert!(moved.v4 > 1000 && moved.v6 > 1000, "{moved:?}");
}

#[test]
fn a_sweep_removes_leftovers_of_dead_owners_only() {
    let mut child = Command::new("true").spawn().unwrap();
    let dead = child.id();
    child.wait().unwrap();
    let leftover = Namespace::create(&format!("hf{dead}x0-box")).unwrap();
    let living = Lab::build(&LabOptions::default()).unwrap();

    // Building the lab has swept already: put the leftover back and sweep by hand.
    assert!(!leftover.path().exists());
    let leftover = Namespace::create(&format!("hf{dead}x0-box")).unwrap();
    let swept = lab::sweep();

    assert!(swept.iter().any(|prefix| prefix.owner() == dead) || !leftover.path().exists());
    assert!(!leftover.path().exists());
    assert_eq!(namespaces_of(living.prefix()).len(), 5);
}

#[test]
fn a_broker_is_killed_and_starts_again() {
    let lab = Lab::build(&LabOptions::default()).unwrap();
    let branch = Branch::prepare(&lab, &SiteOptions::default()).unwrap();
    let listens = || {
        let address = SocketAddr::new(plan::BROKER[1].address, lab::BROKER_PORT);
        lab.internet().run(|| Ok(TcpStream::connect(address).is_ok())).unwrap()
    };

    let mut broker = branch.start_broker(&lab).unwrap();
    assert!(listens());
    broker.kill().unwrap();
    assert!(!listens());
    broker.start_again(&lab).unwrap();
    assert!(listens());
    broker.stop().unwrap();
    assert!(!listens());
}

fn ip(lab: &Lab, arguments: &str) -> String {
    let output = lab.branch().run(|| Ok(Command::new("ip").args(arguments.split(' ')).output()?)).unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Does a host refuse a connection? Then packets go there and come back.
fn reaches(from: &Namespace, target: IpAddr) -> bool {
    const DISCARD: u16 = 9;
    let answer = from.run(|| {
        let answer =
            TcpStream::connect_timeout(&SocketAddr::new(target, DISCARD), Duration::from_millis(700));
        Ok(answer.expect_err("nobody listens there").kind())
    });
    answer.unwrap() == ErrorKind::ConnectionRefused
}

fn has_carrier(lab: &Lab, link: Link) -> bool {
    ip(lab, &format!("link show {}", link.interface())).contains("LOWER_UP")
}

fn namespaces_of(prefix: Prefix) -> Vec<String> {
    let names =
        fs::read_dir("/run/netns").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Prefix::of(name) == Some(prefix)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The slowest of a few carrier losses, from the cable to the kernel's word about it.
fn slowest_carrier_event(lab: &mut Lab) -> Duration {
    let index = plan::index::box_wan(Link::A);
    let mut slowest = Duration::ZERO;
    for _ in 0..4 {
        let mut events = CarrierEvents::listen(lab.branch()).unwrap();
        let cut_at = Instant::now();
        lab.cut(Link::A).unwrap();
        assert!(events.wait_for(index, false, Duration::from_secs(3)).unwrap());
        slowest = slowest.max(cut_at.elapsed());
        lab.restore(Link::A).unwrap();
        assert!(events.wait_for(index, true, Duration::from_secs(3)).unwrap());
    }
    slowest
}
