//! What the daemon costs while nothing happens: memory, processor time, and its size on flash.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::binary;

use super::report::Row;
use super::{Effort, say};
use crate::bench::failover::Cast;

const RSS_ANON_GOAL_MIB: f64 = 12.0;
const BINARY_GOAL_MIB: f64 = 8.0;
const CPU_GOAL_PCT: f64 = 1.0;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Row>> {
    say("idle: memory and processor time, 2 links x 3 targets, IPv4 and IPv6");
    let mut cast = Cast::open(&Cast::site())?;
    let pid = cast.daemon.pid();
    let (mut rss, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..effort.idle_s {
        let (begun, busy) = (Instant::now(), busy_ns(pid)?);
        thread::sleep(Duration::from_secs(1));
        // Threads that ended meanwhile take their time with them.
        let spent = Duration::from_nanos(busy_ns(pid)?.saturating_sub(busy));
        cpu.push(100.0 * spent.as_secs_f64() / begun.elapsed().as_secs_f64());
        rss.push(rss_anon_kib(pid)? / 1024.0);
    }
    cast.daemon.expect_running()?;
    let size = fs::metadata(binary("holdfastd")?)?.len();
    #[allow(clippy::cast_precision_loss, reason = "a file of exabytes would be over its goal anyway")]
    let size = size as f64 / (1024.0 * 1024.0);
    Ok(vec![
        Row::new("idle RssAnon", "MiB", RSS_ANON_GOAL_MIB, &rss),
        Row::new("idle CPU of one core", "%", CPU_GOAL_PCT, &cpu),
        Row::new("holdfastd as built here", "MiB", BINARY_GOAL_MIB, &[size]),
    ])
}

fn rss_anon_kib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("read the daemon's memory")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("the kernel tells RssAnon")?;
    line.trim().trim_end_matches(" kB").parse().context("RssAnon is a number of kB")
}

/// Time on a processor of all threads.
pub(super) fn busy_ns(pid: u32) -> Result<u64> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("read the daemon's threads")? {
        let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let first =
            schedstat.split_whitespace().next().context("schedstat begins with the time on a processor")?;
        total += first.parse::<u64>()?;
    }
    Ok(total)
}

/// All that it has read since it started, audio of the card included.
pub(super) fn octets_read(pid: u32) -> Result<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).context("read what the daemon has read")?;
    let read = io.lines().find_map(|line| line.strip_prefix("rchar:")).context("the kernel tells rchar")?;
    read.trim().parse().context("rchar is a number")
}
