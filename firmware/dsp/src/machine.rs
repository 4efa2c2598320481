//! The tones by which machines announce themselves: a fax that calls, a modem that answers.
//!
//! Every sample is mixed down by both frequencies. In a pure tone each block of 5 ms is turned against
//! the one before by an angle that says how far the tone is off its frequency; what turns alike over a
//! window of 50 ms is the tone's share of all that is heard. Modulation and the phase reversals of a
//! modem (ITU-T V.8) cost a tenth or two of that share. It refuses to tell the machines behind apart.

use core::f32::consts::TAU;

use hal::Sample;
use serde::{Deserialize, Serialize};

use crate::goertzel::{BLOCK, Complex};

/// A tone by which a machine announces itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallTone {
    /// CNG, 1100 Hz for half a second every three and a half: a fax that calls (ITU-T T.30).
    Calling,
    /// CED, ANS and ANSam, 2100 Hz for about three seconds: a fax or modem that answers (V.25, V.8).
    Answer,
}

/// Listens for both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machines {
    tones: [Detector; 2],
    energy: f32,
    filled: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Detector {
    tone: CallTone,
    /// Running phase, and its step per sample.
    phase: Complex,
    step: Complex,
    /// The block being summed, the one before, and the sum over the window of how they turned.
    block: Complex,
    previous: Complex,
    turned: Complex,
    /// Windows in a row that were this tone.
    good: u8,
    begin: Sample,
}

impl Default for Machines {
    fn default() -> Self {
        let tones = [Detector::new(CallTone::Calling), Detector::new(CallTone::Answer)];
        Self { tones, energy: 0.0, filled: 0 }
    }
}

impl Machines {
    /// One sample, full scale 1.0, before sample number `end`; a tone that has lasted long enough.
    pub(crate) fn feed(&mut self, sample: f32, end: Sample) -> Option<(CallTone, Sample)> {
        for tone in &mut self.tones {
            tone.feed(sample);
        }
        self.energy += sample * sample;
        self.filled += 1;
        if self.filled % BLOCK == 0 {
            self.tones.iter_mut().for_each(Detector::end_block);
        }
        if self.filled < WINDOW {
            return None;
        }
        self.filled = 0;
        let total = core::mem::take(&mut self.energy) / WINDOW as f32;
        // Never both: each is more than half of what is heard.
        self.tones.iter_mut().filter_map(|tone| tone.end_window(total, end)).next_back()
    }
}

impl Detector {
    fn new(tone: CallTone) -> Self {
        let angle = -TAU * tone.hertz() / hal::sample::RATE as f32;
        Self {
            tone,
            phase: Complex { re: 1.0, im: 0.0 },
            step: Complex { re: angle.cos(), im: angle.sin() },
            block: Complex::default(),
            previous: Complex::default(),
            turned: Complex::default(),
            good: 0,
            begin: Sample(0),
        }
    }

    fn feed(&mut self, sample: f32) {
        self.block = self.block.plus(self.phase.scaled(sample));
        self.phase = self.phase.times(self.step);
    }

    fn end_block(&mut self) {
        // Rounding must not let the mixer fade over days.
        self.phase = self.phase.scaled(1.0 / self.phase.power().sqrt());
        let block = core::mem::take(&mut self.block);
        self.turned = self.turned.plus(block.times(self.previous.conjugate()));
        self.previous = block;
    }

    /// Tells of a tone once, in the window that makes it long enough.
    fn end_window(&mut self, total: f32, end: Sample) -> Option<(CallTone, Sample)> {
        let turned = core::mem::take(&mut self.turned);
        // A sine of amplitude a sums to a/2 per sample; its mean square is a*a/2.
        let power = 2.0 * turned.power().sqrt() / (BLOCK * WINDOW) as f32;
        let offset = turned.angle() / TAU * (hal::sample::RATE / BLOCK) as f32;
        let good = power >= FLOOR && power >= total * PURITY && offset.abs() <= self.tone.tolerance();
        if !good {
            self.good = 0;
            return None;
        }
        if self.good == 0 {
            self.begin = Sample(end.0.wrapping_sub(WINDOW));
        }
        self.good = self.good.saturating_add(1);
        (self.good == LONG_ENOUGH).then_some((self.tone, self.begin))
    }
}

impl CallTone {
    const fn hertz(self) -> f32 {
        match self {
            Self::Calling => 1_100.0,
            Self::Answer => 2_100.0,
        }
    }

    /// Senders keep to 38 Hz (T.30) and to 15 Hz (V.25); the rest is for measuring in noise.
    const fn tolerance(self) -> f32 {
        match self {
            Self::Calling => 50.0,
            Self::Answer => 30.0,
        }
    }
}

/// Samples of a window: ten blocks, 50 ms.
const WINDOW: u32 = 10 * BLOCK;
/// Windows in a row that are a tone; the first and the last may be filled in part, so that it takes 300 to
/// 400 ms. The shortest CNG lasts 425 ms, digits and syllables less than these.
const LONG_ENOUGH: u8 = 8;
/// The tone's share of what is heard: 0.8 is left in the window of a phase reversal, 0.82 at 38 Hz off
/// in noise 12 dB below.
const PURITY: f32 = 0.65;
/// The weakest tone, mean square at full scale 1.0: -42 dBm0 (a full-scale sine is +3.17 dBm0, G.711).
const FLOOR: f32 = 1.5e-5;
