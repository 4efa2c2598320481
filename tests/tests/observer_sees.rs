//! The observer against a kernel that is made to do wrong on purpose: a judge that cannot condemn
//! proves nothing. No program of the product runs here.

use std::ffi::OsString;
use std::fs::File;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use e2e::observer::{Config, Family, Grace, Invariant, Observer, Report, SIMULTANEOUS};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{setsockopt, sockopt};

/// A namespace that lives as long as its thread.
struct Namespace {
    path: PathBuf,
    _end: mpsc::Sender<()>,
}

impl Namespace {
    /// A box with two WANs: `wan1` with carrier, `wan2` with carrier, each with its address.
    fn with_two_wans() -> Self {
        assert!(nix::unistd::geteuid().is_root(), "this test makes a network namespace: run it as root");
        let (ready, path) = mpsc::channel();
        let (end, wait) = mpsc::channel::<()>();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("root may make a namespace");
            let (process, thread) = (std::process::id(), nix::unistd::gettid());
            ready.send(format!("/proc/{process}/task/{thread}/ns/net")).expect("the test waits");
            wait.recv().expect_err("the other end is only dropped");
        });
        let path = path.recv().expect("the thread sends once").into();
        let namespace = Self { path, _end: end };
        namespace.run(
            "ip link add wan1 type veth peer name isp1; ip link add wan2 type veth peer name isp2
             for i in lo wan1 wan2 isp1 isp2; do ip link set $i up; done
             ip addr add 192.0.2.2/24 dev wan1; ip addr add 198.51.100.2/24 dev wan2
             ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev wan1
             ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:02 dev wan2
             ip rule add pref 450 not fwmark 0/0xff00 unreachable; ip rule add pref 500 lookup main suppress_prefixlength 0
             ip rule add pref 401 fwmark 0x100/0xff00 lookup 101; ip rule add pref 402 fwmark 0x200/0xff00 lookup 102
             ip rule add pref 700 lookup 99; ip rule add pref 710 unreachable
             ip route add default via 192.0.2.1 table 99 metric 10
             ip route add default via 198.51.100.1 table 99 metric 20",
        );
        namespace
    }

    fn run(&self, script: &str) {
        let script = format!("set -e; {}", script.replace('\n', ";"));
        let net = format!("--net={}", self.path.display());
        let status = Command::new("nsenter")
            .args([&net, "sh", "-c", &script])
            .status()
            .expect("util-linux is installed");
        assert!(status.success(), "{script}");
    }

    /// What an observer says of a script.
    fn observed(&self, script: &str) -> Report {
        self.observed_while(|| self.run(script))
    }

    fn observed_while(&self, play: impl FnOnce()) -> Report {
        let observer = Observer::start(Config {
            namespace: self.path.clone(),
            wans: vec!["wan1".into(), "wan2".into()],
            flow_ends: vec!["203.0.113.9".parse().expect("an address")],
            grace: Grace {
                dead_standby: Duration::from_millis(100),
                missing_rule: Duration::from_millis(100),
                ..Grace::default()
            },
        });
        let observer = observer.expect("root may observe");
        play();
        observer.finish().expect("the observer saw to the end")
    }

    /// Sends one packet of a flow by a WAN of our choice.
    fn send(&self, from: &str, device: &str) {
        let namespace = File::open(&self.path).expect("the namespace is there");
        let (from, device) = (format!("{from}:0"), device.to_owned());
        let send = move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("root may enter it");
            let socket = UdpSocket::bind(from).expect("an address of the namespace");
            setsockopt(&socket, sockopt::BindToDevice, &OsString::from(device)).expect("a device of it");
            socket.send_to(b"x", "203.0.113.9:5000").expect("the neighbour is permanent");
        };
        thread::spawn(send).join().expect("the packet left");
    }
}

fn invariants(report: &Report) -> Vec<Invariant> {
    let mut found: Vec<_> = report.violations.iter().map(|v| v.invariant).collect();
    found.dedup();
    found
}

#[test]
fn a_switch_by_replace_is_clean_and_is_seen_as_one_switch() {
    let namespace = Namespace::with_two_wans();

    let report =
        namespace.observed("ip route replace default via 198.51.100.1 table 99 metric 10; sleep 0.1");

    report.assert_clean();
    assert_eq!(report.switches.len(), 2, "the first look and the switch: {:?}", report.switches);
    let switch = &report.switches[1];
    assert_eq!(
        (switch.family, switch.from.as_deref(), switch.to.as_str()),
        (Family::V4, Some("wan1"), "wan2")
    );
}

#[test]
fn a_default_that_is_deleted_and_put_back_at_once_is_seen() {
    let namespace = Namespace::with_two_wans();

    let batch = "printf 'route del default table 99 metric 10\\nroute del default table 99 metric 20\\n\
                 route add default via 192.0.2.1 table 99 metric 10\\n' | ip -batch -";
    let report = namespace.observed(batch);

    assert_eq!(invariants(&report), [Invariant::NoDefault], "{:?}", report.violations);
}

#[test]
fn two_active_defaults_are_seen_however_short() {
    let namespace = Namespace::with_two_wans();

    let batch = "printf 'route append default via 198.51.100.1 table 99 metric 10\\n\
                 route del default via 198.51.100.1 table 99 metric 10\\n' | ip -batch -";
    let report = namespace.observed(batch);

    assert_eq!(invariants(&report), [Invariant::TwoActive], "{:?}", report.violations);
}

#[test]
fn two_standbys_and_a_standby_without_carrier_are_seen() {
    let namespace = Namespace::with_two_wans();
    let report = namespace.observed("ip route add default via 192.0.2.1 table 99 metric 30; sleep 0.05");
    assert_eq!(invariants(&report), [Invariant::TwoStandby], "{:?}", report.violations);

    let namespace = Namespace::with_two_wans();
    let report = namespace.observed("ip link set isp2 down; sleep 0.3");
    assert_eq!(invariants(&report), [Invariant::DeadStandby], "{:?}", report.violations);
}

#[test]
fn a_rule_that_is_missing_and_a_rule_that_stands_twice_are_seen() {
    let namespace = Namespace::with_two_wans();
    let report = namespace.observed("ip rule del pref 450; sleep 0.3");
    assert_eq!(invariants(&report), [Invariant::RuleMissing], "{:?}", report.violations);

    // `ip` refuses a twin; another protocol number makes the kernel take it.
    let namespace = Namespace::with_two_wans();
    let report = namespace.observed("ip rule add pref 700 lookup 99 protocol 200; sleep 0.1");
    assert_eq!(invariants(&report), [Invariant::RuleTwice], "{:?}", report.violations);
}

#[test]
fn traffic_by_the_wrong_link_and_with_a_foreign_address_is_seen() {
    let settle = || thread::sleep(2 * SIMULTANEOUS);
    let left = |namespace: &Namespace, from: &str, device: &str| {
        let report = namespace.observed_while(|| {
            settle();
            namespace.send(from, device);
            settle();
        });
        invariants(&report)
    };

    let namespace = Namespace::with_two_wans();
    assert_eq!(left(&namespace, "192.0.2.2", "wan1"), []);
    assert_eq!(left(&namespace, "198.51.100.2", "wan2"), [Invariant::WrongLink]);
    assert_eq!(left(&namespace, "198.51.100.2", "wan1"), [Invariant::ForeignSource]);
}
