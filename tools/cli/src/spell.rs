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
