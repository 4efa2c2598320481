//! A witness in the box's namespace that judges the invariants of the design while a scenario plays.
//!
//! It sees the kernel and the wires, never the daemon: routes, rules and carriers over a netlink
//! socket of its own, every packet that leaves a WAN over a packet socket, and afterwards what the
//! collector stored. It imports nothing of the product, changes nothing, and repairs nothing.
//!
//! ```text
//!  netlink multicast ─┐
//!  netlink dumps ─────┼─> kernel (thread) ──> ledger: what was wrong, since when, for how long
//!                     │                  └──> switches: (family, from, to)      │
//!  packet socket ─────┴─> wire (thread) ────> departures ──> judged by them ────┤
//!  collector's store ───────────────────────> records ──────> told once? ───────┴─> Report
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

mod kernel;
pub mod kiss_off;
mod ledger;
mod links;
mod namespace;
mod netlink;
pub mod records;
mod routes;
mod rules;
mod table;
mod wire;

pub use ledger::{Invariant, Violation};
pub(crate) use namespace::spawn as in_namespace;
pub use table::Switch;

/// How far apart two witnesses may see what happened at once, on a busy machine.
pub const SIMULTANEOUS: Duration = Duration::from_millis(200);

/// What is observed.
#[derive(Clone, Debug)]
pub struct Config {
    /// The box's network namespace, for example `/run/netns/x-box`.
    pub namespace: PathBuf,
    /// The kernel's names of the WAN interfaces, in the order of the site file.
    pub wans: Vec<String>,
    /// Where the LAN's flows go: their packets may leave only by the active link.
    pub flow_ends: Vec<IpAddr>,
    /// How long something may be wrong before it counts.
    pub grace: Grace,
}

/// How long something may be wrong before it counts. What is not named here never may.
#[derive(Clone, Copy, Debug)]
pub struct Grace {
    /// No default at all, once there was one. Zero unless the scenario itself takes routes away.
    pub no_default: Duration,
    /// A standby that leads over a link without carrier.
    pub dead_standby: Duration,
    /// One of our rules is missing.
    pub missing_rule: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            no_default: Duration::ZERO,
            dead_standby: Duration::from_millis(1_200),
            missing_rule: Duration::from_secs(1),
        }
    }
}

/// An address family as the kernel numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `AF_INET`.
    V4,
    /// `AF_INET6`.
    V6,
}

impl Family {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    const fn number(self) -> u8 {
        match self {
            Self::V4 => 2,
            Self::V6 => 10,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::BOTH.into_iter().find(|f| f.number() == number)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        })
    }
}

/// A running observer.
pub struct Observer {
    config: Config,
    stop: Arc<AtomicBool>,
    news: Receiver<Switch>,
    latest: BTreeMap<Family, Switch>,
    kernel: JoinHandle<Result<kernel::Seen>>,
    wire: JoinHandle<Result<wire::Seen>>,
}

/// What an observer saw.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was wrong for longer than its grace.
    pub violations: Vec<Violation>,
    /// Every change of the link that carries a family, in order.
    pub switches: Vec<Switch>,
    /// How often the tables were looked at; an observer that saw nothing proves nothing.
    pub looks: u64,
    /// Packets of the LAN's flows that were seen leaving.
    pub departures: u64,
}

impl Observer {
    /// Begins to observe. Returns once both witnesses are in place.
    ///
    /// # Errors
    /// When the namespace cannot be entered or a socket cannot be opened; both need root.
    pub fn start(config: Config) -> Result<Self> {
        ensure!(!config.wans.is_empty(), "an observer without WAN interfaces would see nothing");
        let stop = Arc::new(AtomicBool::new(false));
        let started = Instant::now();
        let (tell, news) = sync_channel(kernel::MAX_SWITCHES);
        let kernel = kernel::spawn(config.clone(), started, Arc::clone(&stop), tell)?;
        let wire = wire::spawn(config.clone(), started, Arc::clone(&stop))?;
        Ok(Self { config, stop, news, latest: BTreeMap::new(), kernel, wire })
    }

    /// Waits until an interface carries a family, and says when it began to.
    ///
    /// # Errors
    /// When it does not within the time given.
    pub fn wait_until_active(&mut self, family: Family, interface: &str, within: Duration) -> Result<Switch> {
        let deadline = Instant::now() + within;
        loop {
            for switch in self.news.try_iter() {
                self.latest.insert(switch.family, switch);
            }
            if let Some(switch) = self.latest.get(&family).filter(|s| s.to == interface) {
                return Ok(switch.clone());
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(rest) {
                Ok(switch) => drop(self.latest.insert(switch.family, switch)),
                Err(_) => {
                    bail!("{family} was not on {interface} within {within:?}: {:?}", self.latest.get(&family))
                }
            }
        }
    }

    /// Ends the observation and judges what was seen.
    ///
    /// # Errors
    /// When a witness ended early: then nothing is proved.
    pub fn finish(self) -> Result<Report> {
        self.stop.store(true, Ordering::Relaxed);
        let kernel = join(self.kernel).context("the observer of the kernel")?;
        let wire = join(self.wire).context("the observer of the wires")?;
        ensure!(kernel.looks > 0, "the observer never got to look at the routes: nothing is proved");
        let mut violations = kernel.ledger.close(kernel.ended, &self.config.grace);
        violations.extend(wire.judge(&kernel.reigns, SIMULTANEOUS));
        Ok(Report {
            violations,
            switches: kernel.switches,
            looks: kernel.looks,
            departures: wire.departures(),
        })
    }
}

impl Report {
    /// Panics with everything that was wrong, if anything was.
    ///
    /// # Panics
    /// If an invariant was violated.
    pub fn assert_clean(&self) {
        let lines: Vec<String> = self.violations.iter().map(|v| format!("  {v}")).collect();
        assert!(lines.is_empty(), "invariants were violated:\n{}", lines.join("\n"));
    }

    /// The switches of one family.
    #[must_use]
    pub fn switches_of(&self, family: Family) -> Vec<&Switch> {
        self.switches.iter().filter(|s| s.family == family).collect()
    }
}

fn join<T>(handle: JoinHandle<Result<T>>) -> Result<T> {
    handle.join().map_err(|_| anyhow!("panicked"))?
}
