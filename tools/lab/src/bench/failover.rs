//! Failovers of the real daemon, again and again, as traffic feels them.
//!
//! Links take turns: traffic stays on a backup that works, so the next fault hits that one.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::{
    Blackhole, Branch, Broker, Card, CarrierEvents, FlowFamily, Lab, LabOptions, Link, Program, SiteOptions,
    Station, UdpFlow, plan,
};
use serde_json::Value;

use super::bare::BareLoop;
use super::report::Row;
use super::{Effort, say};

const BLACKHOLE_GOAL_MS: f64 = 1000.0;
const CARRIER_GOAL_MS: f64 = 20.0;

/// Pace of the flow: what a gap of one packet is worth.
const EVERY: Duration = Duration::from_micros(500);

/// Nothing that works takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a start leaves behind (probes of unknown links, the first session) is over by then, and
/// better links are no longer taken at once.
const CALM: Duration = Duration::from_secs(5);

/// The flow runs so long before a fault and after the switch.
const STEADY: Duration = Duration::from_millis(100);

/// A branch with everything that plays in it.
pub(crate) struct Cast {
    pub(crate) daemon: Program,
    pub(crate) card: Card,
    pub(crate) station: Station,
    _collector: Program,
    _broker: Broker,
    branch: Branch,
    pub(crate) lab: Lab,
}

impl Cast {
    /// The site of benchmarks: detection as shipped, and links that work are kept.
    pub(crate) fn site() -> SiteOptions {
        SiteOptions {
            timing: vec![("hold_down", "1s"), ("failback_after", "1h")],
            log: "warn".to_owned(),
            ..SiteOptions::default()
        }
    }

    /// Builds it and waits until both families are carried and both links are up.
    pub(crate) fn open(site: &SiteOptions) -> Result<Self> {
        let lab = Lab::build(&LabOptions::default())?;
        let branch = Branch::prepare(&lab, site)?;
        let broker = branch.start_broker(&lab)?;
        let collector = branch.start_collector(&lab)?;
        let station = Station::start(&lab)?;
        let card = branch.start_card(&lab)?;
        let daemon = branch.start_daemon(&lab)?;
        let mut cast = Self { daemon, card, station, _collector: collector, _broker: broker, branch, lab };
        cast.wait_until(|status| carried(status, Link::A) && well(status))?;
        thread::sleep(CALM);
        Ok(cast)
    }

    /// Mends a link after its families have gone over to another one, and waits until all is well.
    pub(crate) fn mend(&mut self, from: Link, to: Link) -> Result<()> {
        self.wait_until(|status| carried(status, to))?;
        self.lab.heal(from)?;
        self.wait_until(|status| carried(status, to) && well(status))
    }

    fn wait_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.daemon.expect_running()?;
            if self.branch.ask("status").is_ok_and(|status| wanted(&status)) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        let status = self.branch.ask("status")?;
        bail!("the branch is not well after {PATIENCE:?}: {status:#}\n{}", self.lab.last_words(20))
    }
}

/// Both families leave by this link.
fn carried(status: &Value, link: Link) -> bool {
    let families = status["wan"]["families"].as_array().map_or(&[][..], Vec::as_slice);
    families.len() == 2 && families.iter().all(|family| family["active"] == link.number())
}

/// All links are up, and the NOC hears the box.
fn well(status: &Value) -> bool {
    let mut links = status["wan"]["links"].as_array().into_iter().flatten();
    links.all(|link| link["verdict"] == "up") && status["mqtt"]["connected"] == true
}

pub(crate) fn measure(effort: Effort) -> Result<Vec<Row>> {
    let mut cast = Cast::open(&Cast::site())?;
    let mut bare = Lab::build(&LabOptions::default())?;
    let (mut silences, mut ours, mut reference) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..effort.failovers {
        say(&format!("failovers {} of {}", run + 1, effort.failovers));
        // The fault comes at another phase of the probes each time: the golden ratio spreads them.
        thread::sleep(Duration::from_micros(run as u64 * 123_607 % 200_000));
        silences.push(ms(blackholed(&mut cast, Link::A, Link::B)?));
        ours.push(ms(cut(&mut cast, Link::B, Link::A)?));
        reference.push(ms(cut_bare(&mut bare)?));
    }
    Ok(vec![
        Row::new("blackhole, carrier up: silence of a flow", "ms", BLACKHOLE_GOAL_MS, &silences),
        Row::new("carrier loss: event to first packet over backup", "ms", CARRIER_GOAL_MS, &ours)
            .against("bare netlink loop", &reference),
    ])
}

/// The silence that a flow hears when its link is black-holed.
fn blackholed(cast: &mut Cast, from: Link, to: Link) -> Result<Duration> {
    let mut flow = UdpFlow::start(&cast.lab, FlowFamily::V4, EVERY)?;
    thread::sleep(STEADY);
    let since = Instant::now();
    cast.lab.blackhole(from, Blackhole::default())?;
    first_after(&mut flow, Instant::now())?;
    let silence = flow.report(since)?.out.silence();
    cast.mend(from, to)?;
    Ok(silence)
}

/// From the kernel's word about a lost carrier to the first packet over the backup.
fn cut(cast: &mut Cast, from: Link, to: Link) -> Result<Duration> {
    let took = reaction(&mut cast.lab, from)?;
    cast.mend(from, to)?;
    Ok(took)
}

fn cut_bare(lab: &mut Lab) -> Result<Duration> {
    let bare = BareLoop::start(lab, Link::A, Link::B)?;
    let took = reaction(lab, Link::A)?;
    drop(bare);
    lab.heal(Link::A)?;
    Ok(took)
}

fn reaction(lab: &mut Lab, from: Link) -> Result<Duration> {
    let mut events = CarrierEvents::listen(lab.branch())?;
    let mut flow = UdpFlow::start(lab, FlowFamily::V4, EVERY)?;
    thread::sleep(STEADY);
    let heard = thread::spawn(move || {
        let heard = events.wait_for(plan::index::box_wan(from), false, PATIENCE)?;
        anyhow::Ok(heard.then(Instant::now))
    });
    lab.cut(from)?;
    let heard = heard.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let event = heard.context("the kernel did not tell of the lost carrier")?;
    let first = first_after(&mut flow, event)?;
    Ok(first.duration_since(event))
}

/// When something sent after `since` first arrived.
fn first_after(flow: &mut UdpFlow, since: Instant) -> Result<Instant> {
    while since.elapsed() < PATIENCE {
        if let Some(at) = flow.first_arrival(since)? {
            thread::sleep(STEADY);
            return Ok(at);
        }
        thread::sleep(Duration::from_millis(5));
    }
    bail!("no packet came over the backup within {PATIENCE:?}")
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
