//! The MQTT port against Debian's Mosquitto, with TLS, cuts, wrong certificates and odd messages.

// `allow-unwrap-in-tests` does not reach the helpers of a test binary.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, unreachable_pub, dead_code)]

mod branch;

use std::time::{Duration, Instant};

use branch::{Authority, Broker, Noc, Proxy, SOON, TheBox, eventually};
use noc_messages::{Class, MAX_MESSAGE, Presence, PresenceState, topics};

const PROVEN: Duration = Duration::from_millis(2_100);

struct Branch {
    authority: Authority,
    dir: tempfile::TempDir,
    broker: Broker,
    proxy: Proxy,
    noc: Noc,
}

impl Branch {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("holdfast test CA");
        let broker = Broker::start(dir.path(), &authority);
        let proxy = Proxy::to(broker.tls_port);
        let noc = Noc::start("noc", broker.plain_port);
        Self { authority, dir, broker, proxy, noc }
    }

    fn start_box(&self) -> TheBox {
        let tls = self.authority.trusted_by(&self.authority.sign("clinic-017"));
        TheBox::start(self.dir.path(), self.proxy.port, Some(tls))
    }

    fn arrived(&self) -> usize {
        self.noc.read(|kept| kept.collector.arrived.values().map(Vec::len).sum())
    }

    fn await_presence(&self, state: PresenceState) -> Presence {
        eventually("presence", || {
            self.noc.read(|kept| kept.presence.last().cloned()).filter(|p| p.state == state)
        })
    }
}

fn record_fifty(the_box: &TheBox, made: usize) -> usize {
    (made..made + 50).for_each(|n| the_box.record(Class::DURABLE[n % 3]));
    50
}

fn lost_because(the_box: &TheBox, words: &str) {
    let why = the_box.losses.recv_timeout(SOON).unwrap();
    assert!(why.contains(words), "{why:?} instead of {words:?}");
}

#[test]
fn ten_thousand_records_survive_twelve_cuts_a_broker_kill_and_a_daemon_kill() {
    const RECORDS: usize = 10_000;
    let mut branch = Branch::new();
    let mut the_box = branch.start_box();
    let (mut made, mut cuts) = (0, 0);
    while made < RECORDS {
        if made % 750 == 0 && made > 0 && cuts < 12 {
            made += record_fifty(&the_box, made);
            eventually("all is with the NOC", || (the_box.status().records == 0).then_some(()));
            // Younger ones are redialled with growing caution.
            eventually("the wire has proven itself", || branch.proxy.is_older_than(PROVEN).then_some(()));
            branch.proxy.deafen();
            made += record_fifty(&the_box, made);
            eventually("the NOC has what the box knows nothing of", || {
                (branch.arrived() == made).then_some(())
            });
            assert!(the_box.status().in_flight > 0, "a PUBACK came through");
            cuts += branch.proxy.cut(false);
        }
        made += record_fifty(&the_box, made);
        // The box must not be asked for more than its flash takes.
        eventually("the spool keeps up", || (the_box.status().not_durable < 500).then_some(()));
        if made == RECORDS / 2 {
            branch.broker.kill_and_restart();
        }
        if made == RECORDS * 3 / 4 {
            eventually("all is handed over", || (the_box.status().not_durable == 0).then_some(()));
            the_box.die();
            the_box = branch.start_box();
        }
    }

    let begun = Instant::now();
    while the_box.status().records > 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", the_box.status());
        std::thread::sleep(Duration::from_millis(50));
    }

    assert_eq!(cuts, 12, "wires that were cut while they carried something");
    branch.noc.read(|kept| {
        let arrived = kept.collector.arrived.values().map(Vec::len).sum::<usize>();
        println!("{arrived} arrived, {} twice, drained in {:?}", kept.collector.duplicates, begun.elapsed());
        assert_eq!(arrived, RECORDS, "lost {}", RECORDS.abs_diff(arrived));
        assert!(kept.collector.lost.is_empty(), "{:?}", kept.collector.lost);
        for (class, places) in &kept.collector.arrived {
            assert!(places.is_sorted(), "{class:?} out of order");
        }
    });
}

#[test]
fn presence_follows_the_connection_and_only_rises() {
    let branch = Branch::new();
    let the_box = branch.start_box();
    let birth = branch.await_presence(PresenceState::Online);
    assert_eq!((birth.boot, birth.link.as_deref()), (1, Some("wan1")));

    branch.proxy.cut(true);
    let will = branch.await_presence(PresenceState::Offline);
    assert_eq!((will.boot, will.session, will.link), (1, birth.session, None));
    branch.proxy.mend();

    let second = branch.await_presence(PresenceState::Online);
    assert!(second.session > birth.session);
    the_box.say_goodbye();
    let going = branch.await_presence(PresenceState::Going);
    assert_eq!(going.session, second.session);
    // A late subscriber reads it too, and no will follows a goodbye.
    let late = Noc::start("late", branch.broker.plain_port);
    let retained = eventually("retained presence", || late.read(|kept| kept.presence.last().cloned()));
    assert_eq!(retained.state, PresenceState::Going);
    let order = branch.noc.read(|kept| kept.presence.iter().map(|p| (p.boot, p.session)).collect::<Vec<_>>());
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn a_broker_of_another_authority_is_refused_with_the_reason() {
    let branch = Branch::new();
    let other = Authority::new("somebody else");
    let tls = other.trusted_by(&branch.authority.sign("clinic-017"));

    let the_box = TheBox::start(branch.dir.path(), branch.proxy.port, Some(tls));

    lost_because(&the_box, "not signed by the CA in [mqtt] ca");
    the_box.die();
}

#[test]
fn a_broker_with_another_name_is_refused_with_the_reason() {
    let branch = Branch::new();
    let elsewhere = Authority::new("holdfast test CA");
    let files = ports::tls::TlsFiles {
        ca: branch.authority.pem.clone().into_bytes(),
        certificate: elsewhere.sign("x").certificate.into_bytes(),
        key: Vec::new(),
        server_name: "other.test".to_owned(),
    };
    let own = branch.authority.sign("clinic-017");
    let files = ports::tls::TlsFiles {
        certificate: own.certificate.into_bytes(),
        key: own.key.into_bytes(),
        ..files
    };
    let tls = ports::tls::ClientTls::new(&files).unwrap();

    let the_box = TheBox::start(branch.dir.path(), branch.proxy.port, Some(tls));

    lost_because(&the_box, "another name than [mqtt] server_name");
    the_box.die();
}

#[test]
fn a_site_certificate_of_another_authority_is_refused_by_the_broker_with_the_reason() {
    let branch = Branch::new();
    let stranger = Authority::new("somebody else").sign("clinic-017");

    let tls = branch.authority.trusted_by(&stranger);
    let the_box = TheBox::start(branch.dir.path(), branch.proxy.port, Some(tls));

    lost_because(&the_box, "the broker refuses TLS with this site");
    the_box.die();
}

#[test]
fn an_oversized_message_is_told_and_costs_no_connection() {
    let branch = Branch::new();
    let the_box = branch.start_box();
    let birth = branch.await_presence(PresenceState::Online);
    let topic = format!("{}/x", topics::from_noc(&"clinic-017".parse().unwrap()).trim_end_matches("/#"));

    branch.noc.say(&topic, vec![b'x'; 300_000], true);
    let what = the_box.odd.recv_timeout(SOON).unwrap();
    assert_eq!(what, format!("{topic}: more than {MAX_MESSAGE} bytes"));
    branch.noc.say(&topic, vec![b'x'; MAX_MESSAGE + 1], false);
    assert!(the_box.odd.recv_timeout(SOON).unwrap().contains("65537 bytes"));
    branch.noc.say(&topic, vec![0xc3, 0x28], false);
    assert_eq!(the_box.odd.recv_timeout(SOON).unwrap(), format!("{topic}: not text"));

    the_box.record(Class::Signal);
    eventually("released", || (the_box.status().classes[&Class::Signal].released.is_some()).then_some(()));
    assert!(the_box.losses.try_recv().is_err(), "the connection was lost");
    assert_eq!(branch.noc.read(|kept| kept.presence.last().unwrap().session), birth.session);
    // Retained, it comes with every connection, and each of them bears it.
    branch.proxy.cut(false);
    assert!(the_box.odd.recv_timeout(SOON).unwrap().contains("more than"));
    the_box.say_goodbye();
}

#[test]
fn another_link_or_source_takes_the_connection_along_at_once() {
    let branch = Branch::new();
    let the_box = branch.start_box();
    branch.await_presence(PresenceState::Online);
    assert_eq!(branch.proxy.next_dial().to_string(), "127.0.0.1");

    let switched = Instant::now();
    the_box.use_link(2);
    assert_eq!(branch.proxy.next_dial().to_string(), "127.0.0.2");
    let took = switched.elapsed();

    assert!(took < Duration::from_millis(500), "dialled after {took:?}");
    lost_because(&the_box, "moved away from wan1");
    eventually("birth by the other link", || {
        branch.noc.read(|kept| kept.presence.last()?.link.clone()).filter(|link| link == "wan2")
    });
    // The old path still worked: the move is no absence.
    let away = branch.noc.read(|kept| kept.presence.iter().any(|p| p.state == PresenceState::Offline));
    assert!(!away, "a will was published");
    the_box.say_goodbye();
}

#[test]
fn without_tls_only_where_it_was_configured_so() {
    let branch = Branch::new();

    let the_box = TheBox::start(branch.dir.path(), branch.broker.plain_port, None);
    branch.await_presence(PresenceState::Online);
    the_box.say_goodbye();

    let the_box = TheBox::start(branch.dir.path(), branch.broker.tls_port, None);
    let why = the_box.losses.recv_timeout(SOON).unwrap();
    assert!(!why.is_empty());
    assert_eq!(branch.noc.read(|kept| kept.presence.last().unwrap().state), PresenceState::Going);
    the_box.die();
}

#[test]
fn a_broker_that_is_not_there_is_tried_again_until_it_is() {
    let branch = Branch::new();
    branch.proxy.cut(true);
    let the_box = branch.start_box();
    the_box.record(Class::Signal);
    let first = the_box.losses.recv_timeout(SOON).unwrap();
    assert!(first.contains("127.0.0.1"), "{first}");
    the_box.losses.recv_timeout(SOON).unwrap();

    branch.proxy.mend();

    eventually("released", || (the_box.status().records == 0).then_some(()));
    the_box.say_goodbye();
}

#[test]
fn a_broker_that_answers_pings_and_acknowledges_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let port = branch::mute_broker();
    let the_box = TheBox::start(dir.path(), port, None);

    let why = the_box.losses.recv_timeout(Duration::from_secs(45)).unwrap();

    assert_eq!(why, "no PUBACK in 30 s for 1 publications");
    the_box.die();
}
