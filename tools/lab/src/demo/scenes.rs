//! The scenes, one function each: what is done to the branch and what it promises.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::{Blackhole, FlowFamily, Link};

use serde_json::Value;

use super::alarms;
use super::ledger::shown;
use super::stage::Stage;
use super::teller::Teller;
use super::truth;

/// After a switch, before gaps are read: TCP needs a retransmission to learn that it was reset.
const SETTLE: Duration = Duration::from_millis(1200);

/// A look at a branch that just works.
const CALM: Duration = Duration::from_secs(4);

/// Nothing in the play takes longer; what does has not happened.
const PATIENCE: Duration = Duration::from_secs(15);

/// Hook changes made while the branch is cut off.
const FLIPS: usize = 200;

/// A failback loses the packet that meets the changed way, and its follower where cores are busy.
const FAILBACK_LOSS: u64 = 5;

pub(crate) fn play(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    calm(stage, teller)?;
    blackhole(stage, teller)?;
    cut(stage, teller)?;
    isolation(stage, teller)?;
    recovery(stage, teller)?;
    alarms::play(stage, teller)
}

/// Nothing happens, and nothing is lost: what the later scenes measure is theirs. A daemon that has
/// just started also takes a better link at once, which is over after these seconds.
fn calm(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(0, "a calm branch");
    let since = Instant::now();
    stage.pause(teller, CALM)?;
    for (family, flow) in [("IPv4", &mut stage.udp4), ("IPv6", &mut stage.udp6)] {
        let way = flow.report(since)?.round;
        let told = format!("{} of {}", way.lost, way.sent);
        teller.must(&format!("UDP {family}: packets lost"), "0", told, way.lost == 0 && way.sent > 0);
    }
    Ok(())
}

fn blackhole(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(1, "the primary is black-holed upstream, its carrier stays up");
    let since = Instant::now();
    stage.lab.blackhole(Link::A, Blackhole::default())?;
    teller.step("link a: every packet vanishes behind the ISP's router, which itself still answers");
    judge_switch(stage, teller, since, Duration::from_secs(1))?;
    heal_and_fail_back(stage, teller)
}

fn cut(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(2, "the primary's cable is pulled");
    let since = Instant::now();
    stage.lab.cut(Link::A)?;
    teller.step("link a: no carrier");
    judge_switch(stage, teller, since, Duration::from_millis(20))?;
    heal_and_fail_back(stage, teller)
}

fn judge_switch(stage: &mut Stage, teller: &mut Teller, since: Instant, limit: Duration) -> Result<()> {
    let moved = both_go_over(stage, teller, Link::B, since)?;
    teller.must("both families go over to the backup", "always", option(moved), moved.is_some());
    moved.context("without a switch there is nothing to measure")?;
    let backup = stage.name(Link::B)?;
    let redialled = stage.wait_for_status(teller, since, PATIENCE, |status| {
        status["mqtt"]["connected"] == true && status["mqtt"]["link"] == backup.as_str()
    })?;
    stage.pause(teller, SETTLE)?;
    for (family, flow) in [("IPv4", &mut stage.udp4), ("IPv6", &mut stage.udp6)] {
        let way = flow.report(since)?.round;
        teller.step(&format!("UDP {family}: {} of {} packets lost", way.lost, way.sent));
        teller.within(&format!("UDP {family}: longest silence"), limit, way.silence());
    }
    let dialogue = stage.tcp.report(since)?;
    teller.step(&format!("TCP: {} answers, {} connections reset", dialogue.answers, dialogue.resets));
    let answered = dialogue.hangs == 0 && dialogue.answers > 0;
    teller.must("TCP is told and never hangs", "0 hangs", format!("{} hangs", dialogue.hangs), answered);
    teller.within("TCP: longest wait for an answer", limit + Duration::from_millis(600), dialogue.stall());
    teller.must("telemetry goes on over the backup", "always", option(redialled), redialled.is_some());
    Ok(())
}

pub(crate) fn heal_and_fail_back(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    let since = Instant::now();
    stage.lab.heal(Link::A)?;
    teller.step("link a works again; it must prove itself before traffic goes back");
    let moved = both_go_over(stage, teller, Link::A, since)?;
    teller.must("both families go back to the primary", "after its proof", option(moved), moved.is_some());
    moved.context("the play cannot go on over the backup")?;
    stage.pause(teller, SETTLE)?;
    for (family, flow) in [("IPv4", &mut stage.udp4), ("IPv6", &mut stage.udp6)] {
        let lost = flow.report(since)?.round.lost;
        let what = format!("UDP {family}: packets lost by going back");
        teller.must(&what, &format!("<= {FAILBACK_LOSS}"), lost.to_string(), lost <= FAILBACK_LOSS);
    }
    Ok(())
}

fn isolation(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(3, "both links are dead: the branch is cut off");
    let before = stage.watch.seen()?.switches.len();
    let mut said = stage.collector_from_here()?;
    let since = Instant::now();
    stage.lab.blackhole(Link::A, Blackhole::default())?;
    stage.lab.cut(Link::B)?;
    teller.step("link a: every packet vanishes; link b: no carrier");
    let known = stage.wait_for_status(teller, since, PATIENCE, no_link_works)?;
    teller.must("the box knows that no link works", "always", option(known), known.is_some());
    teller.within("known after", Duration::from_secs(1), known.unwrap_or(PATIENCE));
    let cut_off =
        stage.wait_for_status(teller, since, PATIENCE, |status| status["mqtt"]["connected"] == false)?;
    teller.must("the box notices that its session is dead", "always", option(cut_off), cut_off.is_some());
    stage.card.command(&format!("flip 0 {FLIPS} 100"))?;
    teller.step(&format!("meanwhile a line goes on: {FLIPS} hook changes"));
    let spooled = |records: u64| move |status: &Value| status["spool"]["records"].as_u64() >= Some(records);
    let kept = stage.wait_for_status(teller, since, PATIENCE, spooled(FLIPS as u64))?;
    teller.must("telemetry spools", &format!(">= {FLIPS} records"), option(kept), kept.is_some());
    let offline = stage.wait_for_presence(teller, &mut said, "offline", since, PATIENCE)?;
    teller.must("the NOC sees the site offline", "always", option(offline), offline.is_some());
    let moved = stage.watch.seen()?.switches.len() - before;
    teller.must("no way is taken that leads nowhere", "0 switches", format!("{moved} switches"), moved == 0);
    Ok(())
}

fn recovery(stage: &mut Stage, teller: &mut Teller) -> Result<()> {
    teller.scene(4, "all is back: the spool drains in order");
    let mut said = stage.collector_from_here()?;
    let since = Instant::now();
    stage.lab.heal(Link::B)?;
    stage.lab.heal(Link::A)?;
    let first = first_packet(stage, teller, since)?;
    teller.must("traffic flows again", "always", option(first), first.is_some());
    teller.within("first packet over any link", Duration::from_secs(3), first.unwrap_or(PATIENCE));
    let online = stage.wait_for_presence(teller, &mut said, "online", since, PATIENCE)?;
    teller.must("the NOC sees the site online", "always", option(online), online.is_some());
    let drained = stage.wait_for_status(teller, since, PATIENCE, |status| {
        status["mqtt"]["connected"] == true && status["spool"]["records"] == 0
    })?;
    teller.must("the spool drains", "to 0", option(drained), drained.is_some());
    teller.within("spool drained", Duration::from_secs(10), drained.unwrap_or(PATIENCE));
    judge_telemetry(stage, teller)?;
    let whole = stage.wait_for_status(teller, since, PATIENCE, is_whole)?;
    teller.must("all links up, traffic over the primary", "after its proof", option(whole), whole.is_some());
    Ok(())
}

fn judge_telemetry(stage: &Stage, teller: &mut Teller) -> Result<()> {
    let happened = stage.hook_changes()?;
    let found = truth::compare(&happened, &stage.branch.records()?);
    let all = happened.len() >= FLIPS;
    let lost = format!("{} of {} lost", found.lost, happened.len());
    teller.must("hook changes kept by the NOC", "0 lost", lost, all && found.lost == 0);
    let twice = found.invented + found.twice;
    teller.must("none told twice or invented", "0", twice.to_string(), twice == 0);
    let order = if found.in_order { "kept" } else { "broken" };
    teller.must("order of events", "kept", order, found.in_order);
    let gaps = found.broken_chain;
    teller.must("each record follows its predecessor", "0 breaks", format!("{gaps} breaks"), gaps == 0);
    Ok(())
}

/// How long it took until both families had gone over to a link; `None`: they did not.
fn both_go_over(
    stage: &mut Stage,
    teller: &mut Teller,
    to: Link,
    since: Instant,
) -> Result<Option<Duration>> {
    stage.wait(teller, PATIENCE, |stage| {
        let seen = stage.watch.seen()?;
        let switched = |family| seen.switched(family, to, since);
        let both = switched(FlowFamily::V4).zip(switched(FlowFamily::V6));
        Ok(both.map(|(four, six)| four.at.max(six.at).duration_since(since)))
    })
}

/// Every link is up in every family, and all traffic goes over the first.
fn is_whole(status: &Value) -> bool {
    let list = |key: &str| status["wan"][key].as_array().cloned().unwrap_or_default();
    let (links, families) = (list("links"), list("families"));
    let over_first = families.iter().all(|family| family["active"] == Link::A.number());
    families.len() == 2 && over_first && links.iter().all(|link| link["verdict"] == "up")
}

/// Every link is judged down in every family.
fn no_link_works(status: &Value) -> bool {
    let links = status["wan"]["links"].as_array().map_or(&[][..], Vec::as_slice);
    let dead = |link: &Value| link["verdict"] == "down" || link["verdict"] == "no_carrier";
    !links.is_empty() && links.iter().all(dead)
}

/// When something sent after `since` first arrived at the far end; `None`: nothing did.
fn first_packet(stage: &mut Stage, teller: &mut Teller, since: Instant) -> Result<Option<Duration>> {
    stage.wait(teller, PATIENCE, |stage| {
        let arrived = stage.udp4.first_arrival(since)?;
        Ok(arrived.map(|at| at.duration_since(since)))
    })
}

pub(crate) fn option(after: Option<Duration>) -> String {
    after.map_or("never".to_owned(), |after| format!("after {}", shown(after)))
}
