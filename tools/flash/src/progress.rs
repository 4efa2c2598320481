//! How far the cards are: lines that are drawn anew on a terminal, now and then a line elsewhere.

use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

use holdfast_flash::card::Phase;
use holdfast_flash::words::{clock, size};

use crate::voice::{Voice, word};

/// On a terminal and for programs.
const OFTEN: Duration = Duration::from_millis(500);

/// In a log.
const SELDOM: Duration = Duration::from_secs(10);

/// How far all cards are.
pub(crate) struct Progress {
    rows: Vec<Row>,
    of: u64,
    voice: Voice,
    terminal: bool,
    drawn: bool,
    last: Instant,
}

struct Row {
    name: String,
    phase: Phase,
    bytes: u64,
    since: Instant,
    told: Option<Phase>,
}

impl Progress {
    /// Nothing is written yet of so many bytes a card.
    pub(crate) fn new(names: &[String], of: u64, voice: Voice, now: Instant) -> Self {
        let row = |name: &String| Row {
            name: name.clone(),
            phase: Phase::Writing,
            bytes: 0,
            since: now,
            told: None,
        };
        let terminal = !voice.json && io::stderr().is_terminal();
        Self { rows: names.iter().map(row).collect(), of, voice, terminal, drawn: false, last: now }
    }

    /// A card is so far.
    pub(crate) fn at(&mut self, card: usize, phase: Phase, bytes: u64, now: Instant) {
        let row = &mut self.rows[card];
        if row.phase != phase {
            row.since = now;
        }
        (row.phase, row.bytes) = (phase, bytes);
        self.tell(now);
    }

    fn tell(&mut self, now: Instant) {
        let every = if self.terminal || self.voice.json { OFTEN } else { SELDOM };
        let due = now.duration_since(self.last) >= every;
        if !due && self.rows.iter().all(|row| row.told == Some(row.phase)) {
            return;
        }
        self.last = now;
        if self.terminal {
            self.draw(now);
            return;
        }
        for row in self.rows.iter_mut().filter(|row| due || row.told != Some(row.phase)) {
            row.told = Some(row.phase);
            self.voice.progress(&row.name, row.phase, row.bytes, self.of);
            if !self.voice.json {
                eprintln!("{}", row.line(self.of, now));
            }
        }
    }

    fn draw(&mut self, now: Instant) {
        let mut text = if self.drawn { format!("\x1b[{}A", self.rows.len()) } else { String::new() };
        for row in &mut self.rows {
            row.told = Some(row.phase);
            text += &format!("\r\x1b[K{}\n", row.line(self.of, now));
        }
        self.drawn = true;
        io::stderr().write_all(text.as_bytes()).unwrap_or_default();
    }
}

impl Row {
    fn line(&self, of: u64, now: Instant) -> String {
        let percent = if of == 0 { 100 } else { u128::from(self.bytes.min(of)) * 100 / u128::from(of) };
        let millis = now.duration_since(self.since).as_millis().max(1);
        let rate = u64::try_from(u128::from(self.bytes) * 1000 / millis).unwrap_or(u64::MAX);
        let left = of.saturating_sub(self.bytes).checked_div(rate);
        let left = left.map_or_else(String::new, |s| format!("  {} left", clock(Duration::from_secs(s))));
        match self.phase {
            Phase::Writing | Phase::Verifying => {
                format!("{}  {:9} {percent:3} %  {:>9}/s{left}", self.name, word(self.phase), size(rate))
            }
            Phase::Rewriting | Phase::Sealing => format!("{}  {}", self.name, word(self.phase)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(phase: Phase, bytes: u64, of: u64, seconds: u64) -> String {
        let since = Instant::now();
        let row = Row { name: "sdb".to_owned(), phase, bytes, since, told: None };
        row.line(of, since + Duration::from_secs(seconds))
    }

    #[test]
    fn a_line_tells_percent_rate_and_what_is_left() {
        let text = line(Phase::Writing, 250_000_000, 1_000_000_000, 10);
        assert_eq!(text, "sdb  writing    25 %    25.0 MB/s  0:30 left");
    }

    #[test]
    fn a_card_that_stands_still_promises_no_time() {
        assert_eq!(line(Phase::Verifying, 0, 1_000, 10), "sdb  verifying   0 %        0 B/s");
    }

    #[test]
    fn odd_numbers_are_lived_with() {
        assert!(line(Phase::Writing, 5, 0, 0).contains("100 %"));
        assert!(line(Phase::Writing, u64::MAX, 1, 0).contains("100 %"));
        assert_eq!(line(Phase::Sealing, 0, 1, 0), "sdb  sealing");
    }
}
