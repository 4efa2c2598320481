//! What comes over a real broker is kept once, in order, and confirmed only when nothing is missing.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use noc_messages::{Body, Class, LossBody, Position, PresenceState, topics};
use serde_json::Value;

use support::boxed::Site;
use support::broker::Broker;
use support::collector::{Collector, ask};

struct Scene {
    store: tempfile::TempDir,
    broker: Broker,
    collector: Collector,
}

impl Scene {
    fn set() -> Self {
        let broker = Broker::plain();
        let store = tempfile::tempdir().unwrap();
        let collector = Collector::start(&broker.address(), store.path()).connected();
        Self { store, broker, collector }
    }

    fn site(&self, name: &str) -> Site {
        Site::connect(name, self.broker.port)
    }

    fn kept(&self, site: &str) -> Vec<u64> {
        seqs(&ask(&["records", site], self.store.path()))
    }
}

fn seqs(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

#[test]
fn records_that_come_twice_are_kept_once_and_counted() {
    let mut scene = Scene::set();
    let mut site = scene.site("clinic-1");
    site.records(&site.chain(Class::State, 1, 300));
    site.records(&site.chain(Class::State, 200, 300));
    site.hears(Class::State, 300);
    let mut duplicates = 0;
    scene.collector.until("all duplicates", |told| {
        duplicates += if told["event"] == "duplicates" { told["count"].as_u64().unwrap() } else { 0 };
        duplicates == 101
    });
    assert_eq!(scene.kept("clinic-1"), (1..=300).collect::<Vec<_>>());
}

#[test]
fn a_gap_holds_the_watermark_until_the_box_sends_again() {
    let mut scene = Scene::set();
    let mut site = scene.site("clinic-1");
    let all = site.chain(Class::Signal, 1, 9);
    site.records(&all[..3]);
    site.records(&all[5..]);
    let gap = scene.collector.event("gap");
    assert_eq!((gap["missing"]["seq"].as_u64(), gap["before"]["seq"].as_u64()), (Some(5), Some(6)));
    site.records(&site.chain(Class::State, 1, 2));
    site.hears(Class::State, 2);
    assert_eq!(site.upto(Class::Signal), 3, "what is behind the gap is kept but not confirmed");
    let shown = &ask(&["show", "clinic-1"], scene.store.path())[0];
    assert_eq!(shown["classes"]["signal"]["gaps"][0]["first"]["seq"], 6);

    site.records(&all);
    site.hears(Class::Signal, 9);
    scene.collector.event("healed");
    assert_eq!(scene.kept("clinic-1").len(), 9 + 2);
}

#[test]
fn a_loss_that_the_box_tells_moves_the_watermark_over_the_gap() {
    let mut scene = Scene::set();
    let mut site = scene.site("clinic-1");
    let all = site.chain(Class::Signal, 1, 9);
    site.records(&all[..3]);
    site.records(&all[5..]);
    scene.collector.event("gap");
    let mut loss = site.record(Class::State, 1, 10, 0);
    let (first, last) = (Some(Position { boot: 1, seq: 4 }), Some(Position { boot: 1, seq: 5 }));
    loss.body = Body::Loss(LossBody { class: Class::Signal, count: 2, first, last, why: "full".to_owned() });
    site.records(&[loss]);
    let lost = scene.collector.event("lost");
    assert_eq!((lost["class"].as_str(), lost["why"].as_str()), (Some("signal"), Some("told")));
    site.hears(Class::Signal, 9);
}

#[test]
fn foreign_junk_is_counted_and_ignored_and_does_not_end_the_connection() {
    let mut scene = Scene::set();
    let mut site = scene.site("clinic-1");
    let record = serde_json::to_vec(&site.record(Class::State, 1, 1, 0)).unwrap();
    let junk: [(&str, Vec<u8>); 6] = [
        ("holdfast/v1/clinic-1/records/state", vec![b'x'; 1024 * 1024]),
        ("holdfast/v1/clinic-1/records/state", b"\xff\xfe{".to_vec()),
        ("holdfast/v1/clinic-1/records/state", b"{\"seq\":-1}".to_vec()),
        ("holdfast/v1/clinic-2/records/state", record.clone()),
        ("holdfast/v1/Clinic 1/records/state", record.clone()),
        ("holdfast/v1/clinic-1/records/gossip", record),
    ];
    for (topic, payload) in &junk {
        site.say(topic, payload.clone(), false);
    }
    site.acknowledged(junk.len());
    site.records(&site.chain(Class::State, 1, 1));
    site.hears(Class::State, 1);
    scene.collector.until("the last junk", |told| told["event"] == "junk" && told["total"] == 6);
    assert_eq!(scene.collector.count("broker_lost"), 0);
    assert_eq!(ask(&["show"], scene.store.path()).len(), 1, "no junk founds a site");
}

#[test]
fn a_late_will_of_an_old_session_does_not_make_a_site_offline() {
    let mut scene = Scene::set();
    let site = scene.site("clinic-1");
    site.presence(PresenceState::Online, 4, 1);
    site.presence(PresenceState::Online, 4, 2);
    site.presence(PresenceState::Offline, 4, 1);
    let stale = scene.collector.event("stale_presence");
    assert_eq!((stale["state"].as_str(), stale["session"].as_u64()), (Some("offline"), Some(1)));
    let shown = &ask(&["show", "clinic-1"], scene.store.path())[0];
    assert_eq!(
        (shown["presence"]["state"].as_str(), shown["presence"]["session"].as_u64()),
        (Some("online"), Some(2))
    );
}

#[test]
fn a_box_that_dies_is_told_by_its_will() {
    let mut scene = Scene::set();
    let watcher = scene.site("clinic-1");
    let will = watcher.presence_of(PresenceState::Offline, 1, 1);
    let dying = Site::connect_with("clinic-1", scene.broker.port, Some(will));
    dying.presence(PresenceState::Online, 1, 1);
    scene.collector.until("online", |told| told["event"] == "presence" && told["state"] == "online");
    dying.die();
    scene.collector.until("offline", |told| told["event"] == "presence" && told["state"] == "offline");
}

#[test]
fn a_swapped_box_is_heard_although_its_numbers_begin_again() {
    let mut scene = Scene::set();
    let mut old = scene.site("clinic-1");
    old.records(&[old.record(Class::State, 57, 1, 0), old.record(Class::State, 57, 2, 1)]);
    scene
        .collector
        .until("its watermark", |told| told["event"] == "watermark" && told["upto"]["state"]["seq"] == 2);
    let fresh = scene.site("clinic-1");
    fresh.records(&fresh.chain(Class::State, 1, 3));
    scene.collector.event("renumbered");
    old.hears(Class::State, 3);
    assert_eq!(scene.kept("clinic-1").len(), 5);
}

#[test]
fn metrics_are_kept_and_need_no_watermark() {
    let mut scene = Scene::set();
    let mut site = scene.site("clinic-1");
    let metrics = [site.record(Class::Metric, 1, 4, 2), site.record(Class::Metric, 1, 9, 7)];
    site.records(&metrics);
    site.records(&site.chain(Class::State, 1, 1));
    site.hears(Class::State, 1);
    assert!(!site.watermark.upto.contains_key(&Class::Metric));
    scene.collector.until("the metrics", |told| told["event"] == "watermark");
    assert_eq!(scene.collector.count("gap"), 0);
    assert_eq!(seqs(&ask(&["records", "clinic-1", "--class", "metric"], scene.store.path())), [4, 9]);
}

#[test]
fn a_state_document_is_kept_and_an_older_one_ignored() {
    let mut scene = Scene::set();
    let site = scene.site("clinic-1");
    let document = |boot: u32, generation: u64| {
        format!(r#"{{"site":"clinic-1","boot":{boot},"generation":{generation},"active":{{"ipv4":"lte"}}}}"#)
    };
    site.say(&topics::state(&site.id), document(2, 7), true);
    site.say(&topics::state(&site.id), document(1, 99), true);
    site.acknowledged(2);
    scene.collector.event("stale_state");
    let shown = &ask(&["show", "clinic-1"], scene.store.path())[0];
    assert_eq!(
        (shown["state"]["boot"].as_u64(), shown["state"]["active"]["ipv4"].as_str()),
        (Some(2), Some("lte"))
    );
}
