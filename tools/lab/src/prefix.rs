//! The name of one lab: every namespace and folder of it begins with this, so that labs can stand
//! side by side and leftovers of dead owners can be told from labs in use.

use std::fmt;
use std::fs;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// `hf<pid>x<n>`: the owner's process id and the count of labs it has built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    owner: u32,
    count: u32,
}

impl Prefix {
    /// A prefix that this process has not used yet.
    #[must_use]
    pub fn fresh() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self { owner: std::process::id(), count: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// The process that built the lab.
    #[must_use]
    pub const fn owner(self) -> u32 {
        self.owner
    }

    /// The prefix of a namespace's or folder's name, if it belongs to a lab.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        name.split('-').next()?.parse().ok()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hf{}x{}", self.owner, self.count)
    }
}

impl FromStr for Prefix {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((owner, count)) = text.strip_prefix("hf").and_then(|rest| rest.split_once('x')) else {
            bail!("{text:?} is no lab: expected hf<pid>x<n>, as in /run/netns");
        };
        Ok(Self { owner: owner.parse()?, count: count.parse()? })
    }
}

/// When a process was started, in the kernel's clock ticks; `None` once it is gone.
///
/// With the process id it names a process for ever, although ids are used again.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc(5): the name in parentheses may hold anything; `starttime` is field 22.
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// When this process was started.
pub(crate) fn own_start() -> Result<u64> {
    started(std::process::id()).context("read this process's start time from /proc: is /proc mounted?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_found_again_in_the_names_made_from_it() {
        let prefix = Prefix::fresh();
        assert_eq!(Prefix::of(&format!("{prefix}-box")), Some(prefix));
        assert_eq!(prefix.owner(), std::process::id());
        assert_ne!(Prefix::fresh(), prefix);
    }

    #[test]
    fn what_is_not_ours_is_no_prefix() {
        for foreign in ["", "box", "hf", "hfx", "hf12", "hf1x", "hf1y2-box", "docker-hf1x2"] {
            assert_eq!(Prefix::of(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn a_process_without_a_proc_entry_has_no_start() {
        assert!(own_start().unwrap() > 0);
        assert_eq!(started(u32::MAX), None);
    }
}
