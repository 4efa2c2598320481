//! Firewall and flows against the real kernel: marks, masquerade, flush, foreign flushes.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test measures, its helpers unwrap")]

mod world;

use std::fs::File;
use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use hal_linux::links::{LinkWatch, WatchedLink};
use hal_linux::netlink::conntrack::Flows;
use hal_linux::nft::{Firewall, NftError, TABLE};
use hal_linux::sysctl::Sysctls;
use socket2::{Domain, Protocol, Socket, Type};
use world::{Net, in_a_namespace, link, run, two_links, watched};

#[test]
fn a_lan_flow_is_masqueraded_marked_and_forgotten_by_its_link_only() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        for (n, target, network) in [
            (1, "192.0.2.1:9", "192.0.2.1/32"),
            (2, "198.51.100.1:9", "198.51.100.1/32"),
            (1, "[2001:db8:1::1]:9", "2001:db8:1::1/128"),
            (2, "[2001:db8:2::1]:9", "2001:db8:2::1/128"),
        ] {
            let gateway =
                if target.starts_with('[') { format!("fd00:{n}::1") } else { format!("10.0.{n}.1") };
            net.ip(&format!("route add {network} via {gateway}"));
            let seen = bench.send_from_lan(n, network, target);
            let own = if target.starts_with('[') { format!("fd00:{n}::2") } else { format!("10.0.{n}.2") };
            assert_eq!(seen, own, "the provider must see the box's address on link {n}");
        }
        assert_eq!(bench.marks(), [0x100, 0x100, 0x200, 0x200]);

        let took = Flows::open().unwrap().forget(link(1)).unwrap();

        assert_eq!(bench.marks(), [0x200, 0x200]);
        assert!(took < Duration::from_millis(100), "{took:?}");
    });
}

#[test]
fn nothing_from_a_provider_is_forwarded_unasked() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        let home = net.home();
        let listener = bench.at_lan(|| UdpSocket::bind("192.168.1.2:7").unwrap());
        listener.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        bench.isps[0].visit(&home, |isp| {
            isp.ip("route add 192.168.1.0/24 via 10.0.1.2");
            UdpSocket::bind("10.0.1.1:0").unwrap().send_to(b"knock", "192.168.1.2:7").unwrap();
        });

        assert!(listener.recv(&mut [0; 16]).is_err(), "the knock came through");
    });
}

#[test]
fn a_provider_reaches_nothing_on_the_box_but_what_it_was_asked_and_its_pings() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        let home = net.home();
        let open = UdpSocket::bind("[::]:7").unwrap();
        open.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        let listener = TcpListener::bind("0.0.0.0:80").unwrap();
        for box_address in ["10.0.1.2", "fd00:1::2"] {
            let at = |port: u16| std::net::SocketAddr::new(box_address.parse().unwrap(), port);
            bench.isps[0].visit(&home, |_| {
                let any = if box_address.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
                UdpSocket::bind(any).unwrap().send_to(b"knock", at(7)).unwrap();
                TcpStream::connect_timeout(&at(80), Duration::from_millis(150)).unwrap_err();
                assert!(answers_echo(at(0)), "{box_address} is silent");
            });
            assert!(open.recv(&mut [0; 16]).is_err(), "the knock came through");
        }
        bench.at_lan(|| TcpStream::connect("192.168.1.1:80").unwrap());
        listener.accept().unwrap();

        let answer = bench.isps[0].visit(&home, |_| UdpSocket::bind("10.0.1.1:9").unwrap());
        open.send_to(b"question", "10.0.1.1:9").unwrap();
        let (_, from) = answer.recv_from(&mut [0; 16]).unwrap();
        bench.isps[0].visit(&home, |_| answer.send_to(b"answer", from).unwrap());
        assert_eq!(open.recv(&mut [0; 16]).unwrap(), 6, "what was asked is answered");
    });
}

#[test]
fn a_connection_through_a_narrow_link_is_told_so_in_its_first_packet() {
    in_a_namespace(|net| {
        let mut bench = Bench::new(net);
        let home = net.home();
        net.ip("link set wan1 mtu 1400");
        net.ip("route add 192.0.2.1/32 via 10.0.1.1");
        let listener = bench.isps[0].visit(&home, |isp| {
            isp.add_address("lo", "192.0.2.1/32");
            isp.await_ready("lo");
            TcpListener::bind("192.0.2.1:80").unwrap()
        });
        let _client = bench.at_lan(|| TcpStream::connect("192.0.2.1:80").unwrap());
        let (server, _) = listener.accept().unwrap();

        let largest = nix::sys::socket::getsockopt(&server, nix::sys::socket::sockopt::TcpMaxSeg).unwrap();

        // 1400 less both headers and the timestamp option.
        assert_eq!(largest, 1_400 - 20 - 20 - 12);
    });
}

#[test]
fn a_foreign_flush_is_noticed_our_own_load_is_not_and_a_reload_restores_everything() {
    in_a_namespace(|net| {
        let _isps = two_links(net);
        let firewall = Firewall::new("lan", &links());
        let mut watch = LinkWatch::open(&links(), 0, TABLE).unwrap();
        watch.expect_firewall_change_by(firewall.load().unwrap());
        let loaded = run("nft", "list table inet holdfast");
        assert!(!hears(&mut watch, |c| c.firewall), "our own load is nobody else's");

        run("nft", "add table inet others");
        assert!(!hears(&mut watch, |c| c.firewall), "tables of others are theirs");
        for harm in ["flush ruleset", "flush chain inet holdfast source_nat", "delete table inet holdfast"] {
            run("nft", harm);
            assert!(hears(&mut watch, |c| c.firewall), "{harm}");
            watch.expect_firewall_change_by(firewall.load().unwrap());
            assert_eq!(run("nft", "list table inet holdfast"), loaded, "after {harm}");
            assert!(!hears(&mut watch, |c| c.firewall));
        }
        firewall.load().unwrap();
        assert_eq!(run("nft", "list table inet holdfast"), loaded, "loading twice changes nothing");
    });
}

#[test]
fn a_refusal_of_nft_is_told_in_its_own_words() {
    in_a_namespace(|_| {
        let too_long = WatchedLink { interface: "a-name-of-more-than-fifteen".into(), ..watched(1) };
        let error = Firewall::new("lan", &[too_long]).load().unwrap_err();
        assert!(matches!(&error, NftError::Refused(words) if words.contains("a-name-of-more")), "{error}");
    });
}

/// Sends an echo request of either family from the namespace of this thread and waits for its reply.
fn answers_echo(to: std::net::SocketAddr) -> bool {
    let (protocol, request, reply) =
        if to.is_ipv4() { (Protocol::ICMPV4, 8, 0) } else { (Protocol::ICMPV6, 128, 129) };
    let socket = Socket::new(Domain::for_address(to), Type::RAW, Some(protocol)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    // The checksum of a request with nothing but its type; IPv6 has the kernel's.
    socket.send_to(&[request, 0, 0xff - request, 0xff, 0, 0, 0, 0], &to.into()).unwrap();
    let mut bytes = [0; 128];
    (0..8).any(|_| {
        let header = if to.is_ipv4() { 20 } else { 0 };
        (&socket).read(&mut bytes).is_ok_and(|length| length > header && bytes[header] == reply)
    })
}

/// A LAN host, the box with firewall and forwarding, two providers.
struct Bench {
    isps: [Net; 2],
    lan: Net,
    home: File,
}

impl Bench {
    fn new(net: &mut Net) -> Self {
        let isps = two_links(net);
        let mut lan = net.another();
        let home = net.home();
        net.cable("lan", 50, &lan, "host", 51);
        net.add_address("lan", "192.168.1.1/24");
        net.add_address("lan", "fd42::1/64");
        net.set_up("lan", true);
        lan.visit(&home, |lan| {
            lan.add_address("host", "192.168.1.2/24");
            lan.add_address("host", "fd42::2/64");
            lan.set_up("host", true);
            lan.await_ready("host");
            lan.ip("route add default via 192.168.1.1");
            lan.ip("-6 route add default via fd42::1");
        });
        net.await_ready("lan");
        Sysctls::default().prepare_router().unwrap();
        Firewall::new("lan", &links()).load().unwrap();
        Self { isps, lan, home }
    }

    fn at_lan<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.lan.visit(&self.home, |_| work())
    }

    /// Sends a datagram from the LAN host and returns the source address that provider `n` sees.
    fn send_from_lan(&mut self, n: usize, network: &str, target: &str) -> String {
        let listener = self.isps[n - 1].visit(&self.home, |isp| {
            isp.add_address("lo", network);
            isp.await_ready("lo");
            UdpSocket::bind(target).unwrap()
        });
        listener.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let any = if target.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
        self.at_lan(|| UdpSocket::bind(any).unwrap().send_to(b"hello", target).unwrap());
        let (_, from) = listener.recv_from(&mut [0; 16]).unwrap();
        from.ip().to_string()
    }

    /// Marks of the UDP flows of the LAN host, sorted.
    fn marks(&self) -> Vec<u32> {
        let table = std::fs::read_to_string("/proc/thread-self/net/nf_conntrack").unwrap_or_default();
        let of_host = |line: &&str| {
            line.contains("192.168.1.2") || line.contains("fd42:0000") || line.contains("fd42::2")
        };
        let mark = |line: &str| line.split("mark=").nth(1).and_then(|m| m.split(' ').next()?.parse().ok());
        let mut marks: Vec<u32> = table.lines().filter(of_host).filter_map(mark).collect();
        marks.sort_unstable();
        marks
    }
}

/// Watches until nothing more rings for a moment.
fn hears(watch: &mut LinkWatch, what: fn(&hal_linux::links::Changes) -> bool) -> bool {
    let (never, _keep) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut heard = false;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(100) {
        watch.wait(never.as_fd()).unwrap();
        heard |= what(&watch.turn().unwrap());
    }
    heard
}

fn links() -> Vec<WatchedLink> {
    vec![watched(1), watched(2)]
}
