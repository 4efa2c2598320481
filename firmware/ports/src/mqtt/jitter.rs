//! Full jitter: a thousand boxes that lost the same broker must not come back together.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(60);
const SHORTEST: Duration = Duration::from_millis(50);

/// The time until the next attempt is anything up to a bound that doubles.
pub(super) struct Jitter {
    bound: Duration,
    random: u64,
}

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self { bound: FIRST, random: seed }
    }

    pub(super) const fn reset(&mut self) {
        self.bound = FIRST;
    }

    pub(super) fn draw(&mut self) -> Duration {
        let bound = self.bound;
        self.bound = if bound == FIRST { Duration::from_secs(1) } else { (bound * 2).min(LONGEST) };
        let share = u128::from(self.next() >> 32);
        let ms = u64::try_from((bound.as_millis() * share) >> 32).unwrap_or(u64::MAX);
        Duration::from_millis(ms).max(SHORTEST)
    }

    /// splitmix64.
    const fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_retry_is_fast_and_later_ones_fill_a_minute() {
        let mut jitter = Jitter::new(3);
        let mut longest = Duration::ZERO;
        for bound_ms in [200, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000] {
            let drawn = jitter.draw();
            assert!(drawn <= Duration::from_millis(bound_ms) && drawn >= SHORTEST, "{drawn:?} of {bound_ms}");
            longest = longest.max(drawn);
        }
        assert!(longest > Duration::from_secs(10), "{longest:?}");
        jitter.reset();
        assert!(jitter.draw() <= FIRST);
    }
}
