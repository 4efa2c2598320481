//! `write`: ask, check, write, prove, tell.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};
use holdfast_flash::card::{Card, Outcome, Phase};
use holdfast_flash::flash::{Job, flash};
use holdfast_flash::prepare::{Prepared, prepare};
use holdfast_flash::target::{BlockDevice, Target};

use crate::REFUSED;
use crate::args::Write;
use crate::choose::{Chosen, check_same, choose, confirm};
use crate::progress::Progress;
use crate::signals::{self, STOP};
use crate::voice::Voice;

/// Steps that wait to be drawn; more are not worth drawing.
const WAITING_STEPS: usize = 256;

/// A card is so far in a phase.
type Step = (usize, Phase, u64);

/// The exit code.
pub(crate) fn run(write: &Write) -> Result<u8> {
    let voice = Voice { json: write.json };
    let exit = attempt(write, voice).unwrap_or_else(|error| {
        voice.refused_all(&format!("{error:#}"));
        REFUSED
    });
    voice.end(exit, write.dry_run && exit == 0);
    Ok(exit)
}

/// An error here means that nothing was written.
fn attempt(write: &Write, voice: Voice) -> Result<u8> {
    write.contradiction().map_or(Ok(()), |what| Err(anyhow!(what)))?;
    // First without the image's size: a wrong disk is told before a large image is checked.
    if choose(write, None, voice)?.is_none() {
        return Ok(REFUSED);
    }
    let prepared = prepare(&write.order())?;
    let Some(chosen) = choose(write, Some(prepared.plan.image_bytes()), voice)? else {
        return Ok(REFUSED);
    };
    let names: Vec<String> = chosen.iter().map(|disk| disk.name.clone()).collect();
    voice.start(&prepared, &names, write.dry_run);
    if !write.dry_run {
        confirm(write, &chosen)?;
        let Some(found) = choose(write, Some(prepared.plan.image_bytes()), voice)? else {
            return Ok(REFUSED);
        };
        check_same(&chosen, &found)?;
    }
    let targets = open(&chosen)?;
    if write.dry_run {
        return Ok(0);
    }
    signals::become_wishes()?;
    let outcomes = write_all(&prepared, targets, &names, voice);
    for (name, outcome) in names.iter().zip(&outcomes) {
        voice.outcome(name, outcome, &prepared);
    }
    Ok(outcomes.iter().map(Outcome::exit_code).max().unwrap_or_default())
}

/// All of them, before one is written.
fn open(chosen: &[Chosen]) -> Result<Vec<Box<dyn Target>>> {
    let open = |disk: &Chosen| -> Result<Box<dyn Target>> {
        Ok(Box::new(BlockDevice::open(&disk.path, disk.number)?))
    };
    chosen.iter().map(open).collect()
}

fn write_all(
    prepared: &Prepared,
    targets: Vec<Box<dyn Target>>,
    names: &[String],
    voice: Voice,
) -> Vec<Outcome> {
    let (sender, steps) = sync_channel(WAITING_STEPS);
    let job = Job { image: &prepared.image, plan: &prepared.plan, promise: &prepared.promise };
    let cards: Vec<Card<'_>> = targets
        .into_iter()
        .enumerate()
        .map(|(i, target)| card(i, target, prepared, sender.clone()))
        .collect();
    drop(sender);
    let progress = Progress::new(names, prepared.plan.bytes(), voice, Instant::now());
    thread::scope(|scope| {
        scope.spawn(move || draw(progress, &steps));
        flash(job, cards, &STOP)
    })
}

fn card(i: usize, target: Box<dyn Target>, prepared: &Prepared, steps: SyncSender<Step>) -> Card<'_> {
    // A step that finds no room is not drawn; the next one tells more.
    let tell = move |phase, bytes| steps.try_send((i, phase, bytes)).unwrap_or_default();
    Card::new(target, &prepared.plan, &STOP, Box::new(tell))
}

/// Ends when all cards have.
fn draw(mut progress: Progress, steps: &Receiver<Step>) {
    while let Ok((card, phase, bytes)) = steps.recv() {
        progress.at(card, phase, bytes, Instant::now());
    }
}
