//! The ear beside two that others wrote, on the same samples: what is misheard, what is invented, and what
//! it costs; then panels that call through the real daemon.
//!
//! Goals of ears are the peers' own results of the same run: never worse in a row.

mod calls;
mod ears;
mod times;
mod trials;

use std::time::Instant;

use anyhow::Result;

use super::report::Row;
use super::{Effort, say};
use ears::Ear;
use trials::Trial;

/// Lines of the largest card.
const LINES: f64 = 8.0;
/// Of one core, with all lines off-hook.
const CPU_GOAL_PCT: f64 = 5.0;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for trial in trials::all()? {
        say(&format!("digits: {}", trial.name));
        rows.push(compared(&trial)?);
    }
    say("talk-off: speech of espeak-ng");
    let speech = trials::speech()?;
    rows.push(compared(&speech)?);
    say("cost of listening");
    rows.extend(costs(&speech.samples, effort.listens)?);
    rows.extend(calls::measure(effort)?);
    Ok(rows)
}

/// Digits misheard, missed and invented.
fn compared(trial: &Trial) -> Result<Row> {
    let errors = |ear: Ear| -> Result<f64> { Ok(distance(&trial.sent, &ear.hear(&trial.samples)?) as f64) };
    let (ours, spandsp, multimon) = (errors(Ear::Ours)?, errors(Ear::Spandsp)?, errors(Ear::Multimon)?);
    let metric = format!("{} (multimon-ng: {multimon})", trial.name);
    Ok(Row::new(&metric, "err", spandsp.min(multimon), &[ours]).against("spandsp", &[spandsp]))
}

/// Processor time for sound, alternating so that whatever slows the machine slows both.
fn costs(sound: &[i16], runs: usize) -> Result<Vec<Row>> {
    let seconds = sound.len() as f64 / 8_000.0;
    let (mut ours, mut spandsp) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        for (ear, spent) in [(Ear::Ours, &mut ours), (Ear::Spandsp, &mut spandsp)] {
            let begun = Instant::now();
            ear.hear(sound)?;
            spent.push(begun.elapsed().as_secs_f64() * 1e3 / seconds);
        }
    }
    let share: Vec<f64> = ours.iter().map(|ms| ms / 10.0 * LINES).collect();
    Ok(vec![
        Row::new("ear: time for a second of sound", "ms", CPU_GOAL_PCT * 10.0 / LINES, &ours)
            .against("spandsp", &spandsp),
        Row::new("8 lines off-hook, ears only: one core", "%", CPU_GOAL_PCT, &share),
    ])
}

/// Insertions, deletions and substitutions between two texts (Levenshtein).
fn distance(sent: &str, heard: &str) -> usize {
    let heard = heard.as_bytes();
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (n, sent) in sent.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], n + 1);
        for (m, heard) in heard.iter().enumerate() {
            let substituted = corner + usize::from(sent != *heard);
            corner = row[m + 1];
            row[m + 1] = substituted.min(corner + 1).min(row[m] + 1);
        }
    }
    row[heard.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_what_is_missing_wrong_and_too_much() {
        for (sent, heard, errors) in [
            ("", "", 0),
            ("123", "123", 0),
            ("123", "13", 1),
            ("123", "1A3", 1),
            ("", "77", 2),
            ("12", "21", 2),
        ] {
            assert_eq!(distance(sent, heard), errors, "{sent:?} {heard:?}");
        }
    }
}
