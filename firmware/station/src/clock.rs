//! The message clock of one station: our clock, corrected by the station's NAKs. Never the system's.

use core::time::Duration;

use hal::{Now, Tick};
use serde::{Deserialize, Serialize};
use station_wire::Timestamp;

/// A NAK that follows a correction so soon is not believed: two clocks that cannot agree must not
/// make a loop of frames.
const CORRECTED_AT_MOST_EVERY: Duration = Duration::from_secs(5);

/// How far the station is ahead of us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageClock {
    ahead: i64,
    corrected: Option<Tick>,
}

impl MessageClock {
    /// The stamp for a frame. Without a believed clock it counts from the kernel's start, which the
    /// station's NAK then corrects.
    pub(crate) fn stamp(self, now: Now) -> Timestamp {
        let seconds = i64::try_from(now.tick.0 / 1000).unwrap_or(i64::MAX);
        now.wall.map_or_else(|| Timestamp::from_seconds(seconds), Timestamp::of).shifted(self.ahead)
    }

    /// Takes the correction of a NAK; answers with the whole difference, if it was taken.
    pub(crate) fn correct(&mut self, ahead_of_stamp: i64, now: Tick) -> Option<i64> {
        if self.corrected.is_some_and(|at| now.since(at) < CORRECTED_AT_MOST_EVERY) {
            return None;
        }
        self.corrected = Some(now);
        self.ahead = self.ahead.saturating_add(ahead_of_stamp);
        Some(self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use hal::Wall;

    use super::*;

    #[test]
    fn a_box_that_does_not_know_the_time_learns_it_for_its_messages_only() {
        let mut clock = MessageClock::default();
        let now = Now::at(Tick(100_000));
        let theirs = Timestamp::from_seconds(1_758_730_801);
        assert_eq!(clock.stamp(now), Timestamp::from_seconds(100));

        assert!(clock.correct(theirs.ahead_of(clock.stamp(now)), now.tick).is_some());
        assert_eq!(clock.stamp(now), theirs);
        assert_eq!(clock.correct(3600, Tick(101_000)), None, "no loop of corrections");
    }

    #[test]
    fn a_believed_clock_is_the_base() {
        let clock = MessageClock::default();
        let now = Now { tick: Tick(5), wall: Some(Wall(1_000_000)) };
        assert_eq!(clock.stamp(now), Timestamp::from_seconds(1_000));
    }
}
