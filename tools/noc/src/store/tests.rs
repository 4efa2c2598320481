use noc_messages::{Class, Position};

use super::*;
use crate::segments;

fn delivery(site: &str, seq: u64) -> Delivery {
    let prev = if seq == 1 { "null".to_owned() } else { format!(r#"{{"boot":1,"seq":{}}}"#, seq - 1) };
    let rest = r#""class":"state","at":{"tick_ms":1},"kind":"stop""#;
    let text = format!(r#"{{"site":"{site}","boot":1,"seq":{seq},"prev":{prev},{rest}}}"#);
    let topic = format!("holdfast/v1/{site}/records/state");
    Delivery { topic, payload: text.into_bytes(), retained: false, redelivered: false }
}

fn open(root: &Path) -> (Store, Vec<Telling>) {
    Store::open(root).unwrap()
}

fn upto(store: &Store, site: &str) -> Option<u64> {
    let site = store.sites().find(|s| s.id().as_str() == site)?;
    site.watermark().upto.get(&Class::State).map(|position: &Position| position.seq)
}

fn log(root: &Path, number: u32) -> PathBuf {
    segments::path(&site_dir(root, &"a".parse().unwrap()), number)
}

#[test]
fn what_was_committed_is_known_after_a_restart_and_counted_once() {
    let root = tempfile::tempdir().unwrap();
    let (mut store, _) = open(root.path());
    let committed = store.commit(&[delivery("a", 1), delivery("b", 1), delivery("a", 2)], 7).unwrap();
    assert_eq!(committed.watermarks.len(), 2);
    drop(store);

    let (mut store, told) = open(root.path());
    assert!(told.is_empty(), "{told:?}");
    assert_eq!((upto(&store, "a"), upto(&store, "b")), (Some(2), Some(1)));
    let committed = store.commit(&[delivery("a", 2)], 8).unwrap();
    assert!(matches!(committed.tellings.as_slice(), [Telling::Duplicates(_)]));
    assert!(committed.watermarks.contains_key(&"a".parse().unwrap()), "the box repeats: it did not hear");
}

#[test]
fn a_torn_end_is_cut_off_told_and_taken_again() {
    let root = tempfile::tempdir().unwrap();
    let (mut store, _) = open(root.path());
    store.commit(&[delivery("a", 1)], 7).unwrap();
    let whole = std::fs::metadata(log(root.path(), 1)).unwrap().len();
    store.commit(&[delivery("a", 2)], 7).unwrap();
    drop(store);
    let file = OpenOptions::new().write(true).open(log(root.path(), 1)).unwrap();
    file.set_len(whole + 30).unwrap();

    let (mut store, told) = open(root.path());
    assert!(matches!(told.as_slice(), [Telling::TornTail(torn)] if torn.bytes == 30), "{told:?}");
    assert_eq!(upto(&store, "a"), Some(1));
    store.commit(&[delivery("a", 2)], 8).unwrap();
    drop(store);
    let (store, told) = open(root.path());
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(upto(&store, "a"), Some(2));
}

#[test]
fn a_batch_that_the_disk_refuses_changes_nothing_and_can_be_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let (mut store, _) = open(root.path());
    store.commit(&[delivery("a", 1)], 7).unwrap();
    let in_the_way = root.path().join("sites/b");
    std::fs::write(&in_the_way, "").unwrap();
    let batch = [delivery("a", 2), delivery("b", 1)];

    let error = store.commit(&batch, 8).unwrap_err();
    assert!(error.to_string().contains("sites/b"), "{error}");
    assert_eq!((upto(&store, "a"), upto(&store, "b")), (Some(1), None));

    std::fs::remove_file(in_the_way).unwrap();
    store.commit(&batch, 9).unwrap();
    drop(store);
    let (store, told) = open(root.path());
    assert!(told.is_empty(), "{told:?}");
    assert_eq!((upto(&store, "a"), upto(&store, "b")), (Some(2), Some(1)));
    let site = store.sites().next().unwrap();
    assert_eq!(site.held(), 2, "record 2 is there once");
}

#[test]
fn only_the_newest_checkpoint_and_what_is_behind_it_is_needed() {
    let root = tempfile::tempdir().unwrap();
    let (mut store, _) = open(root.path());
    let mut seq = 0;
    while !log(root.path(), 3).exists() {
        let batch: Vec<_> = (1..=500).map(|i| delivery("a", seq + i)).collect();
        store.commit(&batch, 7).unwrap();
        seq += 500;
    }
    drop(store);
    for number in [1, 2] {
        std::fs::remove_file(log(root.path(), number)).unwrap();
    }
    let (store, _) = open(root.path());
    assert_eq!(upto(&store, "a"), Some(seq));
    assert_eq!(store.sites().next().unwrap().held(), seq);
}

#[test]
fn a_segment_that_was_only_begun_falls_back_to_the_one_before() {
    let root = tempfile::tempdir().unwrap();
    let (mut store, _) = open(root.path());
    store.commit(&[delivery("a", 1)], 7).unwrap();
    drop(store);
    std::fs::write(log(root.path(), 2), "0123456").unwrap();

    let (mut store, _) = open(root.path());
    assert_eq!(upto(&store, "a"), Some(1));
    store.commit(&[delivery("a", 2)], 7).unwrap();
    drop(store);
    assert_eq!(upto(&open(root.path()).0, "a"), Some(2));
}

#[test]
fn many_sites_in_one_batch_are_synced_together() {
    let root = tempfile::tempdir().unwrap();
    let (mut store, _) = open(root.path());
    let batch: Vec<_> = (0..300).map(|i| delivery(&format!("s{i}"), 1)).collect();
    assert_eq!(store.commit(&batch, 7).unwrap().watermarks.len(), 300);
    store.commit(&[delivery("s7", 2)], 7).unwrap();
    drop(store);
    let (store, _) = open(root.path());
    assert_eq!((store.sites().count(), upto(&store, "s7")), (300, Some(2)));
}

#[test]
fn two_collectors_do_not_share_a_store() {
    let root = tempfile::tempdir().unwrap();
    let held = open(root.path());
    assert!(matches!(Store::open(root.path()), Err(StoreError::Locked(_))));
    drop(held);
    assert!(Store::open(root.path()).is_ok());
}

#[test]
fn junk_is_counted_by_its_reason_and_leaves_no_trace() {
    let root = tempfile::tempdir().unwrap();
    let (mut store, _) = open(root.path());
    let junk = |topic: &str| Delivery { topic: topic.to_owned(), ..delivery("a", 1) };
    let batch = [junk("holdfast/v1/A/records/state"), junk("x"), junk("holdfast/v1/b/records/state")];
    let committed = store.commit(&batch, 7).unwrap();
    let told: Vec<_> = committed.tellings.iter().map(|t| serde_json::to_value(t).unwrap()).collect();
    let told: Vec<_> =
        told.iter().map(|t| (t["why"].as_str().unwrap(), t["count"].as_u64().unwrap())).collect();
    assert_eq!(told, [("no_site", 2), ("other_site", 1)]);
}
