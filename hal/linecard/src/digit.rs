//! Notices that somebody dials over a tone that is played, so that the tone can stop at once.
//!
//! It refuses to say which digit it was: that is the host's ear, which hears the same audio.

use crate::BLOCK;
use crate::sine::sine;

/// Listens in windows of two blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct DigitWatch {
    /// The last two values of each resonator, low group first.
    resonators: [[f32; 2]; 8],
    blocks: u8,
}

impl DigitWatch {
    /// Whether the window that ends with this block holds one frequency of each group.
    pub(crate) fn hears_digit(&mut self, block: &[i16; BLOCK]) -> bool {
        for ([newest, before], coefficient) in self.resonators.iter_mut().zip(COEFFICIENTS) {
            for sample in block {
                let value = f32::from(*sample) + coefficient * *newest - *before;
                (*before, *newest) = (*newest, value);
            }
        }
        self.blocks += 1;
        if usize::from(self.blocks) * BLOCK < WINDOW {
            return false;
        }
        let powers = self.powers();
        *self = Self::default();
        let (low, high) = powers.split_at(4);
        match (single(low), single(high)) {
            (Some(low), Some(high)) => low < high * MAX_TWIST && high < low * MAX_TWIST,
            (None, _) | (_, None) => false,
        }
    }

    fn powers(&self) -> [f32; 8] {
        core::array::from_fn(|n| {
            let [newest, before] = self.resonators[n];
            newest * newest + before * before - COEFFICIENTS[n] * newest * before
        })
    }
}

/// The power of the one frequency that stands out of its group.
fn single(group: &[f32]) -> Option<f32> {
    let loudest = group.iter().copied().fold(0.0, f32::max);
    let rivals = group.iter().filter(|power| **power * MIN_LEAD > loudest).count();
    (loudest > MIN_POWER && rivals == 1).then_some(loudest)
}

/// 20 ms: narrow enough to keep 440 Hz out of the lowest group, short enough for a 40 ms digit.
const WINDOW: usize = 2 * BLOCK;

/// -36 dBm0 in a window: a peak of 361 times half of its samples, squared.
const MIN_POWER: f32 = (361.0 * WINDOW as f32 / 2.0) * (361.0 * WINDOW as f32 / 2.0);

/// 6 dB over every other frequency of the group.
const MIN_LEAD: f32 = 4.0;

/// 12 dB between the groups.
const MAX_TWIST: f32 = 16.0;

/// ITU-T Q.23.
const FREQUENCIES: [f64; 8] = [697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0];

/// Twice the cosine of each frequency's step.
const COEFFICIENTS: [f32; 8] = coefficients();

const fn coefficients() -> [f32; 8] {
    let mut table = [0.0; 8];
    let mut n = 0;
    while n < table.len() {
        table[n] = (2.0 * sine(FREQUENCIES[n] / 8_000.0 + 0.25)) as f32;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sine::Oscillator;

    /// Whether 50 ms of these tones are noticed.
    fn noticed(tones: &[(u16, i8)]) -> bool {
        let mut sources = [Oscillator::default(); 4];
        for (source, (hertz, level)) in sources.iter_mut().zip(tones) {
            source.set(*hertz, *level);
        }
        let mut watch = DigitWatch::default();
        let mut block =
            || core::array::from_fn(|_| sources.iter_mut().map(Oscillator::next).sum::<i32>() as i16);
        (0..5).any(|_| watch.hears_digit(&block()))
    }

    #[test]
    fn every_digit_is_noticed_loud_and_faint() {
        for low in [697, 770, 852, 941] {
            for high in [1_209, 1_336, 1_477, 1_633] {
                for level in [-3, -20, -30] {
                    assert!(noticed(&[(low, level), (high, level)]), "{low} + {high} at {level}");
                }
            }
        }
    }

    #[test]
    fn the_echo_of_call_tones_is_no_digit() {
        assert!(!noticed(&[]));
        assert!(!noticed(&[(350, -10), (440, -10)]));
        assert!(!noticed(&[(480, -10), (620, -10)]));
        assert!(!noticed(&[(1_400, -11)]));
        assert!(!noticed(&[(697, -10)]));
        assert!(!noticed(&[(697, -10), (770, -10), (1_209, -10)]));
    }

    #[test]
    fn a_digit_over_the_echo_of_dial_tone_is_noticed() {
        assert!(noticed(&[(350, -22), (440, -22), (941, -20), (1_336, -18)]));
    }
}
