//! What is heard on a line: DTMF digits to ITU-T Q.24, with the sample at which each began and ended, and
//! the call tones of machines.
//!
//! ```text
//!   samples ─> notches (own dial tone) ─> bank of 8 tones, 20 ms windows every 5 ms ─> one key? ─> run
//!                                     └─> power of each 5 ms block ─> where it began and ended
//! ```
//! A run is a stretch of windows with the same key. Where it began and ended is seen in the power of
//! the blocks, so the window's own length does not blur it; a run that was long, pure and on its
//! frequencies is a digit. All limits are constants at the end of this file.

use core::time::Duration;

use hal::{Dtmf, Sample};
use serde::{Deserialize, Serialize};

use crate::goertzel::{BLOCK, Bank, Spectrum, WINDOW, droop};
use crate::machine::{CallTone, Machines};
use crate::notch::Notch;

/// Something heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// A digit has begun; it may still turn out to be none.
    Begun {
        /// Its begin.
        sample: Sample,
    },
    /// A digit has ended.
    Digit {
        /// Which.
        digit: Dtmf,
        /// Its begin.
        begin: Sample,
        /// Its end.
        end: Sample,
    },
    /// A machine announces itself; told once for each tone, while it still lasts.
    Tone {
        /// Which.
        tone: CallTone,
        /// Its begin, to 50 ms.
        begin: Sample,
    },
}

/// The detector of one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineEar {
    notches: [Notch; 2],
    bank: Bank,
    machines: Machines,
    /// Power of the latest blocks, newest first.
    blocks: [f32; HISTORY],
    run: Option<Run>,
    last_key: Option<Dtmf>,
}

/// Windows in a row with the same key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    digit: Dtmf,
    begin: Sample,
    /// Where the power fell below one half; `None` while it is above.
    fell: Option<Sample>,
    /// The end of the latest window with this key.
    heard_until: Sample,
    /// Power of both tones in a window that is full of them.
    power: f32,
    good: u16,
    /// Sums over steady windows of both tones' offsets and powers, and of how many windows.
    offsets: [f32; 2],
    powers: [f32; 2],
    /// Sum over steady windows of everything that was heard in them.
    total: f32,
    steady: u16,
}

/// A window in which exactly one key is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OneKey {
    digit: Dtmf,
    power: f32,
    offsets: [f32; 2],
    /// As measured, not corrected for the offsets.
    powers: [f32; 2],
    /// Of everything in the window.
    total: f32,
}

impl Default for LineEar {
    fn default() -> Self {
        let notches = [Notch::new(350.0), Notch::new(440.0)];
        Self {
            notches,
            bank: Bank::default(),
            machines: Machines::default(),
            blocks: [0.0; HISTORY],
            run: None,
            last_key: None,
        }
    }
}

impl LineEar {
    /// Listens to linear samples, the first of which is number `first`; `each` is told what is heard.
    /// Samples must follow each other without gaps; after a gap begin with a new ear.
    pub fn feed(&mut self, samples: &[i16], first: Sample, mut each: impl FnMut(Heard)) {
        self.listen(samples, first, &mut each);
    }

    fn listen(&mut self, samples: &[i16], first: Sample, each: &mut dyn FnMut(Heard)) {
        let mut sample = first.0;
        for linear in samples {
            sample = sample.wrapping_add(1);
            let filtered =
                self.notches.iter_mut().fold(f32::from(*linear) / 32_768.0, |x, notch| notch.feed(x));
            if let Some(spectrum) = self.bank.feed(filtered) {
                self.window(&spectrum, Sample(sample), each);
            }
            if let Some((tone, begin)) = self.machines.feed(filtered, Sample(sample)) {
                each(Heard::Tone { tone, begin });
            }
        }
    }

    /// A window that ends at `end`.
    fn window(&mut self, spectrum: &Spectrum, end: Sample, each: &mut dyn FnMut(Heard)) {
        self.blocks.rotate_right(1);
        self.blocks[0] = spectrum.newest;
        let key = one_key(spectrum);
        if let Some(run) = &mut self.run {
            run.watch_power(spectrum.newest, end);
            match key {
                Some(key) if key.digit == run.digit => {
                    run.go_on(&key, self.last_key == Some(key.digit), end, each);
                }
                // Another key at full power: one digit follows the other without a pause.
                Some(_) => {
                    run.fell.get_or_insert(Sample(end.0.wrapping_sub(WINDOW / 2)));
                }
                None => {}
            }
            if run.is_over(end) {
                run.tell(each);
                self.run = None;
            }
        }
        if let (None, Some(key)) = (&self.run, key) {
            self.run = Some(Run::new(&key, self.begin_of(&key, end), end));
        }
        self.last_key = key.map(|key| key.digit);
    }

    /// Looks back for the block in which the power of this key came up.
    fn begin_of(&self, key: &OneKey, end: Sample) -> Sample {
        let loud = |power: &&f32| **power >= key.power / 2.0;
        let full = self.blocks.iter().take_while(loud).count();
        let part = self.blocks.get(full).map_or(0.0, |power| (power / key.power).clamp(0.0, 1.0));
        let back = (full as f32 + part) * BLOCK as f32;
        Sample(end.0.wrapping_sub(back as u32))
    }
}

impl Run {
    fn new(key: &OneKey, begin: Sample, end: Sample) -> Self {
        Self {
            digit: key.digit,
            begin,
            fell: None,
            heard_until: end,
            power: key.power,
            good: 1,
            offsets: [0.0; 2],
            powers: [0.0; 2],
            total: 0.0,
            steady: 0,
        }
    }

    fn watch_power(&mut self, newest: f32, end: Sample) {
        if newest >= self.power / 2.0 {
            return;
        }
        let part = (newest / self.power).clamp(0.0, 1.0);
        let back = (1.0 - part) * BLOCK as f32;
        self.fell.get_or_insert(Sample(end.0.wrapping_sub(back as u32)));
    }

    fn go_on(&mut self, key: &OneKey, steady: bool, end: Sample, each: &mut dyn FnMut(Heard)) {
        self.heard_until = end;
        self.power = self.power.max(key.power);
        if key.power < self.power / 2.0 {
            return;
        }
        // A break so short that the window bridges it (Q.24: up to 10 ms).
        if self.fell.is_some_and(|fell| end.since(fell) > samples(BLOCK + WINDOW / 4)) {
            self.fell = None;
        }
        self.good = self.good.saturating_add(1);
        if steady {
            self.steady = self.steady.saturating_add(1);
            self.total += key.total;
            for tone in 0..2 {
                self.offsets[tone] += key.offsets[tone];
                self.powers[tone] += key.powers[tone];
            }
        }
        if self.good == ANNOUNCE_AFTER {
            each(Heard::Begun { sample: self.begin });
        }
    }

    fn is_over(&self, now: Sample) -> bool {
        let silent = self.fell.is_some_and(|fell| now.since(fell) >= LONGEST_BREAK);
        silent || now.since(self.heard_until) >= LONGEST_BREAK + samples(WINDOW)
    }

    fn tell(&self, each: &mut dyn FnMut(Heard)) {
        let end = self.fell.unwrap_or(self.heard_until);
        let long = end.since(self.begin) >= SHORTEST;
        if long && self.good >= GOOD_WINDOWS && self.is_on_frequency() && self.is_clear() {
            each(Heard::Digit { digit: self.digit, begin: self.begin, end });
        }
    }

    fn is_on_frequency(&self) -> bool {
        self.steady > 0 && self.mean_offsets().iter().all(|offset| offset.abs() <= OFFSET)
    }

    /// The twist is within its limits, and there was little else: speech passes for a digit in a window or
    /// two, but not for long.
    fn is_clear(&self) -> bool {
        let (row, column) = self.digit.frequencies();
        let [low_off, high_off] = self.mean_offsets();
        let low = self.powers[0] / droop(low_off * f32::from(row));
        let high = self.powers[1] / droop(high_off * f32::from(column));
        let level = low <= high * NORMAL_TWIST && high <= low * REVERSE_TWIST;
        level && low + high >= self.total * PURITY
    }

    fn mean_offsets(&self) -> [f32; 2] {
        self.offsets.map(|sum| sum / f32::from(self.steady.max(1)))
    }
}

/// Exactly one row and one column, strong, pure, and not too different.
fn one_key(spectrum: &Spectrum) -> Option<OneKey> {
    let (row, column) = (strongest(spectrum, 0)?, strongest(spectrum, 4)?);
    let (low, high) = (spectrum.tones[row], spectrum.tones[4 + column]);
    let loud = low.power >= FLOOR && high.power >= FLOOR;
    let twist = low.power <= high.power * NORMAL_TWIST * WINDOW_TWIST
        && high.power <= low.power * REVERSE_TWIST * WINDOW_TWIST;
    let near = low.offset.abs() <= WINDOW_OFFSET && high.offset.abs() <= WINDOW_OFFSET;
    let pure = low.power + high.power >= spectrum.total * WINDOW_PURITY;
    if !(loud && twist && near && pure) {
        return None;
    }
    let digit = Dtmf::at(row, column)?;
    let (offsets, powers) = ([low.offset, high.offset], [low.nominal, high.nominal]);
    Some(OneKey { digit, power: low.power + high.power, offsets, powers, total: spectrum.total })
}

/// The tone of a group (beginning at `first`) that stands out from the three others.
fn strongest(spectrum: &Spectrum, first: usize) -> Option<usize> {
    let group = spectrum.tones.get(first..first + 4)?;
    let (place, best) = group.iter().enumerate().max_by(|(_, a), (_, b)| a.nominal.total_cmp(&b.nominal))?;
    let alone =
        group.iter().enumerate().all(|(n, tone)| n == place || tone.nominal * STANDS_OUT <= best.nominal);
    alone.then_some(place)
}

const fn samples(count: u32) -> Duration {
    Duration::from_micros(count as u64 * 125)
}

/// A tone shorter than 23 ms must be rejected, one of 40 ms accepted (Q.24): in the middle.
const SHORTEST: Duration = Duration::from_millis(31);
/// Interruptions of up to 10 ms do not end a digit (Q.24); pauses of digits are 40 ms and more.
const LONGEST_BREAK: Duration = Duration::from_millis(15);
/// Mean offset of each tone: 1.5 % must be accepted, 3.5 % rejected (Q.24).
const OFFSET: f32 = 0.02;
/// Offset within a single window, where noise has more weight.
const WINDOW_OFFSET: f32 = 0.06;
/// The high group may be weaker by 8 dB at least (Q.24); 10 dB.
const NORMAL_TWIST: f32 = 10.0;
/// The low group may be weaker by 4 dB at least (Q.24); 6 dB.
const REVERSE_TWIST: f32 = 4.0;
/// Within a single window, where noise has more weight, the twist may be larger by 3 dB.
const WINDOW_TWIST: f32 = 2.0;
/// A tone stands out from the others of its group by 6 dB.
const STANDS_OUT: f32 = 4.0;
/// The two tones are so much of all that is heard: 0.91 is left of them by noise 12 dB below.
const PURITY: f32 = 0.87;
/// So much within a single window.
const WINDOW_PURITY: f32 = 0.75;
/// The weakest tone, mean square at full scale 1.0: -45 dBm0 (a full-scale sine is +3.17 dBm0, G.711).
const FLOOR: f32 = 7.7e-6;
/// Windows with the key at full power.
const GOOD_WINDOWS: u16 = 3;
/// After so many good windows nobody doubts that a digit runs.
const ANNOUNCE_AFTER: u16 = 4;
/// Blocks that are looked back over for the begin of a run.
const HISTORY: usize = 8;
