//! A spool cut off by power: what was called stored is there.
//!
//! The spool's port writes to an ext4 in an image file. At the cut the process is stopped, the image
//! is copied as a device without a volatile cache would hold it, and what is found on the copy, after
//! the journal was replayed, is compared with what the writer had said. A writer that lies shows that
//! the comparison can fail.
//!
//! Needs root, loop devices, e2fsprogs and mount.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod image;
mod ledger;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use image::Image;
use ledger::{Fault, Ledger};
use writer::{Kind, When, Writer};

/// Cuts with a history of cuts behind them, in the short form.
const CUTS: usize = 24;
/// Cuts while the spool is made for the first time.
const CREATIONS: usize = 10;
/// Cuts in the midst of opening are so far apart; opening takes some tens of milliseconds.
const SLICE: Duration = Duration::from_millis(8);

/// One device over all its lives.
struct Device {
    dir: tempfile::TempDir,
    image: Image,
    ledger: Ledger,
    lives: usize,
}

impl Device {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = Image::make(dir.path().join("image-0"));
        Self { dir, image, ledger: Ledger::default(), lives: 0 }
    }

    /// A life: write, cut, find. Answers with the laws that were broken.
    fn live(&mut self, when: When, kind: Kind) -> Vec<Fault> {
        let mount = self.image.mount(&self.path("written"));
        let mut writer = Writer::start(&mount.path().join("data"), kind);
        writer.run_until(when, &mut self.ledger);
        self.lives += 1;
        let cut = self.image.cut(self.path(&format!("image-{}", self.lives)));
        drop(writer);
        drop(mount);
        self.image = cut;

        let mount = self.image.mount(&self.path("found"));
        let found = writer::read(&mount.path().join("data"));
        self.ledger.judge(&found)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn long_form() -> bool {
    std::env::var_os("HOLDFAST_TEST_ALL").is_some()
}

fn assert_none(faults: &[Fault], what: &str) {
    let told: Vec<String> = faults.iter().take(20).map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{what}: {} faults: {}", faults.len(), told.join("; "));
}

#[test]
fn no_stored_record_is_lost_over_power_cuts_while_writing_deleting_and_reopening() {
    image::private_mounts();
    let mut device = Device::new();
    let mut mid_air = 0;
    let cuts = if long_form() { 10 * CUTS } else { CUTS };
    for cut in 0..cuts {
        let when = match cut % 3 {
            2 => When::After(SLICE * u32::try_from(cut % 30).unwrap()),
            _ => When::Stored(40 + cut * 97 % 700),
        };
        let faults = device.live(when, Kind::Honest);
        assert_none(&faults, &format!("cut {cut} ({when:?})"));
        mid_air += usize::from(device.ledger.given.len() > device.ledger.stored.len());
    }
    let stored = device.ledger.stored.len();
    assert!(stored > cuts * 100, "only {stored} records were stored: this proves little");
    assert!(mid_air > cuts / 2, "only {mid_air} cuts fell between giving and storing");
}

#[test]
fn no_stored_record_is_lost_over_power_cuts_while_the_spool_is_made() {
    image::private_mounts();
    let creations = if long_form() { 10 * CREATIONS } else { CREATIONS };
    let (mut stored, mut unborn) = (0, 0);
    let mut delay = 2 * SLICE;
    for _ in 0..creations {
        let mut device = Device::new();
        assert_none(
            &device.live(When::After(delay), Kind::Honest),
            &format!("cut {delay:?} after the start"),
        );
        let is_born = !device.ledger.boots.is_empty();
        unborn += usize::from(!is_born);
        // And what is left can be lived with.
        assert_none(
            &device.live(When::Stored(20), Kind::Honest),
            &format!("the life after a cut at {delay:?}"),
        );
        stored += device.ledger.stored.len();
        // How long the making takes depends on the machine: the cuts find its end by themselves.
        delay = if is_born { delay / 2 } else { delay * 3 / 2 };
    }
    assert!(stored >= creations * 20);
    assert!(unborn > 0, "no cut fell into the making");
}

#[test]
fn a_writer_that_says_stored_too_early_is_found_out() {
    image::private_mounts();
    assert!(is_found_out(Kind::Lying), "a lie was never noticed: the comparison cannot fail");
}

#[test]
fn a_spool_whose_syncs_do_nothing_is_found_out() {
    image::private_mounts();
    assert!(is_found_out(Kind::Unsynced), "missing syncs were never noticed: the cut cuts nothing");
}

fn is_found_out(kind: Kind) -> bool {
    let lost = |fault: &Fault| matches!(fault, Fault::Lost(_));
    (0..3).any(|i| Device::new().live(When::Stored(30 + i * 50), kind).iter().any(lost))
}
