//! Removes a lab by its name alone: processes, namespaces, folder.
//!
//! One way for every end: a lab that is dropped, a panic, Ctrl-C, and leftovers of a killed owner.
//! It touches only what carries a lab's prefix, and only processes inside such namespaces.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::namespace::{FOLDER, Namespace};
use crate::prefix::{self, Prefix};

/// Where labs keep their files, one folder each.
const LABS: &str = "/run/holdfast-lab";

/// In a lab's folder: who built it, as `pid start-time`.
const OWNER: &str = "owner";

/// Makes the folder of a lab and writes down whose it is.
pub(crate) fn claim(prefix: Prefix) -> Result<PathBuf> {
    let folder = folder(prefix);
    fs::create_dir_all(&folder).with_context(|| format!("make {}: are you root?", folder.display()))?;
    let owner = format!("{} {}\n", prefix.owner(), prefix::own_start()?);
    fs::write(folder.join(OWNER), owner).with_context(|| format!("write into {}", folder.display()))?;
    Ok(folder)
}

/// Removes all of one lab. What is gone already is no error.
pub(crate) fn remove(prefix: Prefix) {
    let namespaces: Vec<Namespace> = names_in(FOLDER)
        .into_iter()
        .filter(|n| Prefix::of(n) == Some(prefix))
        .map(|n| Namespace::named(&n))
        .collect();
    for pid in inside(&namespaces) {
        kill(pid, Signal::SIGKILL).ok();
    }
    for namespace in &namespaces {
        namespace.remove().ok();
    }
    fs::remove_dir_all(folder(prefix)).ok();
}

/// Removes every lab that this process has built.
pub(crate) fn remove_own() {
    let own = std::process::id();
    all().into_iter().filter(|prefix| prefix.owner() == own).for_each(remove);
}

/// Removes what dead owners left behind and tells which labs that was.
#[must_use]
pub fn sweep() -> Vec<Prefix> {
    let dead: Vec<Prefix> = all().into_iter().filter(|prefix| !alive(*prefix)).collect();
    dead.iter().copied().for_each(remove);
    dead
}

fn all() -> BTreeSet<Prefix> {
    let names = names_in(FOLDER).into_iter().chain(names_in(LABS));
    names.filter_map(|name| Prefix::of(&name)).collect()
}

/// An owner is alive if its process is the very one that built the lab, not a later one with its id.
fn alive(prefix: Prefix) -> bool {
    let Some(running_since) = prefix::started(prefix.owner()) else { return false };
    let noted = fs::read_to_string(folder(prefix).join(OWNER)).ok();
    let start = noted.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    start.is_none_or(|start| start == running_since)
}

fn folder(prefix: Prefix) -> PathBuf {
    Path::new(LABS).join(prefix.to_string())
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Processes whose first thread lives in one of these namespaces. The caller's does not: only other
/// threads of it ever enter one.
fn inside(namespaces: &[Namespace]) -> Vec<Pid> {
    let inodes: BTreeSet<u64> =
        namespaces.iter().filter_map(|n| Some(fs::metadata(n.path()).ok()?.ino())).collect();
    let own = std::process::id();
    let living: BTreeMap<u32, u64> = names_in("/proc")
        .iter()
        .filter_map(|name| name.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| Some((pid, fs::metadata(format!("/proc/{pid}/ns/net")).ok()?.ino())))
        .collect();
    let ours = living.into_iter().filter(|(_, inode)| inodes.contains(inode));
    ours.filter_map(|(pid, _)| i32::try_from(pid).ok().map(Pid::from_raw)).collect()
}
