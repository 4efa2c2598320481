//! Times and sizes as people write them: a whole number and its unit.

use std::time::Duration;

const TIMES: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// `200ms`, `3s`, `5m`, `1h`; `None` for anything else.
pub(crate) fn time(text: &str) -> Option<Duration> {
    amount(text, &TIMES).map(Duration::from_millis)
}

/// `64MiB`, `512KiB`, `2GiB`, `100B`; `None` for anything else.
pub(crate) fn size(text: &str) -> Option<u64> {
    amount(text, &SIZES)
}

/// A time as a file would write it, in the largest unit that keeps it whole: `24h`, `90s`.
#[must_use]
pub fn spell_time(time: Duration) -> String {
    spell(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), &TIMES)
}

/// In the largest unit that keeps it whole.
pub(crate) fn spell_size(bytes: u64) -> String {
    spell(bytes, &SIZES)
}

fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn spell(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = |factor: u64| amount != 0 && amount % factor == 0;
    let unit = units.iter().find(|(_, factor)| fits(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", amount / factor),
        None => format!("0{}", if units[0].0 == "h" { "s" } else { "B" }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_a_whole_number_and_a_unit() {
        let cases = [
            ("200ms", Some(200)),
            ("3s", Some(3_000)),
            ("3 s", Some(3_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("0s", Some(0)),
            ("3", None),
            ("s", None),
            ("", None),
            ("-3s", None),
            ("1.5s", None),
            ("3sec", None),
            ("3S", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, millis) in cases {
            assert_eq!(time(text), millis.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        let cases = [
            ("64MiB", Some(64 << 20)),
            ("1KiB", Some(1024)),
            ("100B", Some(100)),
            ("64MB", None),
            ("64", None),
            ("99999999999GiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_spelled_as_nothing() {
        assert_eq!((spell_time(Duration::ZERO), spell_size(0)), ("0s".to_owned(), "0B".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_spelled_reads_back(amount in 0_u64..u64::MAX / 2) {
            let given = Duration::from_millis(amount);
            prop_assert_eq!(time(&spell_time(given)), Some(given));
            prop_assert_eq!(size(&spell_size(amount)), Some(amount));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = (time(&text), size(&text));
        }
    }
}
