//! Numbers as people say them.

/// `350 ms`, `12 s`, `3 min 20 s`, `5 h 3 min`, `4 d 2 h`.
pub(crate) fn age(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        86_400.. => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `9.430 s`: offsets within a call, to the millisecond.
pub(crate) fn offset(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// `2026-03-01 14:02:11.123 UTC`, of milliseconds since 1970.
pub(crate) fn utc(ms: u64) -> String {
    let (days, s) = (ms / 86_400_000, ms / 1_000 % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (s / 3_600, s / 60 % 60, s % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:03} UTC", ms % 1_000)
}

/// Of days since 1970, counted from a March 1st so that the leap day ends a year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (next_year, month_of_year) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    (era * 400 + year + next_year, month_of_year, day - (153 * month + 2) / 5 + 1)
}

/// Minutes of `90m`, `2h`, `1h30m`, `1d`.
pub(crate) fn minutes(text: &str) -> Result<u16, String> {
    let wrong = || format!("{text:?} is no time: write 90m, 2h or 1h30m");
    let mut minutes = 0_u16;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u16 = rest.get(..end).and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
        let unit = rest.get(end..=end).ok_or_else(wrong)?;
        let each = match unit {
            "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            _ => return Err(wrong()),
        };
        minutes = count.checked_mul(each).and_then(|more| minutes.checked_add(more)).ok_or_else(wrong)?;
        rest = rest.get(end + 1..).unwrap_or("");
    }
    (minutes > 0).then_some(minutes).ok_or_else(wrong)
}

/// Binary units, one decimal from KiB on.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [("GiB", 30_u32), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes >= 1 << shift);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(name, shift)| format!("{:.1} {name}", bytes as f64 / (1_u64 << shift) as f64),
    )
}

/// `1 record`, `2 records`.
pub(crate) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A round trip given in microseconds.
pub(crate) fn round_trip(us: u64) -> String {
    if us < 10_000 { format!("{:.1} ms", us as f64 / 1_000.0) } else { format!("{} ms", us / 1_000) }
}

/// The first number of `/proc/uptime`: seconds since the kernel started, suspended ones included.
pub(crate) fn uptime_ms(text: &str) -> Option<u64> {
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then_some((seconds * 1_000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        let cases = [
            (0, "0 ms"),
            (350, "350 ms"),
            (59_999, "59 s"),
            (200_000, "3 min 20 s"),
            (18_180_000, "5 h 3 min"),
            (360_000_000, "4 d 4 h"),
        ];
        for (ms, words) in cases {
            assert_eq!(age(ms), words);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00:00.000 UTC"),
            (951_782_399_999, "2000-02-28 23:59:59.999 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00.000 UTC"),
            (1_709_251_200_000, "2024-03-01 00:00:00.000 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000 UTC"),
        ];
        for (ms, text) in cases {
            assert_eq!(utc(ms), text);
        }
    }

    #[test]
    fn times_are_minutes_hours_and_days() {
        let cases = [("90m", 90), ("2h", 120), ("1h30m", 90), ("1d", 1_440)];
        for (text, expected) in cases {
            assert_eq!(minutes(text), Ok(expected));
        }
        for wrong in ["", "0m", "2", "h", "2x", "-2h", "2 h", "99999h", "2h\u{e4}"] {
            assert!(minutes(wrong).is_err_and(|why| why.contains("90m")), "{wrong:?}");
        }
    }

    #[test]
    fn sizes_counts_and_round_trips() {
        assert_eq!([bytes(1023), bytes(1536), bytes(64 << 20)], ["1023 B", "1.5 KiB", "64.0 MiB"]);
        assert_eq!([count(1, "record"), count(0, "record")], ["1 record", "0 records"]);
        assert_eq!([round_trip(1_240), round_trip(38_200)], ["1.2 ms", "38 ms"]);
    }

    #[test]
    fn uptime_is_the_first_number() {
        assert_eq!(uptime_ms("5021.37 9000.00\n"), Some(5_021_370));
        assert_eq!([uptime_ms(""), uptime_ms("x"), uptime_ms("-1 2"), uptime_ms("inf 2")], [None; 4]);
    }
}
