//! The stamp behind a frame: `_HH:MM:SS,MM-DD-YYYY`, UTC.

use core::fmt;
use core::str::FromStr;

use hal::Wall;
use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z, as far as the frame can say them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A text that is no stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampError;

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stamp is HH:MM:SS,MM-DD-YYYY")
    }
}

impl core::error::Error for TimestampError {}

const DAY: i64 = 86_400;

impl Timestamp {
    /// The whole second of a wall time.
    #[must_use]
    pub fn of(wall: Wall) -> Self {
        Self(i64::try_from(wall.0 / 1000).unwrap_or(i64::MAX))
    }

    /// From seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// How far `self` is ahead of `other`, seconds; negative when behind.
    #[must_use]
    pub const fn ahead_of(self, other: Self) -> i64 {
        self.0 - other.0
    }

    /// Moved by so many seconds.
    #[must_use]
    pub const fn shifted(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// The day number of a date of the Gregorian calendar; years begin in March, so that the leap day is
/// the last of a year and months have a pattern of 153 days in five.
const fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// The date of a day number.
const fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{h:02}:{m:02}:{s:02},{month:02}-{day:02}-{year:04}")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let (time, date) = text.split_once(',').ok_or(TimestampError)?;
        let [hour, minute, second] = numbers(time, ':')?;
        let [month, day, year] = numbers(date, '-')?;
        // 60 is a leap second, which some receivers stamp.
        let fits = hour < 24 && minute < 60 && second <= 60;
        let fits = fits && (1..=12).contains(&month) && (1..=31).contains(&day) && year >= 1970;
        if !fits {
            return Err(TimestampError);
        }
        Ok(Self(day_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second))
    }
}

fn numbers(text: &str, separator: char) -> Result<[i64; 3], TimestampError> {
    let mut fields = text.split(separator).map(|field| {
        let digits = !field.is_empty() && field.len() <= 4 && field.bytes().all(|b| b.is_ascii_digit());
        if digits { field.parse().map_err(|_| TimestampError) } else { Err(TimestampError) }
    });
    let mut next = || fields.next().ok_or(TimestampError)?;
    let three = [next()?, next()?, next()?];
    if fields.next().is_some() { Err(TimestampError) } else { Ok(three) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_are_written_and_read() {
        for (seconds, text) in [
            (0, "00:00:00,01-01-1970"),
            (951_782_400, "00:00:00,02-29-2000"),
            (1_758_730_801, "16:20:01,09-24-2025"),
            (1_709_251_199, "23:59:59,02-29-2024"),
            (4_102_444_800, "00:00:00,01-01-2100"),
        ] {
            assert_eq!(Timestamp(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(seconds)));
        }
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        for text in [
            "",
            "16:20:01",
            "16:20,09-24-2025",
            "24:00:00,01-01-2020",
            "00:00:00,13-01-2020",
            "a:b:c,d-e-f",
            "00:00:00,01-01-2020-1",
            "+1:00:00,01-01-2020",
            "00:00:00,00-01-2020",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_of_four_centuries_is_read_back(seconds in 0i64..12_622_780_800) {
            let stamp = Timestamp(seconds);
            prop_assert_eq!(stamp.to_string().parse(), Ok(stamp));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,40}") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
