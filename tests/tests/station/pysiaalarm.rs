//! pysiaalarm 3.2.2, which nobody here wrote, as station. It does not drop duplicates, so events are
//! counted by account and sequence; its keys are characters.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use ports::station::Transport;
use serde_json::Value;
use station::Trouble;

use crate::desk::{ACCOUNT, Desk, Known, SOON, link};
use crate::peer::{KEYS, TRANSPORTS, own_key};

#[test]
fn every_signal_is_read_as_it_was_meant_in_clear_and_with_every_key() {
    for (transport, key) in all_ways() {
        let peer = Peer::start(transport, key);
        let mut desk = Desk::new(&[peer.known(key)], 0);
        let signals: Vec<_> = (1..=8).map(|zone| desk.submit(zone)).collect();
        desk.until("all delivered", |desk| signals.iter().all(|signal| desk.is_delivered(*signal)));

        let events = peer.signals(signals.len());
        let expected = desk.delivered.iter().map(|(signal, _, sequence)| {
            (
                ACCOUNT.to_owned(),
                sequence.to_string(),
                "1131".to_owned(),
                "01".to_owned(),
                format!("{:03}", signal.0),
            )
        });
        let expected: BTreeSet<_> = expected.collect();
        assert_eq!(events, expected, "{transport:?}, {key:?}");
    }
}

#[test]
fn signs_of_life_are_answered_on_both_paths() {
    for (transport, key) in all_ways() {
        let peer = Peer::start(transport, key);
        let mut desk = Desk::new(&[peer.known(key)], 0);
        let works = |desk: &Desk, number| {
            desk.troubles.iter().any(
                |trouble| matches!(trouble, Trouble::Path { path, works: true } if path.link == link(number)),
            )
        };
        desk.until("two paths that work", |desk| works(desk, 1) && works(desk, 2));
    }
}

#[test]
fn with_the_wrong_key_nothing_is_delivered_and_nothing_is_taken() {
    for transport in TRANSPORTS {
        let peer = Peer::start(transport, KEYS[1]);
        let mut desk = Desk::new(&[peer.known(Some("fedcba9876543210"))], 0);
        desk.submit(15);
        desk.serve(Duration::from_secs(3));
        assert_eq!(desk.delivered, [], "{transport:?}");
        assert!(
            !desk.sent.is_empty()
                && desk.troubles.iter().all(|t| !matches!(t, Trouble::Path { works: true, .. }))
        );
        assert_eq!(peer.signals(0), BTreeSet::new());
    }
}

#[test]
fn a_clock_outside_of_its_window_is_corrected_by_its_nak() {
    for (transport, key) in all_ways() {
        for off in [-50, 30] {
            let peer = Peer::start(transport, key);
            let mut desk = Desk::new(&[peer.known(key)], off);
            let signal = desk.submit(15);
            desk.until_delivered(signal);
            let corrected = |trouble: &Trouble| matches!(trouble, Trouble::Clock { ahead, .. } if (ahead + off).abs() <= 2);
            assert!(desk.troubles.iter().any(corrected), "{off}: {:?}", desk.troubles);
            assert_eq!(peer.signals(1).len(), 1, "{transport:?}, {key:?}, {off}");
        }
    }
}

/// Account, sequence, qualifier with type, partition, zone.
type Taken = (String, String, String, String, String);

struct Peer {
    child: Child,
    lines: Receiver<Value>,
    address: String,
    transport: Transport,
}

impl Peer {
    fn start(transport: Transport, key: Option<&str>) -> Self {
        let protocol = match transport {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
        };
        let account = key.map_or(ACCOUNT.to_owned(), |key| format!("{ACCOUNT}:{key}"));
        let script = workspace().join("tests/peers/pysiaalarm_station.py");
        let mut child = Command::new(python())
            .arg(script)
            .args([protocol, &account])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (tell, lines) = sync_channel(1_024);
        std::thread::spawn(move || {
            let values =
                out.lines().map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
            // The test may have ended.
            values.map(|value| tell.send(value)).take_while(Result::is_ok).count()
        });
        let first: Value = lines.recv_timeout(SOON).expect("pysiaalarm listens");
        let address = first["listening"].as_str().expect("where").to_owned();
        Self { child, lines, address, transport }
    }

    fn known(&self, key: Option<&str>) -> Known {
        let address = self.address.parse().expect("an address");
        Known { address, transport: self.transport, key: key.map(own_key) }
    }

    /// Everything that it took as a signal, each account and sequence once, when there are so many.
    /// It answers before it tells, so they are waited for; then it is ended, and what came beyond
    /// them is there as well.
    fn signals(mut self, expected: usize) -> BTreeSet<Taken> {
        let mut taken = BTreeSet::new();
        while taken.len() < expected {
            let event = self.lines.recv_timeout(SOON).expect("pysiaalarm tells what it took");
            taken.extend(signal(&event));
        }
        drop(self.child.stdin.take());
        taken.extend(self.lines.iter().filter_map(|event| signal(&event)));
        assert!(self.child.wait().expect("its end").success(), "pysiaalarm ended badly");
        taken
    }
}

/// `None` for a sign of life.
fn signal(event: &Value) -> Option<Taken> {
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    let code = text("qualifier")? + &text("type")?;
    Some((text("account")?, text("sequence")?, code, text("partition")?, text("zone")?))
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has ended already where its signals were asked for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn all_ways() -> impl Iterator<Item = (Transport, Option<&'static str>)> {
    TRANSPORTS.into_iter().flat_map(|transport| KEYS.map(|key| (transport, key)))
}

/// The interpreter that has pysiaalarm: `cargo xtask test` puts it there.
fn python() -> PathBuf {
    let own =
        std::env::var_os("HOLDFAST_PEERS").map_or_else(|| workspace().join("target/peers"), PathBuf::from);
    let python = own.join("bin/python");
    assert!(python.exists(), "{} is missing: run `cargo xtask test`, which makes it", python.display());
    python
}

fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
