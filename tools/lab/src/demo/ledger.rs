//! What was promised, what was measured, and whether it held. Pure.
//!
//! A behaviour that did not hold fails the demo; a time that was missed is marked, and fails it
//! only when the caller is strict.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Must hold.
    Behaviour,
    /// Depends on how busy this machine is.
    Time,
}

/// A promise and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) scene: u8,
    pub(crate) what: String,
    pub(crate) kind: Kind,
    pub(crate) promised: String,
    pub(crate) measured: String,
    pub(crate) held: bool,
}

impl Row {
    /// A behaviour.
    pub(crate) fn must(scene: u8, what: &str, promised: &str, measured: String, held: bool) -> Self {
        let (what, promised) = (what.to_owned(), promised.to_owned());
        Self { scene, what, kind: Kind::Behaviour, promised, measured, held }
    }

    /// A time that is not to be exceeded.
    pub(crate) fn within(scene: u8, what: &str, limit: Duration, took: Duration) -> Self {
        Self {
            scene,
            what: what.to_owned(),
            kind: Kind::Time,
            promised: format!("<= {}", shown(limit)),
            measured: shown(took),
            held: took <= limit,
        }
    }
}

/// All rows of a performance.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rows: Vec<Row>,
}

/// How a performance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Balance {
    pub(crate) rows: usize,
    pub(crate) behaviours_broken: usize,
    pub(crate) times_missed: usize,
}

impl Balance {
    /// Does the demo succeed?
    pub(crate) const fn holds(self, strict: bool) -> bool {
        self.rows > 0 && self.behaviours_broken == 0 && (!strict || self.times_missed == 0)
    }
}

impl Ledger {
    pub(crate) fn enter(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn balance(&self) -> Balance {
        let broken = |kind| self.rows.iter().filter(|row| row.kind == kind && !row.held).count();
        Balance {
            rows: self.rows.len(),
            behaviours_broken: broken(Kind::Behaviour),
            times_missed: broken(Kind::Time),
        }
    }

    /// The table, for people.
    pub(crate) fn table(&self) -> String {
        let width = |cell: fn(&Row) -> &str, title: &str| {
            self.rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0).max(title.len())
        };
        let what = width(|row| &row.what, "what");
        let promised = width(|row| &row.promised, "promised");
        let measured = width(|row| &row.measured, "measured");
        let mut text =
            format!("  scene  {:what$}  {:promised$}  {:measured$}  held\n", "what", "promised", "measured");
        writeln!(text, "  {}", "-".repeat(what + promised + measured + 17))
            .expect("a String takes every write");
        for row in &self.rows {
            writeln!(
                text,
                "  {:>5}  {:what$}  {:promised$}  {:measured$}  {}",
                row.scene,
                row.what,
                row.promised,
                row.measured,
                verdict(row)
            )
            .expect("a String takes every write");
        }
        text
    }
}

const fn verdict(row: &Row) -> &'static str {
    match (row.held, row.kind) {
        (true, Kind::Behaviour | Kind::Time) => "yes",
        (false, Kind::Behaviour) => "NO",
        (false, Kind::Time) => "late",
    }
}

/// A duration as people read it: three digits are enough.
pub(crate) fn shown(duration: Duration) -> String {
    let us = duration.as_micros();
    match us {
        0..1_000 => format!("{us} us"),
        1_000..10_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        10_000..1_000_000 => format!("{:.0} ms", duration.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(held: bool) -> Row {
        Row::must(1, "order kept", "always", "never".to_owned(), held)
    }

    fn time(took_ms: u64) -> Row {
        Row::within(1, "gap", Duration::from_secs(1), Duration::from_millis(took_ms))
    }

    fn holds(rows: &[Row], strict: bool) -> bool {
        let mut ledger = Ledger::default();
        rows.iter().cloned().for_each(|row| ledger.enter(row));
        ledger.balance().holds(strict)
    }

    #[test]
    fn a_broken_behaviour_fails_a_missed_time_only_when_strict() {
        assert!(holds(&[behaviour(true), time(900)], true));
        assert!(holds(&[behaviour(true), time(1100)], false));
        assert!(!holds(&[behaviour(true), time(1100)], true));
        assert!(!holds(&[behaviour(false), time(900)], false));
    }

    #[test]
    fn a_performance_without_promises_proves_nothing() {
        assert!(!holds(&[], false));
    }

    #[test]
    fn the_table_says_which_rows_did_not_hold() {
        let mut ledger = Ledger::default();
        [behaviour(true), behaviour(false), time(2500)].into_iter().for_each(|row| ledger.enter(row));
        let table = ledger.table();
        let ends: Vec<&str> = table.lines().skip(2).map(|line| line.rsplit("  ").next().unwrap()).collect();
        assert_eq!(ends, ["yes", "NO", "late"]);
        assert!(table.contains("<= 1.0 s") && table.contains("2.5 s"), "{table}");
    }

    #[test]
    fn durations_have_the_digits_that_matter() {
        let of = |us| shown(Duration::from_micros(us));
        assert_eq!([of(7), of(1_500), of(20_400), of(1_250_000)], ["7 us", "1.5 ms", "20 ms", "1.2 s"]);
    }
}
