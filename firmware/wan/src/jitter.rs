//! The machine's only entropy: a seeded sequence, so that the same seed and events give the same probes.
//!
//! Not for secrets: it only keeps the links of many boxes from probing in step.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Probe times vary by this much, per mille either way.
const SPREAD_PERMILLE: u64 = 100;

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A factor for the next interval, per mille: 900..=1100.
    pub(crate) fn draw(&mut self) -> Permille {
        let spread = self.next() % (2 * SPREAD_PERMILLE + 1);
        Permille(u16::try_from(1000 - SPREAD_PERMILLE + spread).expect("at most 1100"))
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A factor in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permille(u16);

impl Permille {
    pub(crate) const ONE: Self = Self(1000);

    pub(crate) fn of(self, whole: Duration) -> Duration {
        whole.saturating_mul(u32::from(self.0)) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_tenth_and_reaches_both_ends() {
        let mut jitter = Jitter::new(7);
        let drawn: Vec<u16> = (0..5_000).map(|_| jitter.draw().0).collect();

        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&900), Some(&1100)));
    }

    #[test]
    fn a_factor_is_taken_of_the_whole() {
        assert_eq!(Permille(1100).of(Duration::from_millis(200)), Duration::from_millis(220));
        assert_eq!(Permille::ONE.of(Duration::from_millis(50)), Duration::from_millis(50));
    }
}
