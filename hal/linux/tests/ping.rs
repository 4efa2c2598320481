//! Echo sockets against real links, routers and tricks of the network.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test measures, its helpers unwrap")]

mod world;

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use hal::Family;
use hal_linux::ping::Pinger;
use hal_linux::router::Router;
use hal_linux::sysctl::Sysctls;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, recv, sendmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use wan::{Failure, FamilyPlan, Hop, Probe, ProbeOutcome, ProbeResult, RoutePlan};
use world::{Net, in_a_namespace, link, run, two_links, watched};

/// What a test allows a reply in a namespace to take.
const SOON: Duration = Duration::from_secs(2);
/// Long enough for any reply that is on its way.
const SILENCE: Duration = Duration::from_millis(150);

#[test]
fn a_target_answers_by_its_link_in_both_families() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        for n in [1, 2] {
            for target in TARGETS {
                let probe = probe(n, target, u32::from(n) * 1_000_000);
                assert_eq!(bench.pinger.send(&probe), None);
                let outcome = bench.wait().expect("an answer");
                assert_eq!((outcome.link, outcome.target), (link(n), probe.target));
                assert_eq!(outcome.sequence, probe.sequence);
                let ProbeResult::Answered { rtt_us } = outcome.result else { panic!("{outcome:?}") };
                assert!((1..1_000_000).contains(&rtt_us), "{rtt_us} us");
            }
        }
        assert_eq!(bench.pinger.counts(), hal_linux::ping::PingCounts::default());
    });
}

#[test]
fn without_a_route_a_gateway_that_answers_for_everybody_is_not_believed() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        bench.at_isp(1, || {
            std::fs::write("/proc/sys/net/ipv4/conf/box/proxy_arp", "1").unwrap();
        });
        net.ip("route flush table 101");
        net.ip("-6 route flush table 101");

        for target in TARGETS {
            let failed = bench.pinger.send(&probe(1, target, 1)).expect("certain at once");
            assert_eq!(failed.result, ProbeResult::Failed(Failure::NoRoute), "{target}");
        }
        assert_eq!(bench.wait_for(SILENCE), None, "nobody may answer");
    });
}

#[test]
fn a_reply_by_another_interface_is_counted_and_is_no_answer() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        let home = net.home();
        // The first provider sends what is for our first address to the second provider.
        let [one, two] = &mut bench.isps;
        one.visit(&home, |one| {
            one.cable("peering", 70, two, "peering", 71);
            one.add_address("peering", "10.9.0.1/24");
            one.add_address("peering", "fd09::1/64");
            one.set_up("peering", true);
        });
        two.visit(&home, |two| {
            two.add_address("peering", "10.9.0.2/24");
            two.add_address("peering", "fd09::2/64");
            two.set_up("peering", true);
            two.await_ready("peering");
            // A router drops what comes from an address of its own.
            two.remove_address("lo", "192.0.2.1/32");
            two.remove_address("lo", "2001:db8::1/128");
            two.ip("route add 10.0.1.2/32 via 10.0.2.2");
            two.ip("-6 route add fd00:1::2/128 via fd00:2::2");
        });
        one.visit(&home, |one| {
            one.await_ready("peering");
            one.ip("route add 10.0.1.2/32 via 10.9.0.2");
            one.ip("-6 route add fd00:1::2/128 via fd09::2");
        });

        for (count, target) in (1..).zip(TARGETS) {
            assert_eq!(bench.pinger.send(&probe(1, target, 1)), None);
            assert_eq!(bench.wait_for(SILENCE), None, "{target}");
            assert_eq!(bench.pinger.counts().wrong_interface, count, "the reply must have come: {target}");
        }
    });
}

#[test]
fn a_routers_word_is_a_failure_of_that_probe_only() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        bench.at_isp(1, || {
            run("ip", "route add unreachable 203.0.113.0/24");
            run("ip", "-6 route add unreachable 2001:db8:113::/64");
            // Routers may be slow to say so; this test asks in quick succession.
            std::fs::write("/proc/sys/net/ipv4/icmp_ratelimit", "0").unwrap();
            std::fs::write("/proc/sys/net/ipv6/icmp/ratelimit", "0").unwrap();
        });
        for (dead, alive) in [("203.0.113.7", TARGETS[0]), ("2001:db8:113::7", TARGETS[1])] {
            for sequence in 0..5 {
                let sent = bench.pinger.send(&probe(1, dead, sequence));
                assert_eq!(sent, None, "an earlier probe's error must not fail this one");
                assert_eq!(bench.pinger.send(&probe(1, alive, 100 + sequence)), None);
                let mut both = [bench.wait().unwrap(), bench.wait().unwrap()];
                both.sort_by_key(|o| o.sequence);
                assert_eq!(both[0].result, ProbeResult::Failed(Failure::Unreachable), "{dead}");
                assert_eq!(both[0].sequence, sequence);
                assert!(matches!(both[1].result, ProbeResult::Answered { .. }), "{both:?}");
            }
        }
    });
}

#[test]
fn forged_and_repeated_replies_are_no_answers() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        let mut forger = None;
        bench.at_isp(1, || forger = Some(Forger::new()));
        let forger = forger.unwrap();
        assert_eq!(bench.pinger.send(&probe(1, TARGETS[0], 7)), None);
        let request = forger.request();

        let mut wrong_nonce = request.clone();
        wrong_nonce[8] ^= 1;
        forger.reply(&wrong_nonce, "192.0.2.1");
        forger.reply(&request[..16], "192.0.2.1");
        forger.reply(&request, "10.0.1.1");
        assert_eq!(bench.wait_for(SILENCE), None);
        assert_eq!(bench.pinger.counts().wrong_sender, 3);

        forger.reply(&request, "192.0.2.1");
        assert_eq!(bench.wait().unwrap().sequence, 7);
        forger.reply(&request, "192.0.2.1");
        assert_eq!(bench.wait_for(SILENCE), None);
        assert_eq!(bench.pinger.counts().unknown, 1);
    });
}

#[test]
fn a_new_address_and_a_new_interface_get_a_new_socket() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        assert_eq!(bench.pinger.send(&probe(1, TARGETS[0], 1)), None);
        assert!(bench.wait().is_some());

        net.remove_address("wan1", "10.0.1.2/24");
        net.add_address("wan1", "10.0.1.77/24");
        let mut moved = plan();
        let source: IpAddr = "10.0.1.77".parse().unwrap();
        moved.tables[0].source = source;
        bench.apply(&moved);
        let probe_77 = Probe { source, ..probe(1, TARGETS[0], 2) };
        assert_eq!(bench.pinger.send(&probe_77), None);
        assert_eq!(bench.wait().unwrap().sequence, 2);

        net.remove("wan1");
        assert!(bench.pinger.send(&probe_77).is_some(), "the address went with the interface");
        let home = net.home();
        net.cable("wan1", 31, &bench.isps[0], "box", 32);
        net.add_address("wan1", "10.0.1.77/24");
        net.set_up("wan1", true);
        bench.isps[0].visit(&home, |isp| {
            isp.add_address("box", "10.0.1.1/24");
            isp.set_up("box", true);
            isp.await_ready("box");
        });
        net.await_ready("wan1");
        for hop in &mut moved.tables {
            hop.ifindex = if hop.link == link(1) { 31 } else { hop.ifindex };
        }
        moved.tables.retain(|hop| hop.link == link(2) || hop.source == source);
        bench.apply(&moved);
        assert_eq!(bench.pinger.send(&Probe { sequence: 3, ..probe_77 }), None);
        assert_eq!(bench.wait().unwrap().sequence, 3);
    });
}

const TARGETS: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// Two providers that both reach the targets, and a box that probes them.
struct Bench {
    isps: [Net; 2],
    home: std::fs::File,
    router: Router,
    pinger: Pinger,
    waiting: Vec<ProbeOutcome>,
}

impl Bench {
    fn new(net: &mut Net) -> Self {
        let mut isps = two_links(net);
        let home = net.home();
        for isp in &mut isps {
            isp.visit(&home, |isp| {
                isp.add_address("lo", "192.0.2.1/32");
                isp.add_address("lo", "2001:db8::1/128");
                isp.await_ready("lo");
                std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
                std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
            });
        }
        let sysctls = Sysctls::default();
        sysctls.prepare_router().unwrap();
        for name in ["wan1", "wan2"] {
            sysctls.prepare_wan(name).unwrap();
        }
        let (router, _) = Router::open(&[watched(1), watched(2)]).unwrap();
        let pinger = Pinger::new(0xfeed).unwrap();
        let mut bench = Self { isps, home, router, pinger, waiting: Vec::new() };
        bench.apply(&plan());
        bench
    }

    fn apply(&mut self, plan: &RoutePlan) {
        let (_, performed) = self.router.apply(plan);
        assert_eq!(performed.refused, Vec::<String>::new());
        assert_eq!(performed.waiting, Vec::<String>::new());
        self.pinger.set_paths(&plan.tables);
    }

    fn at_isp(&mut self, n: usize, work: impl FnOnce()) {
        self.isps[n - 1].visit(&self.home, |_| work());
    }

    fn wait(&mut self) -> Option<ProbeOutcome> {
        self.wait_for(SOON)
    }

    /// Waits on the pinger's descriptor, as a runtime would.
    fn wait_for(&mut self, limit: Duration) -> Option<ProbeOutcome> {
        let start = Instant::now();
        while self.waiting.is_empty() && start.elapsed() < limit {
            let left = limit.saturating_sub(start.elapsed());
            let mut fds = [PollFd::new(self.pinger.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::try_from(left).unwrap()).unwrap();
            self.pinger.receive(&mut self.waiting);
        }
        if self.waiting.is_empty() { None } else { Some(self.waiting.remove(0)) }
    }
}

/// A provider that answers echo requests by hand.
struct Forger {
    raw: OwnedFd,
}

impl Forger {
    fn new() -> Self {
        std::fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1").unwrap();
        let flags = SockFlag::empty();
        let raw = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Icmp).unwrap();
        setsockopt(&raw, sockopt::ReceiveTimeout, &TimeVal::seconds(2)).unwrap();
        Self { raw }
    }

    /// The box's request, from its ICMP header on.
    fn request(&self) -> Vec<u8> {
        let mut packet = [0; 256];
        let length = recv(self.raw.as_raw_fd(), &mut packet, MsgFlags::empty()).unwrap();
        packet[20..length].to_vec()
    }

    fn reply(&self, request: &[u8], from: &str) {
        let mut reply = request.to_vec();
        reply[0] = 0;
        reply[2..4].fill(0);
        let sum: u32 = reply.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap();
        reply[2..4].copy_from_slice(&checksum.to_be_bytes());
        let from: std::net::Ipv4Addr = from.parse().unwrap();
        let pktinfo = libc::in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) },
            ipi_addr: libc::in_addr { s_addr: 0 },
        };
        let to = SockaddrIn::new(10, 0, 1, 2, 0);
        let notes = [ControlMessage::Ipv4PacketInfo(&pktinfo)];
        let slices = [std::io::IoSlice::new(&reply)];
        sendmsg(self.raw.as_raw_fd(), &slices, &notes, MsgFlags::empty(), Some(&to)).unwrap();
    }
}

fn plan() -> RoutePlan {
    let mut tables = Vec::new();
    for n in [1, 2] {
        for family in Family::BOTH {
            let address = |host| match family {
                Family::V4 => format!("10.0.{n}.{host}").parse().unwrap(),
                Family::V6 => format!("fd00:{n}::{host}").parse().unwrap(),
            };
            let ifindex = 10 + u32::from(n);
            tables.push(Hop { link: link(n), ifindex, gateway: Some(address(1)), source: address(2) });
        }
    }
    let of = |index: usize| FamilyPlan { active: Some(tables[index]), standby: None };
    RoutePlan { generation: 1, v4: of(2), v6: of(3), tables }
}

fn probe(n: u8, target: &str, sequence: u32) -> Probe {
    let target: IpAddr = target.parse().unwrap();
    let source = match Family::of(&target) {
        Family::V4 => format!("10.0.{n}.2"),
        Family::V6 => format!("fd00:{n}::2"),
    };
    Probe { link: link(n), source: source.parse().unwrap(), target, sequence }
}
