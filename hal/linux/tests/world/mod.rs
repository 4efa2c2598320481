//! A network of its own for each test: the test's thread leaves for a fresh network namespace and
//! makes its cables over [`Session`]. Nothing outlives the thread, whatever becomes of the test.
//!
//! Needs root; says so instead of passing without having tested anything.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "each test uses its part; it measures"
)]

use std::fs::File;
use std::net::IpAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use hal::LinkId;
use hal_linux::links::WatchedLink;
use hal_linux::netlink::packet::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage,
};
use hal_linux::netlink::packet::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};
use hal_linux::netlink::packet::{AddressFamily, RouteNetlinkMessage};
use hal_linux::netlink::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Session};
use nix::sched::{CloneFlags, setns, unshare};

/// Runs `test` on a thread of its own inside a fresh network namespace with loopback up.
pub(crate) fn in_a_namespace(test: impl FnOnce(&mut Net) + Send + 'static) {
    assert!(nix::unistd::geteuid().is_root(), "this test makes network namespaces: run it as root");
    let thread = std::thread::spawn(move || {
        let mut net = Net::new();
        test(&mut net);
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Waits until `done` says so; the event is polled because it happens in another namespace.
pub(crate) fn until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    start.elapsed()
}

/// The calling thread's namespace.
pub(crate) struct Net {
    pub(crate) session: Session,
    own: File,
}

impl Net {
    /// Moves the calling thread into a fresh namespace.
    pub(crate) fn new() -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (needs root)");
        let own = File::open("/proc/thread-self/ns/net").unwrap();
        // Nobody else has an address of ours on these cables.
        std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap();
        let mut net = Self { session: Session::open().unwrap(), own };
        net.set_up("lo", true);
        net
    }

    /// A second namespace; the calling thread stays where it is.
    pub(crate) fn another(&self) -> Self {
        let other = Self::new();
        self.enter();
        other
    }

    /// Moves the calling thread here.
    pub(crate) fn enter(&self) {
        setns(&self.own, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// Runs `work` here and returns to `home`.
    pub(crate) fn visit<T>(&mut self, home: &File, work: impl FnOnce(&mut Self) -> T) -> T {
        self.enter();
        let outcome = work(self);
        setns(home, CloneFlags::CLONE_NEWNET).unwrap();
        outcome
    }

    /// A handle to come back by.
    pub(crate) fn home(&self) -> File {
        self.own.try_clone().unwrap()
    }

    /// A cable from `name` here to `peer` in `there`; `index` and `peer_index` as wanted.
    pub(crate) fn cable(&mut self, name: &str, index: u32, there: &Self, peer: &str, peer_index: u32) {
        use std::os::fd::AsRawFd;
        let mut far = LinkMessage::default();
        far.header.index = peer_index;
        far.attributes =
            vec![LinkAttribute::IfName(peer.to_owned()), LinkAttribute::NetNsFd(there.own.as_raw_fd())];
        let mut near = LinkMessage::default();
        near.header.index = index;
        near.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far))),
            ]),
        ];
        self.session
            .request(RouteNetlinkMessage::NewLink(near), NLM_F_CREATE | NLM_F_EXCL)
            .expect("a veth pair");
    }

    pub(crate) fn index(&mut self, name: &str) -> u32 {
        self.session.interface(name).unwrap().expect("the interface is there").ifindex
    }

    pub(crate) fn set_up(&mut self, name: &str, up: bool) {
        let mut link = LinkMessage::default();
        link.header.index = self.index(name);
        link.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        link.header.change_mask = LinkFlags::Up;
        self.session.request(RouteNetlinkMessage::SetLink(link), 0).unwrap();
    }

    /// Waits until the kernel has finished with an interface that came up: operational, its queue
    /// started, its addresses verified.
    pub(crate) fn await_ready(&mut self, name: &str) {
        until(&format!("{name} ready"), Duration::from_secs(10), || {
            let mut request = LinkMessage::default();
            request.attributes.push(LinkAttribute::IfName(name.to_owned()));
            let answer = self.session.get(RouteNetlinkMessage::GetLink(request)).unwrap();
            let Some(RouteNetlinkMessage::NewLink(link)) = answer else { return false };
            let up = name == "lo" || link.attributes.contains(&LinkAttribute::OperState(State::Up));
            up && are_addresses_in_use(name)
        });
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let mut link = LinkMessage::default();
        link.header.index = self.index(name);
        self.session.request(RouteNetlinkMessage::DelLink(link), 0).unwrap();
    }

    /// `address` like `10.0.1.2/24`; IPv6 without duplicate detection.
    pub(crate) fn add_address(&mut self, name: &str, address: &str) {
        let message = self.address(name, address);
        self.session.request(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE).unwrap();
    }

    pub(crate) fn remove_address(&mut self, name: &str, address: &str) {
        let message = self.address(name, address);
        self.session.request(RouteNetlinkMessage::DelAddress(message), 0).unwrap();
    }

    fn address(&mut self, name: &str, address: &str) -> AddressMessage {
        let (ip, prefix) = address.split_once('/').unwrap();
        let ip: IpAddr = ip.parse().unwrap();
        let mut message = AddressMessage::default();
        message.header.index = self.index(name);
        message.header.prefix_len = prefix.parse().unwrap();
        message.header.family = if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        message.attributes = vec![AddressAttribute::Local(ip), AddressAttribute::Address(ip)];
        if ip.is_ipv6() {
            message.header.flags = AddressHeaderFlags::Nodad;
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        message
    }

    /// An administrator at work: `ip` with these words.
    pub(crate) fn ip(&self, words: &str) -> String {
        run("ip", words)
    }
}

/// An address is usable only once its own route stands; flags are cleared a moment before.
fn are_addresses_in_use(name: &str) -> bool {
    let addresses = run("ip", &format!("-6 -o addr show dev {name}"));
    let local = run("ip", &format!("-6 route show table local dev {name}"));
    addresses.lines().all(|line| {
        let address = line.split_whitespace().nth(3).and_then(|a| a.split('/').next()).unwrap();
        !line.contains("tentative") && local.contains(&format!("local {address} "))
    })
}

/// A command of Debian's in the calling thread's namespace.
pub(crate) fn run(program: &str, words: &str) -> String {
    let output = Command::new(program).args(words.split_whitespace()).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}; install iproute2 and nftables"));
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words}: {problem}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn link(n: u8) -> LinkId {
    LinkId::new(n).unwrap()
}

/// Link `n` on interface `wanN`, gateways 10.0.N.1 and fd00:N::1.
pub(crate) fn watched(n: u8) -> WatchedLink {
    WatchedLink {
        link: link(n),
        interface: format!("wan{n}"),
        gateway4: Some(format!("10.0.{n}.1").parse().unwrap()),
        gateway6: Some(format!("fd00:{n}::1").parse().unwrap()),
    }
}

/// `wan1` and `wan2` to an ISP each, with addresses of both families.
pub(crate) fn two_links(net: &mut Net) -> [Net; 2] {
    let isps = [net.another(), net.another()];
    let home = net.home();
    let mut isps = isps;
    for (n, isp) in (1u32..).zip(&mut isps) {
        let name = format!("wan{n}");
        net.cable(&name, 10 + n, isp, "box", 20 + n);
        net.add_address(&name, &format!("10.0.{n}.2/24"));
        net.add_address(&name, &format!("fd00:{n}::2/64"));
        net.set_up(&name, true);
        isp.visit(&home, |isp| {
            isp.add_address("box", &format!("10.0.{n}.1/24"));
            isp.add_address("box", &format!("fd00:{n}::1/64"));
            isp.set_up("box", true);
        });
    }
    for (name, isp) in ["wan1", "wan2"].into_iter().zip(&mut isps) {
        isp.visit(&home, |isp| isp.await_ready("box"));
        net.await_ready(name);
    }
    isps
}
