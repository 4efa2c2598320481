//! Everything that is on stage: the lab, the real programs, the flows, the watch.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::{
    Branch, Broker, Card, FlowFamily, Lab, LabOptions, Lines, Link, Program, RouteWatch, SiteOptions,
    Station, TcpFlow, UdpFlow,
};
use serde_json::{Value, json};

use super::ledger::shown;
use super::map;
use super::teller::Teller;
use super::truth::{self, HookChange};

/// The pace of the UDP flows.
const EVERY: Duration = Duration::from_millis(1);

/// From starting the daemon to traffic, told to the NOC.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A record that was made is with the NOC by then.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// A family to the names of the links that it took, in order.
type Ways = BTreeMap<String, Vec<String>>;

/// Between two looks at what is waited for.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The stage. Programs come before the lab, so that they end before it goes.
pub(crate) struct Stage {
    pub(crate) udp4: UdpFlow,
    pub(crate) udp6: UdpFlow,
    pub(crate) tcp: TcpFlow,
    pub(crate) watch: RouteWatch,
    pub(crate) daemon: Program,
    pub(crate) card: Card,
    pub(crate) station: Station,
    collector: Program,
    broker: Broker,
    pub(crate) branch: Branch,
    pub(crate) lab: Lab,
}

impl Stage {
    /// Builds the lab, starts everything and waits until the branch works.
    pub(crate) fn open(teller: &mut Teller) -> Result<Self> {
        teller.step("building the lab: a LAN host, the box, two ISPs, an internet");
        let lab = Lab::build(&LabOptions::default())?;
        let names: Vec<_> = lab.links().map(|(link, wanted)| (link, wanted.name.clone())).collect();
        teller.drawing(&map::drawing(&names));
        let branch = Branch::prepare(&lab, &site())?;
        teller.step("starting the broker (mosquitto, mutual TLS), the NOC's collector and the station");
        let broker = branch.start_broker(&lab)?;
        let collector = branch.start_collector(&lab)?;
        let station = Station::start(&lab)?;
        teller.step("starting the line card and holdfastd");
        let card = branch.start_card(&lab)?;
        let watch = RouteWatch::start(&lab)?;
        let daemon = branch.start_daemon(&lab)?;
        let mut stage = Self {
            udp4: UdpFlow::start(&lab, FlowFamily::V4, EVERY)?,
            udp6: UdpFlow::start(&lab, FlowFamily::V6, EVERY)?,
            tcp: TcpFlow::start(&lab, FlowFamily::V4)?,
            watch,
            daemon,
            card,
            station,
            collector,
            broker,
            branch,
            lab,
        };
        stage.wait_until_ready(teller)?;
        teller.step("traffic flows: 1 kHz UDP over IPv4 and IPv6, a TCP dialogue; the NOC hears the box");
        Ok(stage)
    }

    fn wait_until_ready(&mut self, teller: &mut Teller) -> Result<()> {
        let ready = |status: &Value| {
            active(status, "v4") && active(status, "v6") && status["mqtt"]["connected"] == true
        };
        if self.wait_for_status(teller, Instant::now(), READY_WITHIN, ready)?.is_none() {
            let words = self.lab.last_words(20);
            bail!("the branch does not work after {READY_WITHIN:?}; last words of every program:\n{words}");
        }
        Ok(())
    }

    /// Waits until the daemon's status satisfies `wanted` and says how long after `since` that was.
    pub(crate) fn wait_for_status(
        &mut self,
        teller: &mut Teller,
        since: Instant,
        within: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Option<Duration>> {
        self.wait(teller, within, |stage| {
            stage.daemon.expect_running()?;
            // Until the daemon listens there is no answer, and that is no failure.
            let holds = stage.branch.ask("status").is_ok_and(|status| wanted(&status));
            Ok(holds.then(|| since.elapsed()))
        })
    }

    /// Waits until `found` finds something; `None`: it did not.
    pub(crate) fn wait<T>(
        &mut self,
        teller: &mut Teller,
        within: Duration,
        mut found: impl FnMut(&mut Self) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = found(self)? {
                return Ok(Some(found));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            self.pulse(teller);
            thread::sleep(ASK_EVERY);
        }
    }

    /// Lets the play go on for so long.
    pub(crate) fn pause(&mut self, teller: &mut Teller, pause: Duration) -> Result<()> {
        self.wait(teller, pause, |_| Ok(None::<()>))?;
        Ok(())
    }

    /// Tells programs how everything is. What cannot be said at the moment is left out.
    fn pulse(&mut self, teller: &mut Teller) {
        if !teller.wants_pulse() {
            return;
        }
        let since = teller.pulsed_at();
        let status = self.branch.ask("status").unwrap_or_default();
        let flow = |flow: &mut UdpFlow| flow.report(since).map(|report| report.round).ok();
        let udp = json!({ "ipv4": flow(&mut self.udp4), "ipv6": flow(&mut self.udp6) });
        teller.pulse(json!({
            "links": links(&status),
            "mqtt": status["mqtt"]["connected"].as_bool().filter(|c| *c).and(status["mqtt"]["link"].as_str()),
            "spooled": status["spool"]["records"],
            "udp": udp,
        }));
    }

    /// Waits until the NOC's collector says that the site is in a state (`online`, `offline`) after
    /// what it has said so far, and says how long after `since` that was.
    pub(crate) fn wait_for_presence(
        &mut self,
        teller: &mut Teller,
        said: &mut Lines,
        state: &str,
        since: Instant,
        within: Duration,
    ) -> Result<Option<Duration>> {
        self.wait(teller, within, |_| {
            while let Some(line) = said.next_ready()? {
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if event["event"] == "presence" && event["state"] == state {
                    return Ok(Some(since.elapsed()));
                }
            }
            Ok(None)
        })
    }

    /// What the collector will say from here on.
    pub(crate) fn collector_from_here(&self) -> Result<Lines> {
        let mut said = self.collector.lines()?;
        while said.next_ready()?.is_some() {}
        Ok(said)
    }

    /// Begins to measure afresh: a flow's log is bounded, people's patience is not.
    pub(crate) fn restart_flows(&mut self) -> Result<()> {
        self.udp4 = UdpFlow::start(&self.lab, FlowFamily::V4, EVERY)?;
        self.udp6 = UdpFlow::start(&self.lab, FlowFamily::V6, EVERY)?;
        self.tcp = TcpFlow::start(&self.lab, FlowFamily::V4)?;
        // The fault that follows is to hit flows that flow.
        thread::sleep(Duration::from_millis(200));
        Ok(())
    }

    /// The name of a link.
    pub(crate) fn name(&self, link: Link) -> Result<String> {
        Ok(self.lab.name_of(link)?.to_owned())
    }

    /// Every hook change that the card made, in order.
    pub(crate) fn hook_changes(&self) -> Result<Vec<HookChange>> {
        Ok(self.card.happened()?.iter().filter_map(truth::happened).collect())
    }

    /// What must hold over the whole play.
    pub(crate) fn judge_the_whole(&mut self, teller: &mut Teller) -> Result<()> {
        teller.scene(9, "the whole play");
        let seen = self.watch.seen()?;
        let looked = format!("{} looks, blinks <= {}", seen.looks, shown(seen.longest_blink));
        let lawful = seen.faults.is_empty() && seen.looks > 1000;
        let told = if lawful { looked } else { format!("{looked}; {}", seen.faults.join("; ")) };
        teller.must("exactly one active default per family", "at every look", told, lawful);
        self.judge_telling(teller)?;
        let ended = self.ended()?;
        let all_run = ended.is_empty();
        let told = if all_run { "all run".to_owned() } else { ended.join(", ") };
        teller.must("no program of the branch ended", "none", told, all_run);
        Ok(())
    }

    /// Every switch of the kernel is told to the NOC once, and no other. The last one may still be on
    /// its way; one too many stays one too many.
    fn judge_telling(&mut self, teller: &mut Teller) -> Result<()> {
        let alike = self.wait(teller, TOLD_WITHIN, |stage| {
            let (switched, told) = stage.switches()?;
            Ok((switched == told && !switched.is_empty()).then_some(told))
        })?;
        let measured = match &alike {
            Some(told) => told.values().map(Vec::len).sum::<usize>().to_string(),
            None => {
                let (switched, told) = self.switches()?;
                format!("kernel {switched:?}, NOC {told:?}")
            }
        };
        teller.must("each switch of the kernel is told to the NOC", "once", measured, alike.is_some());
        Ok(())
    }

    /// Where each family went, by the kernel and by the NOC's records.
    fn switches(&mut self) -> Result<(Ways, Ways)> {
        let mut switched = Ways::new();
        for switch in self.watch.seen()?.switches {
            let family = match switch.family {
                FlowFamily::V4 => "ipv4",
                FlowFamily::V6 => "ipv6",
            };
            switched.entry(family.to_owned()).or_default().push(self.name(switch.to)?);
        }
        Ok((switched, truth::switches_told(&self.branch.records()?)))
    }

    fn ended(&mut self) -> Result<Vec<String>> {
        let mut ended = Vec::new();
        let broker = self.broker.program().context("the broker was started")?;
        for program in
            [&mut self.daemon, &mut self.card.program, &mut self.station.program, &mut self.collector, broker]
        {
            if let Some(status) = program.ended()? {
                ended.push(format!("{} ({status})", program.name()));
            }
        }
        Ok(ended)
    }
}

/// Does the daemon say that a family's traffic has a way?
fn active(status: &Value, family: &str) -> bool {
    let families = status["wan"]["families"].as_array().into_iter().flatten();
    families.filter(|entry| entry["family"] == family).any(|entry| !entry["active"].is_null())
}

/// Every link in every family, as the daemon judges it.
fn links(status: &Value) -> Vec<Value> {
    let families = status["wan"]["families"].as_array();
    let carries = |link: &Value| {
        families.into_iter().flatten().any(|f| f["family"] == link["family"] && f["active"] == link["link"])
    };
    let links = status["wan"]["links"].as_array().into_iter().flatten();
    let told = links.map(|link| {
        let family = if link["family"] == "v6" { "ipv6" } else { "ipv4" };
        json!({ "name": link["name"], "family": family, "verdict": link["verdict"], "active": carries(link) })
    });
    told.collect()
}

/// The demo's site: detection as shipped, mistrust shortened to what an audience waits for.
fn site() -> SiteOptions {
    SiteOptions {
        timing: vec![("hold_down", "1s"), ("failback_after", "4s")],
        mqtt: vec![("keep_alive", "5s")],
        panels: 2,
        withdraw_after: "8s",
        ..SiteOptions::default()
    }
}
