//! 10,000 hook changes, twelve cut connections, one killed broker, one killed daemon: the collector
//! holds each change once, in order.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::observer::Grace;
use e2e::observer::records::{Record, distinct};
use e2e::scene::{Plot, Scene, eventually, play};
use lab::{Blackhole, Link};
use serde_json::Value;

/// Hook changes in all.
const CHANGES: usize = 10_000;
/// Each second; the card's link and the daemon could do more.
const RATE: usize = 150;
/// Connections that are cut while they are made.
const CUTS: usize = 12;
/// Events that a card keeps until they are acknowledged.
const CARD_QUEUE: usize = 64;
/// Between two troubles.
const PAUSE: Duration = Duration::from_secs(3);

/// The card's own name of a hook change: (boot, sequence).
type Hook = (u64, u64);

#[test]
fn none_of_10_000_hook_changes_is_lost_over_12_cuts_a_dead_broker_and_a_killed_daemon() {
    play(&Plot::default(), |scene| {
        let observer = scene.observe(Grace::default())?;
        scene.card.command(&format!("flip all {CHANGES} {RATE}"))?;

        for cut in 0..CUTS {
            trouble(scene, cut)?;
            match cut {
                3 => scene.broker.kill().and_then(|()| scene.broker.start_again(&scene.lab))?,
                7 => scene.daemon.kill().map(drop).and_then(|()| scene.start_daemon_again())?,
                _ => {}
            }
            std::thread::sleep(PAUSE);
        }

        // What the killed daemon had stored and not yet acknowledged, the card tells its successor
        // again: the same change, known by the card's own name for it.
        let twice = hooks_arrived(scene, CHANGES)?;
        ensure!(
            twice <= CARD_QUEUE,
            "one restart told {twice} changes twice, the card can only hold {CARD_QUEUE}"
        );
        // The daemon that was killed may have died between a switch and its record.
        scene.judge(observer)?;
        Ok(())
    });
}

/// Cuts the connection in one of four ways and heals it.
fn trouble(scene: &mut Scene, number: usize) -> Result<()> {
    let silence = Duration::from_millis(1_500);
    match number % 4 {
        0 => scene.lab.cut(Link::A)?,
        1 => scene.lab.blackhole(Link::A, Blackhole::default())?,
        2 => scene.lab.refuse(Link::A, true)?,
        _ => {
            scene.lab.cut(Link::A)?;
            scene.lab.cut(Link::B)?;
        }
    }
    std::thread::sleep(silence);
    scene.lab.refuse(Link::A, false)?;
    scene.lab.heal(Link::A)?;
    scene.lab.heal(Link::B)
}

/// Flips hooks on all lines and waits until the card has done it.
pub(crate) fn flip(scene: &Scene, count: usize) -> Result<()> {
    scene.card.command(&format!("flip all {count} {RATE}"))?;
    wait_for_card(scene, "end of the flips", patience(count), |card| card["flips_left"] == 0)
}

fn wait_for_card(scene: &Scene, what: &str, within: Duration, is_so: impl Fn(&Value) -> bool) -> Result<()> {
    eventually(what, within, || Ok(is_so(&scene.card.command("status")?["status"]).then_some(())))
}

/// Every change that the card made is stored by the collector, in the card's order, exactly once.
pub(crate) fn all_hooks_arrived(scene: &mut Scene, count: usize) -> Result<()> {
    let twice = hooks_arrived(scene, count)?;
    ensure!(twice == 0, "{twice} changes were told as two records");
    Ok(())
}

/// Every change is stored, first copies in the card's order; how many were told as two records.
fn hooks_arrived(scene: &mut Scene, count: usize) -> Result<usize> {
    // The daemon acknowledges a change once it is stored.
    wait_for_card(scene, "acknowledgement of all changes", patience(count), |card| {
        card["flips_left"] == 0 && card["queued"] == 0
    })?;
    let made = hooks(scene)?;
    ensure!(made.len() == count, "the card made {} changes instead of {count}", made.len());
    scene.drain()?;
    let records = stored_hooks(&scene.records()?)?;
    let mut seen = BTreeSet::new();
    let stored: Vec<Hook> = records.iter().copied().filter(|hook| seen.insert(*hook)).collect();
    let lost: Vec<_> = made.iter().filter(|hook| !seen.contains(hook)).collect();
    ensure!(lost.is_empty(), "{} of {count} changes are lost, from {:?}", lost.len(), lost[0]);
    let made_set: BTreeSet<_> = made.iter().collect();
    let invented: Vec<_> = stored.iter().filter(|hook| !made_set.contains(hook)).collect();
    ensure!(invented.is_empty(), "changes that the card never made: {invented:?}");
    ensure!(stored == made, "the order of the changes is not the card's");
    Ok(records.len() - stored.len())
}

/// How long so many changes may take, broken connections included.
fn patience(count: usize) -> Duration {
    Duration::from_secs(30 + (count / RATE) as u64)
}

/// The truth: what the card did.
fn hooks(scene: &Scene) -> Result<Vec<Hook>> {
    let happened = scene.card.happened()?;
    let hooks = happened.iter().filter(|e| e["event"] == "hook");
    hooks.map(|e| name(e).with_context(|| format!("ata-sim: {e}"))).collect()
}

fn stored_hooks(records: &[Record]) -> Result<Vec<Hook>> {
    let lines = distinct(records, "line");
    lines
        .map(|r| name(&r.body).with_context(|| format!("a line record without a name: {}", r.body)))
        .collect()
}

fn name(value: &Value) -> Option<Hook> {
    Some((value["card_boot"].as_u64()?, value["card_seq"].as_u64()?))
}
