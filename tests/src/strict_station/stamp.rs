//! `HH:MM:SS,MM-DD-YYYY` in UTC, counted out year by year.

/// Seconds since 1970 of a stamp; `None` unless every field is as the standard has it.
pub(super) fn read(text: &str) -> Option<i64> {
    let shape = text.len() == 19
        && text.bytes().enumerate().all(|(place, octet)| match place {
            2 | 5 => octet == b':',
            8 => octet == b',',
            11 | 14 => octet == b'-',
            _ => octet.is_ascii_digit(),
        });
    if !shape {
        return None;
    }
    let field = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (hour, minute, second) = (field(0, 2)?, field(3, 5)?, field(6, 8)?);
    let (month, day, year) = (field(9, 11)?, field(12, 14)?, field(15, 19)?);
    let fits = hour < 24 && minute < 60 && second < 60 && year >= 1970 && (1..=12).contains(&month);
    if !fits || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let days: i64 = (1970..year).map(days_of).sum::<i64>()
        + (1..month).map(|month| days_in(year, month)).sum::<i64>()
        + day
        - 1;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// The stamp of a second since 1970.
pub(super) fn write(seconds: i64) -> String {
    let (mut days, rest) = (seconds.max(0) / 86_400, seconds.max(0) % 86_400);
    let (mut year, mut month) = (1970, 1);
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{hour:02}:{minute:02}:{second:02},{month:02}-{:02}-{year:04}", days + 1)
}

const fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64) -> i64 {
    if leap(year) { 366 } else { 365 }
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_read_and_written() {
        for (seconds, text) in [
            (0, "00:00:00,01-01-1970"),
            (951_782_400, "00:00:00,02-29-2000"),
            (1_758_730_801, "16:20:01,09-24-2025"),
        ] {
            assert_eq!(read(text), Some(seconds));
            assert_eq!(write(seconds), text);
        }
        for wrong in
            ["24:00:00,01-01-2020", "0:00:00,01-01-2020", "00:00:00,02-29-2023", "00:00:60,01-01-2020"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
