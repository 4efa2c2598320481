//! Bounds, restarts, and disks that refuse.

use std::path::Path;
use std::sync::atomic::Ordering;

use appliance::{Entry, EvidenceReport};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::super::{EvidenceError, QUEUE, segments};
use super::stand::{Stand, acknowledged, at, signal, undelivered};

#[test]
fn a_restart_continues_the_chain() {
    let stand = Stand::new();
    let mut heads = Vec::new();
    for start in 0..5 {
        let kept = stand.open();
        assert_eq!(kept.recovery.next_signal, start);
        kept.handle.append(at(start), signal(start));
        heads.push(kept.close().0);
    }
    let newest: Vec<_> = heads.iter().map(|head| head.newest).collect();
    assert_eq!(newest, [2, 3, 4, 5, 6], "the first is the checkpoint");
    let audit = stand.audit();
    assert_eq!((audit.faults(), audit.chain()), (0, heads[4]));
    assert_eq!(segments::list(&stand.dir()).unwrap(), [1]);
}

#[test]
fn ten_thousand_entries_stay_within_bounds_and_no_waiting_signal_is_dropped() {
    let stand = Stand::of(32 * 1024, 4);
    let mut kept = stand.open();
    kept.handle.append(at(0), signal(0));
    let mut dropped = 0;
    for number in 1..5_000 {
        kept.handle.append(at(number), signal(number));
        kept.handle.append(at(number), acknowledged(number));
        if number % 1_000 == 0 {
            // Not to outrun the queue.
            dropped += wait_stored(&mut kept.reports, number * 2);
        }
    }
    let (newest, reports) = kept.close();

    dropped += reports.iter().map(dropped_by).sum::<u64>();
    assert!(segments::list(&stand.dir()).unwrap().len() <= 4);
    assert!(stand.bytes() < 4 * (32 + 32) * 1024, "{} bytes", stand.bytes());
    let audit = stand.audit();
    assert_eq!((audit.faults(), audit.chain()), (0, newest));
    assert_eq!(audit.first(), dropped + 1, "every entry that is gone was told");
    let told: Vec<_> = stand.entries().into_iter().filter(|e| e["kind"] == "dropped").collect();
    let oldest_told = told.first().unwrap();
    assert!(oldest_told["last"].as_u64() > oldest_told["first"].as_u64(), "{oldest_told}");
    assert_eq!(undelivered(&stand.open().recovery), [0], "the oldest signal has outlived its segment");
}

#[test]
fn what_finds_the_queue_full_is_counted_told_and_entered() {
    let (stand, blocker) = (Stand::new(), b"in the way");
    std::fs::write(stand.dir(), blocker).unwrap();
    let mut kept = stand.open();
    kept.handle.append(at(0), signal(0));
    let why = wait_failed(&mut kept.reports);
    assert!(why.contains("move away the file"), "{why}");

    for number in 1..=(QUEUE as u64 + 100) {
        kept.handle.append(at(number), signal(number));
    }
    let lost = kept.handle.pressure.lost.load(Ordering::Relaxed);
    assert!((1..=100).contains(&lost), "{lost}");
    std::fs::remove_file(stand.dir()).unwrap();
    let (_, reports) = kept.close();

    let told: u64 = reports.iter().map(lost_by).sum();
    assert_eq!(told, lost);
    let entered: Vec<_> = stand.entries().into_iter().filter(|e| e["kind"] == "lost").collect();
    assert_eq!(entered[0]["entries"], lost);
    let signals = stand.entries().iter().filter(|e| e["kind"] == "signal").count() as u64;
    assert_eq!(signals, QUEUE as u64 + 101 - lost);
    assert_eq!(stand.audit().faults(), 0);
}

#[test]
fn a_full_disk_is_told_and_tried_again_and_nothing_is_lost() {
    let stand = Stand::new();
    let disk = Tmpfs::of_256_kib(&stand.dir());
    let mut kept = stand.open();
    let ballast = disk.0.join("ballast");
    kept.handle.append(at(0), signal(0));
    wait_stored(&mut kept.reports, 1);
    fill(&ballast);

    (1..50).for_each(|number| kept.handle.append(at(number), signal(number)));
    let why = wait_failed(&mut kept.reports);
    assert!(why.contains("make room") && why.contains("00000001.log"), "{why}");
    std::fs::remove_file(&ballast).unwrap();
    let (newest, reports) = kept.close();

    assert_eq!(reports.iter().map(lost_by).sum::<u64>(), 0);
    let audit = stand.audit();
    assert_eq!((audit.faults(), audit.chain()), (0, newest));
    assert_eq!(undelivered(&stand.open().recovery).len(), 50);
}

#[test]
fn a_read_only_directory_is_read_and_told_with_its_remedy() {
    let stand = Stand::new();
    let disk = Tmpfs::of_256_kib(&stand.dir());
    let kept = stand.open();
    kept.handle.append(at(0), signal(0));
    kept.close();
    disk.remount(MsFlags::MS_RDONLY);

    let mut kept = stand.open();
    assert_eq!(undelivered(&kept.recovery), [0]);
    kept.handle.append(at(1), signal(1));
    let why = wait_failed(&mut kept.reports);
    assert!(why.contains("mount it read-write"), "{why}");
    disk.remount(MsFlags::empty());
    kept.close();

    assert_eq!(undelivered(&stand.open().recovery), [0, 1]);
    assert_eq!(stand.audit().faults(), 0);
}

#[test]
fn a_log_that_comes_after_the_start_is_not_continued_unread() {
    let stand = Stand::new();
    let mut kept = stand.open();
    std::fs::write(segments::path(&stand.dir(), 7), "").unwrap();

    kept.handle.append(at(1), signal(1));

    let why = wait_failed(&mut kept.reports);
    assert!(why.contains("restart the daemon"), "{why}");
}

#[test]
fn a_second_daemon_is_refused_until_the_first_has_ended() {
    let stand = Stand::new();
    let first = stand.open();
    assert!(matches!(stand.try_open(), Err(EvidenceError::InUse(_))));
    first.close();
    stand.open();
}

#[test]
fn a_log_that_cannot_be_read_is_an_error_that_says_what_to_do() {
    let stand = Stand::new();
    std::fs::create_dir_all(segments::path(&stand.dir(), 1)).unwrap();
    let error = stand.try_open().err().expect("a directory is no segment").to_string();
    assert!(error.contains("00000001.log") && error.contains("move the directory aside"), "{error}");
}

#[test]
fn every_kind_of_entry_is_read_back() {
    let stand = Stand::new();
    let kept = stand.open();
    kept.handle.append(at(1), Entry::OnTest { account: "1234".into(), until_ms: Some(5), by: "anna".into() });
    kept.close();
    assert_eq!(stand.open().recovery.on_test, [("1234".to_owned(), 5)].into());
}

/// A file system that can be filled and made read-only; unmounted in the end.
struct Tmpfs(std::path::PathBuf);

impl Tmpfs {
    fn of_256_kib(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).expect("a mount point");
        mount(Some("none"), dir, Some("tmpfs"), MsFlags::empty(), Some("size=256k")).expect("root mounts");
        Self(dir.to_owned())
    }

    fn remount(&self, flags: MsFlags) {
        let flags = MsFlags::MS_REMOUNT | flags;
        mount(None::<&str>, &self.0, None::<&str>, flags, None::<&str>).expect("root mounts again");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        umount2(&self.0, MntFlags::MNT_DETACH).ok();
    }
}

fn fill(path: &Path) {
    let full = std::fs::write(path, vec![0; 1 << 20]).expect_err("less than a MiB");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

/// Until so many entries are stored; how many were dropped meanwhile.
fn wait_stored(reports: &mut tokio::sync::mpsc::Receiver<EvidenceReport>, least: u64) -> u64 {
    let mut dropped = 0;
    loop {
        let report = reports.blocking_recv().expect("the writer lives");
        dropped += dropped_by(&report);
        if matches!(report, EvidenceReport::Stored { newest, .. } if newest >= least) {
            return dropped;
        }
    }
}

fn wait_failed(reports: &mut tokio::sync::mpsc::Receiver<EvidenceReport>) -> String {
    loop {
        if let EvidenceReport::Failed { why, .. } = reports.blocking_recv().expect("the writer lives") {
            return why;
        }
    }
}

const fn dropped_by(report: &EvidenceReport) -> u64 {
    match report {
        EvidenceReport::Dropped { entries } => *entries,
        EvidenceReport::Stored { .. } | EvidenceReport::Failed { .. } => 0,
    }
}

const fn lost_by(report: &EvidenceReport) -> u64 {
    match report {
        EvidenceReport::Failed { lost, .. } => *lost,
        EvidenceReport::Stored { .. } | EvidenceReport::Dropped { .. } => 0,
    }
}
