//! Whatever ends the collector, the broker or the disk: what was confirmed is kept, and what was not
//! comes again.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use noc_messages::Class;
use support::boxed::Site;
use support::broker::Broker;
use support::certificates::Certificates;
use support::collector::{Collector, ask, program};

fn seqs(store: &Path, site: &str) -> Vec<u64> {
    ask(&["records", site], store).iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

fn upto_on_disk(store: &Path, site: &str) -> u64 {
    ask(&["show", site], store)[0]["watermark"]["upto"]["state"]["seq"].as_u64().unwrap_or(0)
}

fn collect_plain(broker: &str, store: &Path, before: &str) -> Command {
    let mut command = Command::new("sh");
    let line =
        format!("{before} exec \"$0\" collect --json --insecure-plain --broker {broker} --store \"$1\"");
    command.arg("-c").arg(line).arg(program()).arg(store);
    command
}

#[test]
fn a_collector_killed_again_and_again_loses_nothing_that_was_acknowledged_or_confirmed() {
    const RECORDS: u64 = 6_000;
    const KILLS: u64 = 12;
    let broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&broker.address(), store.path()).connected();
    let mut site = Site::connect("clinic-1", broker.port);
    let mut cut_short = 0;
    for part in 0..KILLS {
        let (from, to) = (part * RECORDS / KILLS + 1, (part + 1) * RECORDS / KILLS);
        site.send(&site.chain(Class::State, from, to));
        // The next commits are on their way while this one is told.
        collector
            .until("the first of them", |told| told["seq"].as_u64().is_some_and(|seq| seq >= from + part));
        collector.kill();
        site.acknowledged(usize::try_from(to + 1 - from).unwrap());
        let (heard, on_disk) = (site.upto(Class::State), upto_on_disk(store.path(), "clinic-1"));
        assert!(
            heard <= on_disk,
            "part {part}: the box released up to {heard}, the disk holds up to {on_disk}"
        );
        cut_short += u64::from(on_disk < to);
        collector = Collector::start(&broker.address(), store.path()).connected();
    }
    // The box never sends again: what comes is what the broker still has to deliver.
    site.hears(Class::State, RECORDS);
    assert_eq!(seqs(store.path(), "clinic-1"), (1..=RECORDS).collect::<Vec<_>>());
    assert!(cut_short > 0, "no kill fell into the stream: the test proves nothing");
}

#[test]
fn what_the_disk_did_not_confirm_is_neither_acknowledged_nor_confirmed() {
    let broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&broker.address(), store.path()).connected();
    let mut site = Site::connect("clinic-1", broker.port);
    site.records(&site.chain(Class::State, 1, 10));
    site.hears(Class::State, 10);
    assert!(collector.stop().success());

    let strace = "strace -D -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO";
    let mut failing =
        Collector::from(collect_plain(&broker.address(), store.path(), "").tap(strace)).connected();
    site.records(&site.chain(Class::State, 11, 20));
    let why = failing.event("store_failing");
    assert!(why["why"].as_str().unwrap().contains("sites/clinic-1"), "{why}");
    // Longer than two more attempts take.
    failing.says_nothing_for(Duration::from_millis(2_500));
    assert_eq!((failing.count("record"), site.upto(Class::State)), (0, 10));
    failing.kill();
    assert_eq!(seqs(store.path(), "clinic-1").len(), 10, "what was rolled back is not on the disk");

    let _healthy = Collector::start(&broker.address(), store.path()).connected();
    site.hears(Class::State, 20);
    assert_eq!(seqs(store.path(), "clinic-1"), (1..=20).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_holds_the_watermark_back_until_there_is_room() {
    let broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    // Files of at most 16 blocks of 512 bytes, then writing fails: the kernel's word for a full disk
    // differs, the place where it is said does not.
    let full = collect_plain(&broker.address(), store.path(), "trap '' XFSZ; ulimit -f 16;");
    let mut collector = Collector::from(full).connected();
    let mut site = Site::connect("clinic-1", broker.port);
    site.records(&site.chain(Class::State, 1, 20));
    site.hears(Class::State, 20);
    site.records(&site.chain(Class::State, 21, 200));
    collector.event("store_failing");
    assert!(site.upto(Class::State) < 200);
    assert!(site.upto(Class::State) <= upto_on_disk(store.path(), "clinic-1"));
    assert_eq!(collector.stop().code(), Some(1), "it says that its last deliveries are not kept");

    let _roomy = Collector::start(&broker.address(), store.path()).connected();
    site.hears(Class::State, 200);
    assert_eq!(seqs(store.path(), "clinic-1"), (1..=200).collect::<Vec<_>>());
}

#[test]
fn a_torn_end_is_told_and_cut_off() {
    let broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&broker.address(), store.path()).connected();
    let mut site = Site::connect("clinic-1", broker.port);
    site.records(&site.chain(Class::State, 1, 5));
    site.hears(Class::State, 5);
    collector.kill();
    let log = store.path().join("sites/clinic-1/00000001.log");
    std::fs::File::options()
        .append(true)
        .open(&log)
        .unwrap()
        .write_all(b"0123abcd {\"record\":{\"at_")
        .unwrap();

    let mut collector = Collector::start(&broker.address(), store.path());
    let torn = collector.event("torn_tail");
    assert_eq!((torn["bytes"].as_u64(), torn["site"].as_str()), (Some(24), Some("clinic-1")));
    site.records(&site.chain(Class::State, 6, 7));
    site.hears(Class::State, 7);
    assert_eq!(seqs(store.path(), "clinic-1"), (1..=7).collect::<Vec<_>>());
}

#[test]
fn told_to_stop_it_commits_acknowledges_and_ends_well() {
    let broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&broker.address(), store.path()).connected();
    let site = Site::connect("clinic-1", broker.port);
    site.records(&site.chain(Class::State, 1, 500));
    collector.event("record");
    assert!(collector.stop().success());
    let kept = collector.event("stopped")["records"].as_u64().unwrap();
    assert_eq!(kept, seqs(store.path(), "clinic-1").len() as u64);

    let mut next = Collector::start(&broker.address(), store.path()).connected();
    site.records(&site.chain(Class::State, 501, 501));
    next.until("the last record", |told| told["event"] == "record" && told["seq"] == 501);
    assert_eq!(next.count("duplicates"), 0, "what was committed had been acknowledged");
    assert_eq!(next.count("record") as u64, 501 - kept);
}

#[test]
fn a_broker_that_was_killed_is_found_again_and_told_everything_again() {
    let mut broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&broker.address(), store.path()).connected();
    let mut site = Site::connect("clinic-1", broker.port);
    site.records(&site.chain(Class::State, 1, 5));
    site.hears(Class::State, 5);
    broker.kill();
    let lost = collector.event("broker_lost");
    assert!(lost["retry_ms"].as_u64().is_some());
    collector.until("a refused attempt", |told| {
        told["event"] == "broker_lost" && told["why"].as_str().is_some_and(|why| why.contains("refused"))
    });

    broker.run();
    collector.event("connected");
    let mut again = Site::connect("clinic-1", broker.port);
    again.hears(Class::State, 5);
    again.records(&again.chain(Class::State, 4, 9));
    again.hears(Class::State, 9);
}

#[test]
fn over_mutual_tls_it_collects_and_a_foreign_authority_is_refused_in_words() {
    let (ours, foreign) = (Certificates::make(), Certificates::make());
    let broker = Broker::mutual_tls(&ours);
    let store = tempfile::tempdir().unwrap();
    let path = |of: &Certificates, name: &str| -> PathBuf { of.dir().join(name) };
    let start = |ca: PathBuf| {
        let mut command = Command::new(program());
        command.args(["collect", "--json", "--broker", &broker.address(), "--store"]).arg(store.path());
        command
            .arg("--ca")
            .arg(ca)
            .arg("--cert")
            .arg(path(&ours, "noc.pem"))
            .arg("--key")
            .arg(path(&ours, "noc.key"));
        Collector::from(command)
    };
    let mut deceived = start(path(&foreign, "ca.pem"));
    let refused = deceived.event("broker_lost");
    assert!(refused["why"].as_str().unwrap().contains("certificate"), "{refused}");
    assert!(deceived.stop().success());

    let mut collector = start(path(&ours, "ca.pem")).connected();
    assert!(collector.stop().success());
}

#[test]
fn a_second_collector_on_the_same_store_is_refused() {
    let broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    let _first = Collector::start(&broker.address(), store.path()).connected();
    let second = collect_plain(&broker.address(), store.path(), "").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another collector"), "{second:?}");
}

#[test]
fn questions_that_have_no_answer_fail_with_a_remedy() {
    let store = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        Command::new(program()).args(words).arg("--store").arg(store.path()).output().unwrap()
    };
    for (words, code, said) in [
        (&["show"][..], 1, "check that the disk is there"),
        (&["records", "clinic-1"], 1, "lists what it holds"),
        (&["records", "Clinic 1"], 2, "1 to 48 of a-z"),
        (&["records", "clinic-1", "--class", "gossip"], 2, "expected signal"),
        (&["collect", "--broker", "nowhere"], 2, "--ca"),
        (&["collect", "--broker", "nowhere", "--insecure-plain"], 1, "expected HOST:PORT"),
    ] {
        let output = run(words);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {stderr}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
}

/// Puts a program before the shell's `exec`.
trait Tap {
    fn tap(self, before: &str) -> Command;
}

impl Tap for Command {
    fn tap(self, before: &str) -> Command {
        let mut words = before.split(' ');
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg(self.get_program()).args(self.get_args());
        command
    }
}

#[test]
fn people_read_sentences() {
    let broker = Broker::plain();
    let store = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&broker.address(), store.path()).connected();
    let mut site = Site::connect("clinic-1", broker.port);
    site.records(&site.chain(Class::State, 1, 2));
    site.hears(Class::State, 2);
    collector.stop();
    let run = |words: &[&str]| {
        let output = Command::new(program()).args(words).arg("--store").arg(store.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["records", "clinic-1"]).contains("1:2 state  stops"), "{}", run(&["records", "clinic-1"]));
    assert!(
        run(&["show"]).contains("state         2 records, newest 1:2, complete up to 1:2"),
        "{}",
        run(&["show"])
    );
}
