//! The alarm path's state: lines, stations, the signals between them, and what is kept of all that.
//!
//! ```text
//!  card events ──> lines ──signal──> signals.rs ──submit──> stations ──> frames
//!    (calls.rs)      ^                   │ evidence, record     │ (delivery.rs)
//!                    └────── delivered ──┴──────────────────────┘
//!  links (paths.rs) ──usable──> stations      conditions ──> voice.rs (the box's own signals)
//! ```
//! Every entry of the evidence is folded into `kept` as it leaves, so a restart knows what this run knew.

use std::collections::BTreeMap;

use core::time::Duration;

use evidence::At;
use hal::{LineId, Now, Tick};
use line::{Line, Profile};
use serde::{Deserialize, Serialize};
use station::{SignalKey, Stations};

use crate::on_test::Accounts;
use crate::paths::Paths;
use crate::voice::{Fault, Voice};
use crate::{Appliance, Command, Entry, Recovery, Setup, SignalEntry};

/// Signals without an acknowledgement: eight panels with a full memory each. A further one is not
/// taken, and its panel repeats it.
pub(crate) const MAX_UNDELIVERED: usize = 1000;

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    pub(crate) lines: BTreeMap<LineId, Line>,
    pub(crate) stations: Option<Stations>,
    pub(crate) paths: Paths,
    /// The fold of all evidence; its undelivered signals are those of this run.
    pub(crate) kept: Recovery,
    pub(crate) flights: BTreeMap<SignalKey, Flight>,
    pub(crate) accounts: Accounts,
    pub(crate) voice: Voice,
    /// Faults of line circuits that stand.
    pub(crate) line_faults: Vec<(LineId, String)>,
}

/// What only this run knows of an undelivered signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flight {
    pub(crate) since: Tick,
    pub(crate) attempts: u32,
}

impl Alarm {
    pub(crate) fn new(setup: &Setup, evidence: Recovery, now: Now) -> Self {
        let serves = setup.stations.is_some();
        let lines = setup.lines.iter().filter_map(|line| {
            let mut config = line.behaviour.clone()?;
            if !serves {
                // Nobody to report to: the panel hears reorder tone, and its line keeps its voltage.
                config.profile = Profile::Phone;
                config.withdraw_after = None;
            }
            let first = evidence.lines.get(&line.line).copied().unwrap_or(0);
            let mut machine = Line::new(config, first, now);
            remember(&mut machine, line.line, &evidence, now);
            Some((line.line, machine))
        });
        let stations = setup.stations.as_ref().map(|stations| {
            let mut config = stations.config.clone();
            for (id, station) in (0..).map(station::StationId).zip(&mut config.stations) {
                if let Some(next) = evidence.sequences.get(&id) {
                    station.first_sequence = *next;
                }
            }
            Stations::new(config, now)
        });
        let links = setup.stations.iter().flat_map(|s| s.config.links.iter().copied());
        Self {
            lines: lines.collect(),
            stations,
            paths: Paths::new(links, now.tick),
            flights: BTreeMap::new(),
            accounts: Accounts::recovered(&evidence.on_test, now),
            voice: Voice::recovered(setup, &evidence, now),
            line_faults: Vec::new(),
            kept: evidence,
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.lines.values_mut().for_each(|line| line.handle_timeout(now));
        if let Some(stations) = &mut self.stations {
            stations.handle_timeout(now);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        let lines = self.lines.values().filter_map(Line::poll_timeout);
        let stations = self.stations.as_ref().and_then(Stations::poll_timeout);
        let own = [
            stations,
            self.overdue_at(),
            self.paths.deadline(),
            self.accounts.deadline(),
            self.voice.deadline(),
        ];
        lines.chain(own.into_iter().flatten()).min()
    }

    /// An undelivered signal of this run or an earlier one.
    pub(crate) fn undelivered(&self, signal: SignalKey) -> Option<&SignalEntry> {
        self.kept.undelivered.iter().find(|open| open.signal == signal)
    }

    /// A panel's signal waits for longer than it should.
    pub(crate) fn is_overdue(&self, now: Tick) -> bool {
        self.oldest_of_a_panel().is_some_and(|since| since + SIGNAL_OVERDUE <= now)
    }

    /// When the oldest signal of a panel becomes overdue, unless that was noticed.
    fn overdue_at(&self) -> Option<Tick> {
        let at = self.oldest_of_a_panel()? + SIGNAL_OVERDUE;
        (!self.voice.is_present(Fault::Undelivered)).then_some(at)
    }

    /// Undelivered signals are kept oldest first. A silent one must not be noticed by what follows from it.
    fn oldest_of_a_panel(&self) -> Option<Tick> {
        let oldest = self.kept.undelivered.iter().find(|signal| signal.heard.is_some() && !signal.silent)?;
        self.flights.get(&oldest.signal).map(|flight| flight.since)
    }
}

/// What the panel of a line was not told about before the restart. A signal that was heard, but not kept
/// to its end when the power went, was never sent: it is heard anew.
fn remember(machine: &mut Line, line: LineId, evidence: &Recovery, now: Now) {
    let Some(wall) = now.wall else { return };
    let sent = |id| evidence.undelivered.iter().any(|signal| signal.heard == Some(id));
    let of_line = evidence.open.iter().filter(|open| open.signal.line == line);
    for open in of_line.filter(|open| open.delivered || sent(open.signal)) {
        // A clock that was set back makes it younger than it is: nothing is believed of the future.
        let Some(age_ms) = wall.0.checked_sub(open.heard_ms) else { continue };
        machine.restore(open.signal, &open.digits, Duration::from_millis(age_ms), now);
        if open.delivered {
            machine.handle(line::Event::Delivered { signal: open.signal }, now);
        }
    }
}

/// A panel's signal that is not delivered for so long is a failure to communicate (E354).
const SIGNAL_OVERDUE: Duration = Duration::from_secs(90);

impl Appliance {
    /// Hands an entry to the evidence.
    pub(crate) fn keep(&mut self, entry: Entry, now: Now) {
        self.alarm.kept.take(&entry, now.wall.map(|wall| wall.0));
        let at = At { boot: self.boot, tick_ms: now.tick.0, wall_ms: now.wall.map(|wall| wall.0) };
        self.commands.push_back(Command::Evidence { at, entry: Box::new(entry) });
    }

    pub(crate) fn line_name(&self, line: LineId) -> String {
        let named = self.setup.lines.iter().find(|l| l.line == line);
        named.map_or_else(|| line.to_string(), |l| l.name.clone())
    }
}
