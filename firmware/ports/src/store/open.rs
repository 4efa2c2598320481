//! Opening the spool whatever state it is in: repair, or carry over what is readable.
//!
//! ```text
//!   open --ok--> read all --ok--> use it
//!     |             | damaged
//!     | damaged     v
//!     +--> without snap.* --ok--> read all --ok--> use it
//!                |                   | damaged
//!                v                   v
//!          move to `quarantine`, make a fresh one, carry over what both ends give
//! ```
//! sled can panic on a torn file: every step is guarded.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use noc_messages::Class;
use outbox::{Recovered, RecoveredClass};

use super::boot;
use super::spool::{Spool, SpoolError};

const SPOOL: &str = "spool";
const QUARANTINE: &str = "quarantine";
/// A spool that could not be read at start and was put aside when its disk came back: the next
/// start carries it over.
const HELD_BACK: &str = "held-back-";

/// A spool that works, and what was found in it.
pub(super) struct Opened {
    pub(super) spool: Spool,
    pub(super) recovered: Recovered,
}

/// Opens for the first time in this process: the number of this start is drawn here.
pub(super) fn at_start(dir: &Path) -> Result<Opened, SpoolError> {
    let (spool, mut damage) = usable(dir)?;
    if let Some(told) = guarded(&dir.join(SPOOL), || carry_over_held_back(dir, &spool))? {
        damage.get_or_insert(told);
    }
    guarded(&dir.join(SPOOL), || {
        let boot = spool.boot()?.max(boot::remembered(dir)).saturating_add(1);
        keep_boot(dir, &spool, boot)?;
        Ok(Opened { recovered: Recovered { boot, classes: inspect(&spool)?, damage: damage.take() }, spool })
    })
}

/// Opens again after a failure. `fresh`: it was never open in this process, so the outbox knows
/// nothing of what it may hold: that is kept for the next start.
pub(super) fn again(dir: &Path, boot: u32, fresh: bool) -> Result<(Spool, Option<String>), SpoolError> {
    if fresh && dir.join(SPOOL).join("db").exists() {
        move_aside(dir, &format!("{HELD_BACK}{boot}"))?;
    }
    let (spool, damage) = usable(dir)?;
    guarded(&dir.join(SPOOL), || keep_boot(dir, &spool, boot))?;
    Ok((spool, damage))
}

/// Runs what may panic inside sled; a panic is damage.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, SpoolError>) -> Result<T, SpoolError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(SpoolError::Damaged { path: path.to_owned(), what: format!("panic: {}", words_of(&*panic)) })
    })
}

fn usable(dir: &Path) -> Result<(Spool, Option<String>), SpoolError> {
    let path = dir.join(SPOOL);
    let first = match guarded(&path, || open_and_read(&path)) {
        Ok(spool) => return Ok((spool, None)),
        Err(refused @ SpoolError::Refused { .. }) => return Err(refused),
        Err(SpoolError::Damaged { what, .. }) => what,
    };
    tracing::warn!(dir = %dir.display(), damage = %first, "the spool is damaged; its snapshot is left out");
    remove_snapshots(&path)?;
    match guarded(&path, || open_and_read(&path)) {
        // The snapshot only repeats the log: without it everything is there.
        Ok(spool) => Ok((spool, None)),
        Err(refused @ SpoolError::Refused { .. }) if !is_own_lock(&refused) => Err(refused),
        Err(_) => salvage(dir, &first).map(|(spool, damage)| (spool, Some(damage))),
    }
}

fn open_and_read(path: &Path) -> Result<Spool, SpoolError> {
    let spool = Spool::open(path)?;
    inspect(&spool)?;
    Ok(spool)
}

fn inspect(spool: &Spool) -> Result<BTreeMap<Class, RecoveredClass>, SpoolError> {
    Class::DURABLE.into_iter().map(|class| Ok((class, spool.inspect(class)?))).collect()
}

/// A panic inside `open` can leave sled's own lock on the file behind, within this process.
fn is_own_lock(error: &SpoolError) -> bool {
    error.to_string().contains("could not acquire lock")
}

fn salvage(dir: &Path, why: &str) -> Result<(Spool, String), SpoolError> {
    move_aside(dir, QUARANTINE)?;
    let fresh = guarded(&dir.join(SPOOL), || Spool::open(&dir.join(SPOOL)))?;
    let old = dir.join(QUARANTINE);
    let damaged = match guarded(&old, || Spool::open(&old)) {
        // The lock of an open that panicked stays with the file: a copy has none.
        Err(error) if is_own_lock(&error) => guarded(&old, || Spool::open(&copy_for_reading(&old)?)),
        opened => opened,
    };
    let saved = damaged.and_then(|damaged| guarded(&old, || damaged.salvage_into(&fresh)));
    drop_copy(&old);
    let damage = match saved {
        Ok(records) => format!("{why}; {records} records were readable"),
        Err(error) => format!("{why}; nothing was readable ({error})"),
    };
    tracing::warn!(dir = %dir.display(), %damage, "the spool was damaged; the damaged one is in quarantine");
    Ok((fresh, damage))
}

fn carry_over_held_back(dir: &Path, spool: &Spool) -> Result<Option<String>, SpoolError> {
    let mut damage = None;
    for held_back in held_back_in(dir)? {
        remove_snapshots(&held_back)?;
        let opened = guarded(&held_back, || Spool::open(&held_back));
        match opened.and_then(|old| guarded(&held_back, || old.salvage_into(spool))) {
            Ok(records) => {
                tracing::info!(
                    records,
                    "records of an earlier start, unreadable then, are back in the spool"
                );
                remove(&held_back)?;
            }
            Err(error) => {
                replace_dir(&held_back, &dir.join(QUARANTINE))?;
                damage = Some(error.to_string());
            }
        }
    }
    Ok(damage)
}

fn held_back_in(dir: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let entries = std::fs::read_dir(dir).map_err(|e| refused(dir, &e))?.filter_map(Result::ok);
    let named = entries.filter(|e| e.file_name().to_string_lossy().starts_with(HELD_BACK));
    Ok(named.map(|e| e.path()).collect())
}

fn keep_boot(dir: &Path, spool: &Spool, boot: u32) -> Result<(), SpoolError> {
    spool.set_boot(boot)?;
    spool.flush()?;
    spool.sync()?;
    boot::remember(dir, boot).map_err(|e| refused(dir, &e))
}

fn remove_snapshots(spool: &Path) -> Result<(), SpoolError> {
    let entries = std::fs::read_dir(spool).map_err(|e| refused(spool, &e))?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            std::fs::remove_file(entry.path()).map_err(|e| refused(spool, &e))?;
        }
    }
    Ok(())
}

/// Only the latest is kept: a disk that damages a spool each week must not fill up with them.
fn move_aside(dir: &Path, name: &str) -> Result<(), SpoolError> {
    replace_dir(&dir.join(SPOOL), &dir.join(name))
}

fn replace_dir(from: &Path, to: &Path) -> Result<(), SpoolError> {
    remove(to)?;
    std::fs::rename(from, to).map_err(|e| refused(from, &e))?;
    let parent = to.parent().unwrap_or(to);
    super::files::sync(parent).map_err(|e| refused(parent, &e))
}

fn remove(dir: &Path) -> Result<(), SpoolError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refused(dir, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn copy_path(old: &Path) -> PathBuf {
    old.join("copy")
}

fn copy_for_reading(old: &Path) -> Result<PathBuf, SpoolError> {
    let copy = copy_path(old);
    std::fs::create_dir_all(&copy).map_err(|e| refused(&copy, &e))?;
    for name in ["db", "conf"] {
        std::fs::copy(old.join(name), copy.join(name)).map_err(|e| refused(&copy, &e))?;
    }
    Ok(copy)
}

fn drop_copy(old: &Path) {
    if let Err(error) = remove(&copy_path(old)) {
        tracing::debug!(%error, "a copy of the damaged spool stays");
    }
}

fn refused(path: &Path, error: &std::io::Error) -> SpoolError {
    SpoolError::Refused { path: path.to_owned(), what: error.to_string() }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|t| (*t).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}
