//! The eight tones of the keypad, measured over a sliding window.
//!
//! Every sample is mixed down by each tone with a running phase; sums over blocks of 5 ms are kept,
//! four of them make a window of 20 ms. Because the phase runs on, a tone that is off its frequency
//! turns from window to window by an angle that says by how much.

use core::f32::consts::TAU;

use serde::{Deserialize, Serialize};

/// Samples of a block: windows advance by so much.
pub(crate) const BLOCK: u32 = 40;
/// Blocks of a window.
const BLOCKS: usize = 4;
/// Samples of a window.
pub(crate) const WINDOW: u32 = BLOCK * BLOCKS as u32;
/// Rows, then columns (ITU-T Q.23), Hz.
pub(crate) const TONES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Complex {
    pub(crate) re: f32,
    pub(crate) im: f32,
}

impl Complex {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    pub(crate) fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    pub(crate) fn conjugate(self) -> Self {
        Self { im: -self.im, ..self }
    }

    pub(crate) fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    pub(crate) fn angle(self) -> f32 {
        self.im.atan2(self.re)
    }

    pub(crate) fn scaled(self, by: f32) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }
}

/// One tone in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    /// Mean square of the tone, corrected for its offset.
    pub(crate) power: f32,
    /// Mean square at the nominal frequency, uncorrected: for comparing tones of one group.
    pub(crate) nominal: f32,
    /// How far it is off its frequency, as a fraction of it.
    pub(crate) offset: f32,
}

/// The window as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spectrum {
    pub(crate) tones: [Measured; 8],
    /// Mean square of everything in the window.
    pub(crate) total: f32,
    /// Mean square of everything in its newest block.
    pub(crate) newest: f32,
}

/// The bank of mixers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bank {
    /// Running phase of each tone, and its step per sample.
    phases: [Complex; 8],
    steps: [Complex; 8],
    /// The block being summed, then the complete ones, newest first.
    sums: [[Complex; 8]; BLOCKS],
    energies: [f32; BLOCKS],
    block: [Complex; 8],
    energy: f32,
    filled: u32,
    previous: [Complex; 8],
}

impl Default for Bank {
    fn default() -> Self {
        let step = |hz: f32| {
            let angle = -TAU * hz / hal::sample::RATE as f32;
            Complex { re: angle.cos(), im: angle.sin() }
        };
        Self {
            phases: [Complex { re: 1.0, im: 0.0 }; 8],
            steps: TONES.map(step),
            sums: Default::default(),
            energies: [0.0; BLOCKS],
            block: Default::default(),
            energy: 0.0,
            filled: 0,
            previous: Default::default(),
        }
    }
}

impl Bank {
    /// One sample, full scale 1.0; at the end of a block the window that ends with it.
    pub(crate) fn feed(&mut self, sample: f32) -> Option<Spectrum> {
        for ((sum, phase), step) in self.block.iter_mut().zip(&mut self.phases).zip(&self.steps) {
            *sum = sum.plus(phase.scaled(sample));
            *phase = phase.times(*step);
        }
        self.energy += sample * sample;
        self.filled += 1;
        if self.filled < BLOCK {
            return None;
        }
        Some(self.end_block())
    }

    fn end_block(&mut self) -> Spectrum {
        self.filled = 0;
        self.sums.rotate_right(1);
        self.energies.rotate_right(1);
        self.sums[0] = core::mem::take(&mut self.block);
        self.energies[0] = core::mem::take(&mut self.energy);
        for phase in &mut self.phases {
            // Rounding must not let the mixers fade over days.
            *phase = phase.scaled(1.0 / phase.power().sqrt());
        }
        let mut spectrum = Spectrum {
            total: self.energies.iter().sum::<f32>() / WINDOW as f32,
            newest: self.energies[0] / BLOCK as f32,
            ..Spectrum::default()
        };
        for tone in 0..8 {
            let window = self.sums.iter().fold(Complex::default(), |sum, block| sum.plus(block[tone]));
            let turn = window.times(self.previous[tone].conjugate()).angle();
            let offset_hz = turn / TAU * hal::sample::RATE as f32 / BLOCK as f32;
            // A sine of amplitude a sums to a/2 per sample; its mean square is a*a/2.
            let nominal = 2.0 * window.power() / (WINDOW * WINDOW) as f32;
            let offset = offset_hz / TONES[tone];
            spectrum.tones[tone] = Measured { power: nominal / droop(offset_hz), nominal, offset };
            self.previous[tone] = window;
        }
        spectrum
    }
}

/// What a rectangular window leaves of the power of a tone that is off by so many Hz. Beyond half of
/// the main lobe there is nothing to be corrected.
pub(crate) fn droop(offset_hz: f32) -> f32 {
    let turns = (offset_hz * WINDOW as f32 / hal::sample::RATE as f32).abs().min(0.7);
    if turns < 1e-3 {
        return 1.0;
    }
    let angle = core::f32::consts::PI * turns;
    (angle.sin() / angle).powi(2)
}
