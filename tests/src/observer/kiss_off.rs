//! Kiss-offs on recorded audio: where they are, and whether the panel listened.
//!
//! It hears only sound: 1400 Hz for longer than a handshake on the one side, anything at all on the
//! other. What the box thought is no business of it.

use std::f64::consts::TAU;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A kiss-off as it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KissOff {
    /// Its first sample in the recording, to 10 ms.
    pub begin: usize,
    /// How long it was.
    pub lasted: Duration,
    /// From the panel's last sound to its begin; `None`: the panel had not said anything.
    pub after: Option<Duration>,
    /// The panel spoke while it sounded.
    pub talked_over: bool,
}

impl fmt::Display for KissOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { begin, lasted, after, talked_over } = self;
        write!(f, "kiss-off at sample {begin}: {lasted:?} long, {after:?} after the last digit")?;
        if *talked_over { f.write_str(", while the panel spoke") } else { Ok(()) }
    }
}

/// Every kiss-off in both directions of one line, recorded by one clock at 8 kHz.
#[must_use]
pub fn kiss_offs(heard_by_panel: &[i16], said_by_panel: &[i16]) -> Vec<KissOff> {
    let tone: Vec<bool> = heard_by_panel.chunks_exact(BLOCK).map(is_1400).collect();
    let voice: Vec<bool> = said_by_panel.chunks_exact(BLOCK).map(is_sound).collect();
    runs(&tone)
        .filter(|(_, blocks)| *blocks > LONGEST_HANDSHAKE_TONE)
        .map(|(first, blocks)| KissOff {
            begin: first * BLOCK,
            lasted: TEN_MS * u32::try_from(blocks).unwrap_or(u32::MAX),
            after: voice[..first.min(voice.len())].iter().rposition(|sounds| *sounds).map(|last| {
                let silent = first - last - 1;
                TEN_MS * u32::try_from(silent).unwrap_or(u32::MAX)
            }),
            // The panel answers what it heard a block later.
            talked_over: voice.iter().skip(first + 1).take(blocks - 1).any(|sounds| *sounds),
        })
        .collect()
}

/// Kiss-offs that did not begin while the panel listened, or that it spoke into.
#[must_use]
pub fn faults(kiss_offs: &[KissOff]) -> Vec<String> {
    let listens = |kiss_off: &KissOff| kiss_off.after.is_some_and(|after| LISTENS.contains(&after));
    let wrong = |kiss_off: &&KissOff| !listens(kiss_off) || kiss_off.talked_over;
    kiss_offs.iter().filter(wrong).map(ToString::to_string).collect()
}

/// Kiss-offs that were cut off or went on for too long.
#[must_use]
pub fn of_wrong_length(kiss_offs: &[KissOff]) -> Vec<String> {
    let wrong = |kiss_off: &&KissOff| !LASTS.contains(&kiss_off.lasted);
    kiss_offs.iter().filter(wrong).map(ToString::to_string).collect()
}

/// DC-05: a panel waits 1.25 s. Its receiver is muted right after its last digit; with less than 150 ms
/// a tone begins before it listens.
const LISTENS: RangeInclusive<Duration> = Duration::from_millis(150)..=Duration::from_millis(1_250);
/// DC-05: 750 to 1000 ms; a block more or less is the witness's own.
const LASTS: RangeInclusive<Duration> = Duration::from_millis(730)..=Duration::from_millis(1_020);
/// Samples that are judged at a time.
const BLOCK: usize = 80;
const TEN_MS: Duration = Duration::from_millis(10);
/// Blocks: tones of the handshake are 100 ms, 105 at most.
const LONGEST_HANDSHAKE_TONE: usize = 20;
/// Mean square below which a block is silent: -45 dBm0.
const SILENCE: f64 = 8_200.0;

fn mean_square(block: &[i16]) -> f64 {
    block.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / block.len() as f64
}

fn is_sound(block: &[i16]) -> bool {
    mean_square(block) > SILENCE
}

/// Most of the sound is a sine of 1400 Hz: 14 whole periods in a block.
fn is_1400(block: &[i16]) -> bool {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in block.iter().enumerate() {
        let angle = TAU * 1_400.0 * n as f64 / 8_000.0;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    let count = block.len() as f64;
    let of_the_sine = 2.0 * (re * re + im * im) / (count * count);
    is_sound(block) && of_the_sine > 0.8 * mean_square(block)
}

/// Where runs of `true` begin, and how long they are.
fn runs(flags: &[bool]) -> impl Iterator<Item = (usize, usize)> {
    let starts = (0..flags.len()).filter(|at| flags[*at] && (*at == 0 || !flags[*at - 1]));
    starts.map(|at| (at, flags[at..].iter().take_while(|flag| **flag).count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds of a tone; 0 Hz is silence.
    fn sound(parts: &[(f64, usize)]) -> Vec<i16> {
        let tone = |(hz, ms): &(f64, usize)| {
            let hz = *hz;
            (0..ms * 8).map(move |n| (5_000.0 * (TAU * hz * n as f64 / 8_000.0).sin()) as i16)
        };
        parts.iter().flat_map(tone).collect()
    }

    #[test]
    fn a_kiss_off_is_told_from_a_handshake_and_measured() {
        let heard =
            sound(&[(1_400.0, 100), (0.0, 100), (2_300.0, 100), (0.0, 2_200), (1_400.0, 850), (0.0, 50)]);
        let said = sound(&[(0.0, 500), (697.0, 1_700), (0.0, 1_200)]);
        let found = kiss_offs(&heard, &said);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].after, Some(Duration::from_millis(300)));
        assert_eq!(found[0].lasted, Duration::from_millis(850));
        assert_eq!([faults(&found), of_wrong_length(&found)].concat(), [""; 0]);
    }

    #[test]
    fn too_early_too_late_too_short_and_talked_over_are_faults() {
        for (silence, lasts, then_said) in [(50, 850, 0), (1_300, 850, 0), (300, 500, 0), (300, 850, 100)] {
            let heard = sound(&[(0.0, 1_000 + silence), (1_400.0, lasts), (0.0, 100)]);
            let said = sound(&[(697.0, 1_000), (0.0, silence + 200), (697.0, then_said), (0.0, 1_000)]);
            let found = kiss_offs(&heard, &said);
            let wrong = [faults(&found), of_wrong_length(&found)].concat();
            assert_eq!(wrong.len(), 1, "{silence} {lasts} {then_said}: {found:?}");
        }
        assert_eq!(faults(&kiss_offs(&sound(&[(1_400.0, 850)]), &sound(&[(0.0, 850)]))).len(), 1);
    }
}
