//! Tells the play: plain lines for people, or the same things as JSON lines for programs.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::ledger::{Balance, Kind, Ledger, Row, shown};

/// Between two pulses.
const PULSE: Duration = Duration::from_millis(500);

/// Where and how the play is told.
#[derive(Debug)]
pub(crate) struct Teller {
    json: bool,
    start: Instant,
    scene: u8,
    pulsed: Option<Instant>,
    ledger: Ledger,
}

impl Teller {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, start: Instant::now(), scene: 0, pulsed: None, ledger: Ledger::default() }
    }

    /// A scene begins.
    pub(crate) fn scene(&mut self, number: u8, title: &str) {
        self.scene = number;
        self.tell("scene", title, &format!("\n[{number}] {title}"));
    }

    /// Something was done or happened.
    pub(crate) fn step(&self, text: &str) {
        self.tell("step", text, &format!("    {:>6}  {text}", shown(self.start.elapsed())));
    }

    /// A drawing, for people only.
    pub(crate) fn drawing(&self, text: &str) {
        if !self.json {
            self.line(text);
        }
    }

    /// Is it time to say how everything is? Only programs are told, and only so often.
    pub(crate) fn wants_pulse(&self) -> bool {
        self.json && self.pulsed.is_none_or(|at| at.elapsed() >= PULSE)
    }

    /// How everything is, and since when flows are to be judged the next time.
    pub(crate) fn pulse(&mut self, mut pulse: Value) {
        pulse["event"] = "pulse".into();
        pulse["t_ms"] = self.t_ms().into();
        self.object(&pulse);
        self.pulsed = Some(Instant::now());
    }

    /// When the last pulse was.
    pub(crate) fn pulsed_at(&self) -> Instant {
        self.pulsed.unwrap_or(self.start)
    }

    /// A behaviour that was promised.
    pub(crate) fn must(&mut self, what: &str, promised: &str, measured: impl Into<String>, held: bool) {
        self.enter(Row::must(self.scene, what, promised, measured.into(), held));
    }

    /// A time that was promised.
    pub(crate) fn within(&mut self, what: &str, limit: Duration, took: Duration) {
        self.enter(Row::within(self.scene, what, limit, took));
    }

    /// How it stands so far.
    pub(crate) fn balance(&self) -> Balance {
        self.ledger.balance()
    }

    /// The table and the last word.
    pub(crate) fn end(&self, strict: bool) {
        let balance = self.balance();
        let holds = balance.holds(strict);
        if self.json {
            return self.object(&json!({
                "event": "end", "t_ms": self.t_ms(), "held": holds, "strict": strict,
                "balance": balance, "rows": self.ledger.rows(),
            }));
        }
        self.line(&format!("\n{}", self.ledger.table()));
        let Balance { rows, behaviours_broken, times_missed } = balance;
        self.line(&format!(
            "  {rows} promises: {behaviours_broken} broken, {times_missed} late. {}",
            if holds { "Held." } else { "NOT held." }
        ));
    }

    fn enter(&mut self, row: Row) {
        if self.json {
            self.object(&Measured { event: "measured", t_ms: self.t_ms(), row: &row });
        } else {
            let mark = match (row.held, row.kind) {
                (true, Kind::Behaviour | Kind::Time) => "ok  ",
                (false, Kind::Behaviour) => "NO  ",
                (false, Kind::Time) => "late",
            };
            self.line(&format!("      {mark}  {}: {} (promised: {})", row.what, row.measured, row.promised));
        }
        self.ledger.enter(row);
    }

    fn tell(&self, event: &str, text: &str, plain: &str) {
        if self.json {
            self.object(&json!({ "event": event, "t_ms": self.t_ms(), "scene": self.scene, "text": text }));
        } else {
            self.line(plain);
        }
    }

    fn t_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn object(&self, object: &impl Serialize) {
        self.line(&serde_json::to_string(object).expect("these objects have only string keys"));
    }

    fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // A reader that went away does not stop the play: its cleanup matters more.
        writeln!(out, "{text}").and_then(|()| out.flush()).ok();
    }
}

#[derive(Serialize)]
struct Measured<'a> {
    event: &'static str,
    t_ms: u64,
    #[serde(flatten)]
    row: &'a Row,
}
