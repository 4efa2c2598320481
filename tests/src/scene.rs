//! A branch with its whole cast, as every scenario needs it: broker, collector, line card, daemon.
//!
//! It sets the scene and waits; what must hold is said by the scenarios and judged by the observer.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lab::{Branch, Broker, Card, Lab, LabOptions, Program, SiteOptions, plan};
use serde_json::Value;

use crate::observer::records::{self, Record};
use crate::observer::{Config, Grace, Observer, Report};

/// From the daemon's start to a site that routes and reports. Two scenarios share two cores.
pub const READY_WITHIN: Duration = Duration::from_secs(30);
/// Until everything spooled has reached the collector and its watermark has come back.
pub const DRAINED_WITHIN: Duration = Duration::from_secs(60);
/// How often something without an event is asked for.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The links.
    pub lab: LabOptions,
    /// What the site wants of them.
    pub site: SiteOptions,
}

impl Default for Plot {
    /// Two links, short hold times.
    fn default() -> Self {
        let timing = vec![("hold_down", "1s"), ("failback_after", "3s")];
        Self { lab: LabOptions::default(), site: SiteOptions { timing, ..SiteOptions::default() } }
    }
}

impl Plot {
    /// Traffic stays on a backup that works.
    #[must_use]
    pub fn without_failback() -> Self {
        let mut plot = Self::default();
        plot.site.timing = vec![("hold_down", "1s"), ("failback_after", "1h")];
        plot
    }
}

/// A running branch. The fields are dropped from the first to the last.
pub struct Scene {
    /// `holdfastd`.
    pub daemon: Program,
    /// `ata-sim`.
    pub card: Card,
    /// `holdfast-noc collect`.
    pub collector: Program,
    /// Mosquitto.
    pub broker: Broker,
    /// Files and command lines.
    pub branch: Branch,
    /// Namespaces and faults.
    pub lab: Lab,
}

/// Plays a scenario. When it fails, the ends of all logs are shown.
///
/// # Panics
/// When the scene cannot be set or the scenario fails.
pub fn play(plot: &Plot, act: impl FnOnce(&mut Scene) -> Result<()>) {
    let lab = Lab::build(&plot.lab).unwrap_or_else(|error| panic!("the lab cannot be built: {error:#}"));
    let mut scene = Scene::start(lab, plot);
    if let Err(error) = scene.wait_until_ready().and_then(|()| act(&mut scene)) {
        panic!("{error:#}\n{}", scene.status().unwrap_or_default());
    }
}

impl Scene {
    fn start(lab: Lab, plot: &Plot) -> Self {
        let cast = || -> Result<_> {
            let branch = Branch::prepare(&lab, &plot.site)?;
            let broker = branch.start_broker(&lab)?;
            let collector = branch.start_collector(&lab)?;
            let card = branch.start_card(&lab)?;
            let daemon = branch.start_daemon(&lab)?;
            Ok((branch, broker, collector, card, daemon))
        };
        match cast() {
            Ok((branch, broker, collector, card, daemon)) => {
                Self { daemon, card, collector, broker, branch, lab }
            }
            Err(error) => panic!("the scene cannot be set: {error:#}"),
        }
    }

    /// Waits until both families are routed and the session stands.
    ///
    /// # Errors
    /// When that takes too long or the daemon ended.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        self.wait_until("routes and a session", READY_WITHIN, |status| {
            let families = status["wan"]["families"].as_array()?;
            let routed = families.len() == 2 && families.iter().all(|f| !f["active"].is_null());
            (routed && status["mqtt"]["connected"] == true).then_some(())
        })
    }

    /// Waits until the daemon's status shows what is wanted.
    ///
    /// # Errors
    /// When that takes too long or the daemon ended.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&Value) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + within;
        let mut last = None;
        loop {
            self.daemon.expect_running()?;
            // The daemon may not listen yet, or may be in the middle of something.
            last = self.branch.ask("status").ok().or(last);
            if let Some(found) = last.as_ref().and_then(&mut wanted) {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                bail!("no {what} within {within:?}; the last status: {}", last.unwrap_or_default());
            }
            thread::sleep(ASK_EVERY);
        }
    }

    /// The daemon's status as text, if it answers.
    #[must_use]
    pub fn status(&self) -> Option<String> {
        self.branch.ask("status").ok().map(|status| format!("{status:#}"))
    }

    /// Begins to observe the box.
    ///
    /// # Errors
    /// See [`Observer::start`].
    pub fn observe(&self, grace: Grace) -> Result<Observer> {
        let wans = self.lab.links().map(|(link, _)| link.interface()).collect();
        let flow_ends = plan::FAR_END.iter().map(|net| net.address).collect();
        Observer::start(Config { namespace: self.lab.branch().path(), wans, flow_ends, grace })
    }

    /// Waits until the spool is empty: the collector has everything and has said so.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn drain(&mut self) -> Result<()> {
        self.wait_until("empty spool", DRAINED_WITHIN, |status| {
            (status["mqtt"]["connected"] == true && status["spool"]["records"] == 0).then_some(())
        })
    }

    /// Everything the collector has stored of the site, in its order.
    ///
    /// # Errors
    /// When the store cannot be read or holds what is no record.
    pub fn records(&self) -> Result<Vec<Record>> {
        self.branch.records()?.iter().map(|value| records::parse(&value.to_string())).collect()
    }

    /// Ends the observation; the kernel must have kept the laws, and the collector must hold an
    /// unbroken chain.
    ///
    /// # Errors
    /// When a law was broken.
    pub fn judge(&mut self, observer: Observer) -> Result<(Report, Vec<Record>)> {
        let report = observer.finish()?;
        report.assert_clean();
        self.drain()?;
        let records = self.records()?;
        ensure!(!records.is_empty(), "the collector holds no record at all: nothing is proved");
        say(&records::judge(&records))?;
        Ok((report, records))
    }

    /// Like [`Self::judge`], and each switch of the kernel was told exactly once.
    ///
    /// # Errors
    /// When a law was broken.
    pub fn judge_all(&mut self, observer: Observer) -> Result<Report> {
        let (report, records) = self.judge(observer)?;
        say(&records::judge_switches(&records, &report.switches, &self.link_names()))?;
        Ok(report)
    }

    /// Interface to name of the link.
    #[must_use]
    pub fn link_names(&self) -> BTreeMap<String, String> {
        self.lab.links().map(|(link, options)| (link.interface(), options.name.clone())).collect()
    }

    /// Starts the daemon again after it has ended, and waits until it serves.
    ///
    /// # Errors
    /// When it does not serve in time.
    pub fn start_daemon_again(&mut self) -> Result<()> {
        ensure!(self.daemon.ended()?.is_some(), "the daemon still runs");
        self.daemon = self.branch.start_daemon(&self.lab)?;
        self.wait_until_ready()
    }
}

/// Waits for something that tells nobody when it happens.
///
/// # Errors
/// When it does not happen in time.
pub fn eventually<T>(what: &str, within: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look().with_context(|| format!("while waiting for {what}"))? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "no {what} within {within:?}");
        thread::sleep(ASK_EVERY);
    }
}

fn say(faults: &[records::Fault]) -> Result<()> {
    let lines: Vec<String> = faults.iter().take(20).map(|f| format!("  {f}")).collect();
    ensure!(faults.is_empty(), "{} faults in the collector's store:\n{}", faults.len(), lines.join("\n"));
    Ok(())
}
