//! The three kinds of time of the box, kept apart by type.
//!
//! * [`Tick`]: deadlines and ages, `CLOCK_BOOTTIME`, runs on in suspend, starts at 0 with the kernel.
//! * [`Wall`]: stamps for people; absent until the clock is believed (NTP).
//! * The card's 8 kHz sample counter lives with the card's events, not here.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds of `CLOCK_BOOTTIME`. Comparable only within one kernel boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The instant the kernel started.
    pub const ZERO: Self = Self(0);

    /// Time since `earlier`; zero if `earlier` lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, after: Duration) -> Self {
        let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(ms))
    }
}

impl Sub<Duration> for Tick {
    type Output = Self;

    fn sub(self, before: Duration) -> Self {
        let ms = u64::try_from(before.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(ms))
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, from a clock that was believed when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub u64);

/// The time of one turn of the loop: read once, handed to every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// For deadlines and ages.
    pub tick: Tick,
    /// For stamps; `None` until the clock is believed.
    pub wall: Option<Wall>,
}

impl Now {
    /// A `Now` without a believed wall clock.
    #[must_use]
    pub const fn at(tick: Tick) -> Self {
        Self { tick, wall: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_from_the_future_is_no_time_ago() {
        assert_eq!(Tick(5).since(Tick(9)), Duration::ZERO);
        assert_eq!(Tick(9).since(Tick(5)), Duration::from_millis(4));
    }

    #[test]
    fn adding_an_endless_duration_saturates() {
        assert_eq!(Tick(1) + Duration::MAX, Tick(u64::MAX));
        assert_eq!(Tick(1) - Duration::MAX, Tick::ZERO);
    }
}
