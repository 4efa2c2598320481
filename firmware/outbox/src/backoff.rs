//! Waiting longer each time, never in step with other boxes.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Doubles from `shortest` to `longest`; each draw adds up to half of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backoff {
    shortest: Duration,
    longest: Duration,
    next: Duration,
    random: u64,
}

impl Backoff {
    pub(crate) const fn new(shortest: Duration, longest: Duration, seed: u64) -> Self {
        Self { shortest, longest, next: shortest, random: seed }
    }

    pub(crate) fn draw(&mut self) -> Duration {
        let drawn = self.same();
        self.grow();
        drawn
    }

    /// A draw after which the next one is no longer.
    pub(crate) fn same(&mut self) -> Duration {
        self.next + self.next.mul_f64(self.fraction() / 2.0)
    }

    pub(crate) fn grow(&mut self) {
        self.next = self.next.saturating_mul(2).min(self.longest);
    }

    pub(crate) const fn reset(&mut self) {
        self.next = self.shortest;
    }

    /// In 0..1, by splitmix64.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits are left")) / 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_within_its_bounds_and_begins_again_after_a_reset() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8), 7);

        let drawn: Vec<u64> = (0..6).map(|_| backoff.draw().as_secs()).collect();
        backoff.reset();

        for (seconds, base) in drawn.iter().zip([1, 2, 4, 8, 8, 8]) {
            assert!((base..=base + base / 2).contains(seconds), "{drawn:?}");
        }
        assert!(backoff.draw() < Duration::from_millis(1_500));
    }

    #[test]
    fn two_boxes_do_not_wait_in_step() {
        let of = |seed| Backoff::new(Duration::from_secs(30), Duration::from_secs(60), seed).draw();
        assert_ne!(of(1), of(2));
    }
}
