//! When to try again: doubling, with full jitter, so that a fleet does not return in one instant.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// A connection that lasted this long was a good one.
const GOOD: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Backoff {
    ceiling: Duration,
    since: Option<Instant>,
    entropy: RandomState,
    drawn: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { ceiling: SHORTEST, since: None, entropy: RandomState::new(), drawn: 0 }
    }
}

impl Backoff {
    pub(super) const fn connected(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// How long to wait; never nothing.
    pub(super) fn lost(&mut self, now: Instant) -> Duration {
        if self.since.take().is_some_and(|since| now - since >= GOOD) {
            self.ceiling = SHORTEST;
        }
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(LONGEST);
        Duration::from_millis(1) + ceiling.mul_f64(self.draw())
    }

    /// From 0 to 1.
    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        let mut hasher = self.entropy.build_hasher();
        hasher.write_u64(self.drawn);
        f64::from(u32::try_from(hasher.finish() >> 32).expect("32 bits are left")) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_spread_out_and_a_good_connection_begins_anew() {
        let mut backoff = Backoff::default();
        let start = Instant::now();
        let waits: Vec<_> = (0..200).map(|_| backoff.lost(start)).collect();
        assert!(waits[0] <= SHORTEST + Duration::from_millis(1));
        assert!(waits.iter().all(|w| !w.is_zero() && *w <= LONGEST + Duration::from_millis(1)));
        assert!(waits.iter().any(|w| *w > LONGEST / 2), "it reaches far");
        assert!(waits[10..].iter().any(|w| *w < LONGEST / 2), "and is spread");

        backoff.connected(start);
        assert!(backoff.lost(start + GOOD) <= SHORTEST + Duration::from_millis(1));
    }
}
