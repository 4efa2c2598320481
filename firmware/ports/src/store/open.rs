//! Opening the spool whatever state it is in: repair, or carry over what is readable.
//!
//! ```text
//!   open ---ok---> read all ---ok---> use it
//!     | damaged        | damaged
//!     v                |
//!   open without its snapshot, read all ---ok---> use it, and say so
//!     | damaged        |
//!     v                v
//!   move to `quarantine`, make a fresh one, carry over what is readable (salvage.rs)
//! ```
//! sled can panic on a torn file: every step is guarded.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use noc_messages::Class;
use outbox::{Recovered, RecoveredClass};

use super::spool::{Spool, SpoolError};
use super::witness::Newest;
use super::{boot, salvage, witness};

const SPOOL: &str = "spool";
const QUARANTINE: &str = "quarantine";
/// In front of the name of a snapshot that sled shall not see.
const HIDDEN: &str = "without-";
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
        add(&mut damage, told);
    }
    guarded(&dir.join(SPOOL), || {
        let (here, beside) = (spool.boot()?, boot::remembered(dir));
        if here < beside {
            // sled takes a file of garbage for an empty one.
            add(&mut damage, format!("the spool remembers start {here}, the file beside it {beside}"));
        }
        let boot = here.max(beside).saturating_add(1);
        keep_boot(dir, &spool, boot)?;
        let mut classes = inspect(&spool)?;
        if let Some(told) = compare(&mut classes, &witness::noted(dir)) {
            add(&mut damage, told);
        }
        Ok(Opened { recovered: Recovered { boot, classes, damage: damage.take() }, spool })
    })
}

/// How the files were damaged and what is missing for it are two facts: both are told.
fn add(damage: &mut Option<String>, told: String) {
    *damage = Some(match damage.take() {
        Some(before) => format!("{before}; {told}"),
        None => told,
    });
}

/// What was stored according to the note beside the spool, and is neither here nor was released.
fn compare(classes: &mut BTreeMap<Class, RecoveredClass>, noted: &Newest) -> Option<String> {
    let mut missing = None;
    for (class, noted) in noted {
        let found = classes.entry(*class).or_default();
        if found.newest < Some(*noted) {
            missing =
                Some(format!("{} records up to {}.{} are missing", class.as_str(), noted.boot, noted.seq));
            found.newest = Some(*noted);
        }
    }
    missing
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
    // What was being written when the power went is no snapshot, and sled would stumble over it.
    each_snapshot(&path, |name| name.ends_with(".generating"), |file| std::fs::remove_file(file))?;
    let what = match guarded(&path, || Spool::open(&path)) {
        Ok(spool) => match guarded(&path, || inspect(&spool)) {
            Ok(_) => return Ok((spool, None)),
            Err(error) => {
                close(&path, spool);
                damage(error)?
            }
        },
        Err(error) => {
            let what = damage(error)?;
            if let Some(opened) = without_snapshot(&path, &what)? {
                return Ok(opened);
            }
            what
        }
    };
    let (spool, told) = salvage::salvage(dir, &path, &dir.join(QUARANTINE), &what)?;
    Ok((spool, Some(told)))
}

/// A snapshot repeats the log, so without it nothing is missing, unless the log is what is damaged:
/// then sled ends it there, and nobody knows what came behind.
fn without_snapshot(path: &Path, what: &str) -> Result<Option<(Spool, Option<String>)>, SpoolError> {
    tracing::warn!(path = %path.display(), damage = what, "the spool is damaged; trying without its snapshot");
    each_snapshot(path, |_| true, |file| std::fs::rename(file, hidden(file)))?;
    let opened = guarded(path, || open_and_read(path)).ok();
    if let Some(spool) = opened.filter(|spool| guarded(path, || spool.holds_records()).unwrap_or(false)) {
        let told = format!("{what}; read from its log without the snapshot, which may have told of more");
        return Ok(Some((spool, Some(told))));
    }
    each_hidden_snapshot(path, |file| std::fs::rename(file, shown(file)))?;
    Ok(None)
}

pub(super) fn open_and_read(path: &Path) -> Result<Spool, SpoolError> {
    let spool = Spool::open(path)?;
    inspect(&spool)?;
    Ok(spool)
}

/// Closing writes once more, and can fail in the way that made it necessary.
pub(super) fn close(path: &Path, spool: Spool) {
    let closed = guarded(path, || {
        drop(spool);
        Ok(())
    });
    if let Err(error) = closed {
        tracing::debug!(%error, "while closing a spool that failed");
    }
}

/// What is wrong with the bits; anything else ends the opening.
fn damage(error: SpoolError) -> Result<String, SpoolError> {
    match error {
        SpoolError::Damaged { what, .. } => Ok(what),
        refused @ (SpoolError::Refused { .. } | SpoolError::Closed(_)) => Err(refused),
    }
}

fn inspect(spool: &Spool) -> Result<BTreeMap<Class, RecoveredClass>, SpoolError> {
    Class::DURABLE.into_iter().map(|class| Ok((class, spool.inspect(class)?))).collect()
}

fn carry_over_held_back(dir: &Path, spool: &Spool) -> Result<Option<String>, SpoolError> {
    let mut damage = None;
    for held_back in held_back_in(dir)? {
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

fn each_snapshot(
    spool: &Path,
    wanted: impl Fn(&str) -> bool,
    action: impl Fn(&Path) -> std::io::Result<()>,
) -> Result<(), SpoolError> {
    each_file(spool, |name| name.starts_with("snap.") && wanted(name), action)
}

fn each_hidden_snapshot(
    spool: &Path,
    action: impl Fn(&Path) -> std::io::Result<()>,
) -> Result<(), SpoolError> {
    each_file(spool, |name| name.starts_with(HIDDEN), action)
}

fn each_file(
    dir: &Path,
    wanted: impl Fn(&str) -> bool,
    action: impl Fn(&Path) -> std::io::Result<()>,
) -> Result<(), SpoolError> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    for entry in entries.filter_map(Result::ok) {
        if wanted(&entry.file_name().to_string_lossy()) {
            action(&entry.path()).map_err(|e| refused(dir, &e))?;
        }
    }
    Ok(())
}

fn hidden(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{HIDDEN}{name}"))
}

fn shown(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(name.strip_prefix(HIDDEN).unwrap_or(&name))
}

fn move_aside(dir: &Path, name: &str) -> Result<(), SpoolError> {
    replace_dir(&dir.join(SPOOL), &dir.join(name))
}

/// Only the latest is kept: a disk that damages a spool each week must not fill up with them.
pub(super) fn replace_dir(from: &Path, to: &Path) -> Result<(), SpoolError> {
    remove(to)?;
    std::fs::rename(from, to).map_err(|e| refused(from, &e))?;
    let parent = to.parent().unwrap_or(to);
    super::files::sync(parent).map_err(|e| refused(parent, &e))
}

pub(super) fn remove(dir: &Path) -> Result<(), SpoolError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refused(dir, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn refused(path: &Path, error: &std::io::Error) -> SpoolError {
    SpoolError::Refused { path: path.to_owned(), what: error.to_string() }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|t| (*t).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}
