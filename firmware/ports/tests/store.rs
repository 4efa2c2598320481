//! The spool on real files: reopened, damaged, full, forbidden.

// `allow-unwrap-in-tests` does not reach the helpers of a test binary.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use noc_messages::{Class, Position};
use outbox::{Recovered, StoreReport, StoreRequest, StoredRecord};
use ports::store::{self, StoreConfig, StoreError, StoreHandle};
use tokio::sync::mpsc::{Receiver, channel};

const SOON: Duration = Duration::from_secs(20);

struct Store {
    handle: StoreHandle,
    reports: Receiver<StoreReport>,
}

impl Store {
    fn open(dir: &Path) -> (Self, Recovered) {
        let (sender, reports) = channel(1024);
        let (handle, recovered) = store::spawn(StoreConfig { dir: dir.to_owned() }, sender).unwrap();
        (Self { handle, reports }, recovered)
    }

    fn next(&mut self) -> StoreReport {
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            if let Ok(report) = self.reports.try_recv() {
                return report;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the store says nothing");
    }

    fn append(&self, class: Class, boot: u32, seqs: std::ops::Range<u64>, size: usize) {
        let record = |seq| StoredRecord { class, position: Position { boot, seq }, json: "x".repeat(size) };
        let sync = class != Class::State;
        self.handle.send(StoreRequest::Append { records: seqs.map(record).collect(), sync });
    }

    /// Waits until so many were called stored.
    fn stored(&mut self, count: usize) {
        let mut stored = 0;
        while stored < count {
            match self.next() {
                StoreReport::Stored(positions) => stored += positions.len(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn read(&mut self, class: Class) -> Vec<u64> {
        self.handle.send(StoreRequest::Read { class, after: None, limit: 10_000 });
        match self.next() {
            StoreReport::Read { records, .. } => records.iter().map(|r| r.position.seq).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn close(self) {
        assert!(self.handle.close(SOON), "the store's thread did not end");
    }
}

fn dir() -> (tempfile::TempDir, PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let dir = guard.path().join("data");
    (guard, dir)
}

fn filled(dir: &Path, records: u64) {
    let (mut store, recovered) = Store::open(dir);
    for from in (0..records).step_by(100) {
        store.append(Class::Signal, recovered.boot, from..(from + 100).min(records), 200);
    }
    store.stored(usize::try_from(records).unwrap());
    store.close();
}

#[test]
fn what_was_stored_is_there_after_a_restart_and_the_boot_number_rises() {
    let (_guard, dir) = dir();
    let (mut store, first) = Store::open(&dir);
    assert_eq!((first.boot, first.damage), (1, None));
    store.append(Class::Signal, 1, 1..4, 10);
    store.append(Class::State, 1, 4..6, 20);
    store.stored(5);
    store.close();

    let (mut store, second) = Store::open(&dir);

    assert_eq!(second.boot, 2);
    let signal = second.classes[&Class::Signal];
    let place = |seq| Some(Position { boot: 1, seq });
    assert_eq!((signal.records, signal.bytes, signal.oldest, signal.newest), (3, 30, place(1), place(3)));
    assert_eq!(second.classes[&Class::State].bytes, 40);
    assert_eq!(store.read(Class::Signal), [1, 2, 3]);
    store.close();
}

#[test]
fn an_empty_class_remembers_its_newest_record() {
    let (_guard, dir) = dir();
    let (mut store, _) = Store::open(&dir);
    store.append(Class::Audit, 1, 1..8, 10);
    store.stored(7);
    store.handle.send(StoreRequest::Delete { class: Class::Audit, upto: Position { boot: 1, seq: 7 } });
    let report = store.next();
    assert_eq!(report, StoreReport::Deleted { class: Class::Audit, records: 7, bytes: 70, oldest: None });
    store.close();

    let (store, recovered) = Store::open(&dir);

    let audit = recovered.classes[&Class::Audit];
    assert_eq!((audit.records, audit.newest), (0, Some(Position { boot: 1, seq: 7 })));
    store.close();
}

#[test]
fn evictions_take_the_oldest_and_say_which() {
    let (_guard, dir) = dir();
    let (mut store, _) = Store::open(&dir);
    store.append(Class::State, 1, 1..2000, 10);
    store.stored(1999);

    store.handle.send(StoreRequest::Evict { class: Class::State, records: 3, bytes: 12_001 });

    let place = |seq| Position { boot: 1, seq };
    let report = StoreReport::Evicted {
        class: Class::State,
        records: 1201,
        bytes: 12_010,
        range: Some((place(1), place(1201))),
        oldest: Some(place(1202)),
    };
    assert_eq!(store.next(), report);
    store.close();
}

#[test]
fn a_deletion_is_told_behind_the_word_that_the_deleted_was_stored() {
    let (_guard, dir) = dir();
    let (mut store, _) = Store::open(&dir);
    store.append(Class::State, 1, 1..2, 10);
    store.stored(1);
    store.append(Class::State, 1, 2..3, 10);
    store.handle.send(StoreRequest::Delete { class: Class::State, upto: Position { boot: 1, seq: 2 } });

    store.stored(1);
    assert!(matches!(store.next(), StoreReport::Deleted { records: 2, .. }));
    store.close();
}

#[test]
fn an_answer_to_a_read_is_bounded_in_size_and_begins_where_asked() {
    let (_guard, dir) = dir();
    let (mut store, _) = Store::open(&dir);
    store.append(Class::Signal, 1, 1..30, 60_000);
    store.stored(29);
    let after = Some(Position { boot: 1, seq: 10 });

    store.handle.send(StoreRequest::Read { class: Class::Signal, after, limit: 1000 });

    let StoreReport::Read { records, after: asked, .. } = store.next() else { panic!() };
    let seqs: Vec<u64> = records.iter().map(|r| r.position.seq).collect();
    assert_eq!((seqs, asked), (vec![11, 12, 13, 14], after));
    store.close();
}

#[test]
fn a_second_daemon_on_the_same_directory_is_refused_by_name() {
    let (_guard, dir) = dir();
    let (store, _) = Store::open(&dir);
    let (sender, _reports) = channel(8);

    let Err(refused) = store::spawn(StoreConfig { dir: dir.clone() }, sender) else { panic!("two at once") };

    assert!(matches!(refused, StoreError::InUse { .. }));
    let text = refused.to_string();
    assert!(text.contains(&std::process::id().to_string()) && text.contains(dir.to_str().unwrap()), "{text}");
    store.close();
    Store::open(&dir).0.close();
}

#[test]
fn a_broken_snapshot_costs_no_record_and_is_told() {
    let (_guard, dir) = dir();
    filled(&dir, 20_000);
    Store::open(&dir).0.close();
    // sled writes it behind the scenes; on a busy machine that takes a while.
    let snapshot = || {
        let mut files = fs::read_dir(dir.join("spool")).unwrap().map(|e| e.unwrap().path());
        files.find(|p| named(p, "snap.") && !p.to_string_lossy().contains("generating"))
    };
    let until = Instant::now() + SOON;
    let snapshot = loop {
        if let Some(snapshot) = snapshot() {
            break snapshot;
        }
        assert!(Instant::now() < until, "sled made no snapshot");
        std::thread::sleep(Duration::from_millis(20));
    };
    fs::write(&snapshot, b"garbage").unwrap();

    let (store, recovered) = Store::open(&dir);

    assert_eq!((recovered.classes[&Class::Signal].records, recovered.boot), (20_000, 3));
    assert!(recovered.damage.unwrap().contains("without the snapshot"));
    store.close();
}

#[test]
fn a_snapshot_that_was_being_written_when_the_power_went_costs_nothing() {
    let (_guard, dir) = dir();
    filled(&dir, 2_000);
    fs::write(dir.join("spool/snap.00000000000FFFFF.generating"), b"half a snapsh").unwrap();

    let (store, recovered) = Store::open(&dir);

    assert_eq!((recovered.classes[&Class::Signal].records, recovered.damage), (2_000, None));
    store.close();
}

fn named(path: &Path, prefix: &str) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with(prefix)
}

#[test]
fn a_damaged_spool_is_carried_over_as_far_as_it_can_be_read_and_told() {
    let mut damaged = 0;
    for eighth in 1..8 {
        damaged += u32::from(wounded(&format!("a flipped byte at {eighth}/8"), |db| {
            let at = db.len() * eighth / 8;
            db[at] ^= 0x40;
        }));
        damaged += u32::from(wounded(&format!("a zeroed page at {eighth}/8"), |db| {
            let at = db.len() * eighth / 8;
            db[at..at + 4096].fill(0);
        }));
    }
    assert!(damaged > 3, "hardly a wound was noticed: {damaged}");
    assert!(wounded("all garbage", |db| db.fill(0x5a)));
}

/// Whether the damage was told; it must be if a record is missing.
fn wounded(name: &str, wound: impl Fn(&mut Vec<u8>)) -> bool {
    let (_guard, dir) = dir();
    filled(&dir, 20_000);
    let path = dir.join("spool/db");
    let mut db = fs::read(&path).unwrap();
    wound(&mut db);
    fs::write(&path, db).unwrap();

    let (mut store, recovered) = Store::open(&dir);

    let saved = recovered.classes[&Class::Signal].records;
    println!("{name}: {saved} of 20000 records, {:?}", recovered.damage);
    assert_eq!(recovered.boot, 2, "{name}: a boot number used twice");
    assert!(saved == 20_000 || recovered.damage.is_some(), "{name}: {saved} records and no word");
    store.append(Class::Signal, 2, 1..3, 10);
    store.stored(2);
    store.close();
    let (store, again) = Store::open(&dir);
    assert_eq!((again.classes[&Class::Signal].records, again.damage), (saved + 2, None), "{name}");
    store.close();
    recovered.damage.is_some()
}

/// To sled a log that ends early is a log that ends there.
#[test]
fn a_shortened_file_costs_no_start_and_what_is_missing_is_told() {
    let (_guard, dir) = dir();
    filled(&dir, 20_000);
    let path = dir.join("spool/db");
    let db = fs::read(&path).unwrap();
    fs::write(&path, &db[..db.len() - 200_000]).unwrap();

    let (mut store, recovered) = Store::open(&dir);

    let signal = recovered.classes[&Class::Signal];
    assert_eq!(signal.newest, Some(Position { boot: 1, seq: 19_999 }));
    assert!(recovered.damage.is_some());
    // sled reuses the room of old segments: when the end of the file held the only copy of one of its
    // pages, it reads nothing at all. A power cut does not shorten a file (see the power cut tests).
    assert!(signal.records < 20_000, "{signal:?}");
    if signal.records > 0 {
        assert_eq!(store.read(Class::Signal)[..3], [0, 1, 2]);
    }
    recovers(&mut store);
    store.close();
}

#[test]
fn a_directory_that_cannot_be_used_is_told_and_tried_again() {
    let (_guard, dir) = dir();
    fs::write(&dir, b"a file where the directory should be").unwrap();
    let (mut store, recovered) = Store::open(&dir);
    assert_eq!(recovered.boot, 1);
    assert!(matches!(store.next(), StoreReport::Failed { .. }));
    store.append(Class::Signal, 1, 1..3, 10);
    let StoreReport::Failed { positions, why } = store.next() else { panic!() };
    assert_eq!(positions.len(), 2);
    assert!(why.contains("cannot be used"), "{why}");

    fs::remove_file(&dir).unwrap();

    recovers(&mut store);
    store.close();
    let (store, recovered) = Store::open(&dir);
    assert_eq!((recovered.boot, recovered.classes[&Class::Signal].records), (2, 2));
    store.close();
}

/// Offers the same two records until they are taken.
fn recovers(store: &mut Store) {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        store.append(Class::Signal, 1, 1..3, 10);
        match store.next() {
            StoreReport::Stored(_) => return,
            StoreReport::Failed { why, .. } => assert!(Instant::now() < until, "never again: {why}"),
            other => panic!("{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn fill_up(filler: &Path) {
    let mut room = fs::File::create(filler).unwrap();
    while std::io::Write::write_all(&mut room, &[0; 1024]).is_ok() {}
}

/// A file system of its own, so small that it fills up.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mounted(path: &Path) -> Self {
        fs::create_dir_all(path).unwrap();
        mount(Some("spool"), path, Some("tmpfs"), MsFlags::empty(), Some("size=4m"))
            .expect("this test mounts a tmpfs: run it as root");
        Self(path.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        umount2(&self.0, MntFlags::MNT_DETACH).ok();
    }
}

#[test]
fn a_full_disk_is_told_loses_nothing_stored_and_is_left_behind() {
    let (_guard, dir) = dir();
    let _disk = SmallDisk::mounted(&dir);
    let (mut store, _) = Store::open(&dir);
    store.append(Class::Signal, 1, 1..11, 1000);
    store.stored(10);
    let filler = dir.join("filler");
    fill_up(&filler);

    let mut stored = 10;
    let failure = loop {
        store.append(Class::Signal, 1, stored + 1..stored + 21, 5_000);
        match store.next() {
            StoreReport::Stored(positions) => stored += positions.len() as u64,
            StoreReport::Failed { why, .. } => break why,
            other => panic!("{other:?}"),
        }
    };
    println!("full after {stored} records: {failure}");
    assert!(failure.contains("df ") || failure.contains("damaged"), "{failure}");
    fs::remove_file(&filler).unwrap();
    recovers(&mut store);
    store.close();

    let (mut store, recovered) = Store::open(&dir);
    assert_eq!(recovered.damage, None);
    let seqs = store.read(Class::Signal);
    assert!((1..=stored).all(|seq| seqs.contains(&seq)), "{stored} were stored: {seqs:?}");
    store.close();
}
