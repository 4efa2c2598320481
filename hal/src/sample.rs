//! The card's time: 8,000 samples a second, counted by the line card, wrapping after six days.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Samples a second of every line.
pub const RATE: u32 = 8_000;

/// A moment of a line, as the card counts it. Comparable only with moments less than three days away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sample(pub u32);

impl Sample {
    /// So much later (whole samples; at most three days).
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.wrapping_add(count(later)))
    }

    /// How long after `earlier`; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let samples = self.0.wrapping_sub(earlier.0);
        if samples > u32::MAX / 2 {
            return Duration::ZERO;
        }
        Duration::from_micros(u64::from(samples) * 125)
    }

    /// `self` is later than `other`.
    #[must_use]
    pub const fn is_after(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0);
        ahead != 0 && ahead <= u32::MAX / 2
    }
}

/// How many samples a time has; saturates at half of the counter's range.
fn count(time: Duration) -> u32 {
    let samples = time.as_micros() / 125;
    u32::try_from(samples).unwrap_or(u32::MAX).min(u32::MAX / 2)
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_wraps_without_time_running_backwards() {
        let late = Sample(u32::MAX - 7);
        let wrapped = late.after(Duration::from_millis(2));
        assert_eq!(wrapped, Sample(8));
        assert_eq!(wrapped.since(late), Duration::from_millis(2));
        assert_eq!(late.since(wrapped), Duration::ZERO);
        assert!(wrapped.is_after(late) && !late.is_after(wrapped) && !late.is_after(late));
    }
}
