//! A full disk under the daemon: it goes on, says so, and loses nothing that fits its memory.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::observer::Grace;
use e2e::scene::{Plot, play};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::no_record_lost::{all_hooks_arrived, flip};

/// Group commit, a failure, and an allowance.
const SAID_WITHIN: Duration = Duration::from_secs(20);

/// A tmpfs of a few MiB, unmounted when dropped.
pub(crate) struct SmallDisk {
    pub(crate) path: PathBuf,
}

impl SmallDisk {
    pub(crate) fn mount(name: &str, mib: u32) -> Result<Self> {
        lab::require_root()?;
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("holdfast-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path)?;
        let size = format!("size={mib}m");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some(size.as_str()))
            .with_context(|| format!("mount a tmpfs on {}", path.display()))?;
        Ok(Self { path })
    }

    /// Leaves no byte free.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.ballast())?;
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
        ensure!(fs::write(self.path.join("probe"), b"x").is_err(), "the small disk is not full");
        Ok(())
    }

    /// Takes away what [`Self::fill`] put there.
    pub(crate) fn make_room(&self) -> Result<()> {
        fs::remove_file(self.ballast()).context("remove the ballast")
    }

    fn ballast(&self) -> PathBuf {
        Path::new(&self.path).join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        umount2(&self.path, MntFlags::MNT_DETACH).ok();
        fs::remove_dir(&self.path).ok();
    }
}

#[test]
fn a_full_disk_is_told_and_what_was_recorded_meanwhile_arrives_when_there_is_room() {
    let disk = SmallDisk::mount("data", 24).unwrap_or_else(|error| panic!("{error:#}"));
    let mut plot = Plot::without_failback();
    plot.site.data = Some(disk.path.clone());
    play(&plot, |scene| {
        let observer = scene.observe(Grace::default())?;
        flip(scene, 20)?;
        all_hooks_arrived(scene, 20)?;
        disk.fill()?;
        flip(scene, 40)?;
        scene.wait_until("condition about the store", SAID_WITHIN, |status| {
            let conditions = status["conditions"].as_array()?;
            conditions
                .iter()
                .any(|c| c["resource"].as_str().is_some_and(|r| r.starts_with("spool")))
                .then_some(())
        })?;
        disk.make_room()?;

        all_hooks_arrived(scene, 60)?;
        scene.wait_until("condition cleared", SAID_WITHIN, |status| {
            let conditions = status["conditions"].as_array()?;
            conditions
                .iter()
                .all(|c| c["resource"].as_str().is_some_and(|r| !r.starts_with("spool")))
                .then_some(())
        })?;
        scene.judge_all(observer)?;
        Ok(())
    });
}
