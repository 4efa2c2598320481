//! 10,000 hook changes, twelve cut connections, one killed broker, one killed daemon: the collector
//! holds each change once, in order.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::observer::Grace;
use e2e::observer::records::{Record, distinct};
use e2e::scene::{Plot, Scene, eventually, play};
use lab::{Blackhole, Link};

/// Hook changes in all.
const CHANGES: usize = 10_000;
/// Each second; the card's link and the daemon could do more.
const RATE: usize = 150;
/// Connections that are cut while they are made.
const CUTS: usize = 12;
/// Between two troubles.
const PAUSE: Duration = Duration::from_secs(3);

/// The card's own name of a hook change: (boot, sequence).
pub(crate) type Hook = (u64, u64);

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

        all_hooks_arrived(scene, CHANGES)?;
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

/// Every change that the card made is stored by the collector exactly once and in the card's order.
pub(crate) fn all_hooks_arrived(scene: &mut Scene, count: usize) -> Result<()> {
    let patience = Duration::from_secs(30) + Duration::from_secs(count as u64 / RATE as u64);
    let made =
        eventually("all hook changes", patience, || Ok(Some(hooks(scene)?).filter(|h| h.len() >= count)))?;
    scene.drain()?;
    let stored = stored_hooks(&scene.records()?)?;
    let (made_set, stored_set): (BTreeSet<_>, BTreeSet<_>) = (made.iter().collect(), stored.iter().collect());
    let lost: Vec<_> = made_set.difference(&stored_set).take(10).collect();
    let invented: Vec<_> = stored_set.difference(&made_set).take(10).collect();
    ensure!(lost.is_empty(), "{} of {count} changes are lost: {lost:?}", made_set.len() - stored_set.len());
    ensure!(invented.is_empty(), "changes that the card never made: {invented:?}");
    ensure!(
        stored.len() == stored_set.len(),
        "{} changes were told as two records",
        stored.len() - stored_set.len()
    );
    ensure!(stored == made, "the order of the changes is not the card's");
    Ok(())
}

/// The truth: what the card did.
pub(crate) fn hooks(scene: &Scene) -> Result<Vec<Hook>> {
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

fn name(value: &serde_json::Value) -> Option<Hook> {
    Some((value["card_boot"].as_u64()?, value["card_seq"].as_u64()?))
}
