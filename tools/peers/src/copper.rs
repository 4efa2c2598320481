//! What a telephone's voice goes through before the box hears it: a clock that is off, noise, G.711.
//!
//! Everything is drawn from a seed; the same seed gives the same samples.

use std::f32::consts::PI;

use crate::g711::Law;

/// Samples of a block.
pub const BLOCK: usize = 80;

/// How bad the line is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// The telephone's clock is fast by this fraction: all its tones are higher by as much.
    pub clock_fast_by: f32,
    /// Level of white noise over the whole band, dBm0; `None`: none.
    pub noise_dbm0: Option<f32>,
    /// How the network codes.
    pub law: Law,
    /// Of the noise.
    pub seed: u64,
}

/// One direction of a line.
pub struct Copper {
    clock: Clock,
    noise: Noise,
    amplitude: f32,
    law: Law,
}

/// Mean square to dBm0: a full-scale sine is +3.17 dBm0 (G.711, mu law).
#[must_use]
pub fn dbm0(mean_square: f32) -> f32 {
    10.0 * (mean_square * 2.0 / (32_768.0 * 32_768.0)).log10() + 3.17
}

/// The root mean square that a level has.
#[must_use]
pub fn rms(dbm0: f32) -> f32 {
    32_768.0 / 2_f32.sqrt() * 10_f32.powf((dbm0 - 3.17) / 20.0)
}

impl Copper {
    /// A line under these conditions.
    #[must_use]
    pub fn new(conditions: Conditions) -> Self {
        Self {
            clock: Clock::new(conditions.clock_fast_by),
            noise: Noise::new(conditions.seed),
            amplitude: conditions.noise_dbm0.map_or(0.0, rms),
            law: conditions.law,
        }
    }

    /// The next 10 ms of the far end; `say` fills blocks with what the telephone says, as often as its
    /// clock wants.
    pub fn carry(&mut self, say: &mut dyn FnMut(&mut [i16; BLOCK])) -> [i16; BLOCK] {
        std::array::from_fn(|_| {
            let spoken = self.clock.next(say);
            let heard =
                if self.amplitude > 0.0 { spoken + self.amplitude * self.noise.next() } else { spoken };
            self.law.round_trip(heard.round().clamp(-32_768.0, 32_767.0) as i16)
        })
    }
}

/// Taps on either side of the wanted moment.
const HALF: usize = 8;
/// Fractions of a sample that have filters of their own.
const PHASES: usize = 256;

/// Resampling by a windowed sinc: 70 dB clean over the voice band, which neither shifts nor bends tones.
struct Clock {
    ratio: f64,
    /// Where the next sample is taken, counted from the first sample kept.
    at: f64,
    kept: Vec<f32>,
    filters: Vec<[f32; 2 * HALF]>,
}

impl Clock {
    fn new(fast_by: f32) -> Self {
        let filters = (0..PHASES).map(|phase| filter(phase as f32 / PHASES as f32)).collect();
        Self { ratio: 1.0 + f64::from(fast_by), at: HALF as f64, kept: vec![0.0; 2 * HALF], filters }
    }

    fn next(&mut self, say: &mut dyn FnMut(&mut [i16; BLOCK])) -> f32 {
        if self.at as usize + HALF >= self.kept.len() {
            let done = self.at as usize - HALF;
            self.kept.drain(..done);
            self.at -= done as f64;
            let mut block = [0; BLOCK];
            say(&mut block);
            self.kept.extend(block.map(f32::from));
        }
        let whole = self.at as usize;
        let phase = ((self.at - whole as f64) * PHASES as f64) as usize;
        self.at += self.ratio;
        let around = &self.kept[whole + 1 - HALF..=whole + HALF];
        around.iter().zip(&self.filters[phase]).map(|(sample, tap)| sample * tap).sum()
    }
}

/// The taps for a moment so far after a sample.
fn filter(fraction: f32) -> [f32; 2 * HALF] {
    let taps: [f32; 2 * HALF] = std::array::from_fn(|tap| {
        let distance = tap as f32 + 1.0 - HALF as f32 - fraction;
        let window = (0.5 * PI * distance / HALF as f32).cos().powi(2);
        if distance.abs() < 1e-6 { 1.0 } else { (PI * distance).sin() / (PI * distance) * window }
    });
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// Samples of the noise table: long enough that nothing in it sounds like a rhythm.
const TABLE: usize = 1 << 16;

/// White noise: a table of Gaussian samples, read from place to place at random.
struct Noise {
    table: Vec<f32>,
    state: u64,
    at: usize,
    left: usize,
}

impl Noise {
    fn new(seed: u64) -> Self {
        let mut noise = Self { table: Vec::new(), state: seed | 1, at: 0, left: 0 };
        noise.table = (0..TABLE).map(|_| noise.gauss()).collect();
        noise
    }

    fn next(&mut self) -> f32 {
        if self.left == 0 {
            (self.at, self.left) = (self.bits() as usize % TABLE, 1 + self.bits() as usize % 1_000);
        }
        self.left -= 1;
        self.at = (self.at + 1) % TABLE;
        self.table[self.at]
    }

    fn gauss(&mut self) -> f32 {
        (0..12).map(|_| (self.bits() >> 40) as f32 / (1_u32 << 24) as f32).sum::<f32>() - 6.0
    }

    fn bits(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(conditions: Conditions, hz: f32, seconds: usize) -> Vec<f32> {
        let mut copper = Copper::new(conditions);
        let mut n = 0_u32;
        let mut out = Vec::new();
        for _ in 0..seconds * 100 {
            let block = copper.carry(&mut |block| {
                for sample in block {
                    *sample = (8_000.0 * (2.0 * PI * hz * n as f32 / 8_000.0).sin()) as i16;
                    n = (n + 1) % 8_000;
                }
            });
            out.extend(block.map(f32::from));
        }
        out
    }

    fn level_at(samples: &[f32], hz: f32) -> f32 {
        let (mut re, mut im) = (0.0_f64, 0.0_f64);
        for (n, sample) in samples.iter().enumerate() {
            let angle = 2.0 * std::f64::consts::PI * f64::from(hz) * n as f64 / 8_000.0;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        let count = samples.len() as f64;
        (2.0 * (re * re + im * im).sqrt() / count) as f32
    }

    const CLEAN: Conditions = Conditions { clock_fast_by: 0.0, noise_dbm0: None, law: Law::Mu, seed: 1 };

    #[test]
    fn a_fast_clock_raises_every_tone_and_leaves_its_level() {
        for (fast_by, hz) in [(0.0, 697.0), (0.015, 697.0), (-0.015, 1_633.0), (0.015, 1_633.0)] {
            let out = carried(Conditions { clock_fast_by: fast_by, ..CLEAN }, hz, 1);
            let level = level_at(&out[800..], hz * (1.0 + fast_by));
            assert!((level / 8_000.0 - 1.0).abs() < 0.02, "{hz} Hz, {fast_by}: {level}");
        }
    }

    #[test]
    fn a_clean_line_adds_nothing_but_the_coding() {
        let out = carried(Conditions { clock_fast_by: 0.01, ..CLEAN }, 1_000.0, 1);
        let total = out[800..].iter().map(|x| x * x).sum::<f32>() / (out.len() - 800) as f32;
        let tone = level_at(&out[800..], 1_010.0).powi(2) / 2.0;
        assert!((total - tone) / tone < 0.000_4, "34 dB and more below the tone: {total} {tone}");
    }

    #[test]
    fn noise_has_the_level_that_was_asked_for() {
        let out = carried(Conditions { noise_dbm0: Some(-30.0), ..CLEAN }, 0.0, 4);
        let mean_square = out.iter().map(|x| x * x).sum::<f32>() / out.len() as f32;
        assert!((dbm0(mean_square) + 30.0).abs() < 0.3, "{}", dbm0(mean_square));
        assert!((rms(dbm0(mean_square)) - mean_square.sqrt()).abs() < 1.0);
    }
}
