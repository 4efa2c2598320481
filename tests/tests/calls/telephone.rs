//! A telephone with spandsp's panel in it: it dials, reports what it has, and hangs up.
//!
//! It believes only what it hears: dial tone, handshake, kiss-off, and the voltage of its line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use ata_sim::{Telephone, Turn};
use peers::spandsp::{DigitSender, Panel, Report};

/// What a telephone tells of itself.
pub(crate) enum Told {
    /// spandsp took a kiss-off for good.
    KissedOff { report: Report, at: Instant },
    /// It called so often for one report that it gave up.
    GaveUp { line: u8, report: Report },
    /// It has nothing left to report: everything that it heard and said off-hook.
    Finished { line: u8, heard: Vec<i16>, said: Vec<i16> },
}

/// A panel on a line.
pub(crate) struct Caller {
    line: u8,
    reports: VecDeque<Report>,
    go: Arc<AtomicBool>,
    tell: SyncSender<Told>,
    state: State,
    panel: Panel,
    /// Calls for the first of the reports.
    calls: u32,
    /// Reports in this call.
    reported: usize,
    heard: Vec<i16>,
    said: Vec<i16>,
}

enum State {
    /// On-hook for so many blocks more.
    Resting(u32),
    /// Off-hook; so many blocks of dial tone heard, so many altogether.
    Listening { tone: u32, blocks: u32 },
    /// The number.
    Dialling(DigitSender),
    /// The panel speaks, or waits, for so many blocks.
    Reporting { kiss_offs: u32, blocks: u32 },
    /// Told; the old timer of spandsp runs out.
    Pausing(u32),
    /// Nothing left.
    Finished,
}

/// Blocks of 10 ms.
const BLOCK: usize = 80;
/// Blocks of dial tone before it dials.
const DIAL_TONE: u32 = 30;
/// Blocks that it waits for dial tone, or for a kiss-off, before it hangs up.
const PATIENCE: u32 = 1_500;
/// Blocks on-hook between two calls.
const REST: u32 = 150;
/// Blocks after a kiss-off; see [`peers::spandsp`].
const OLD_TIMER: u32 = 20;
/// Reports of one call.
const REPORTS_A_CALL: usize = 5;
/// Calls for one report, as panels do.
const MAX_CALLS: u32 = 8;

impl Caller {
    pub(crate) fn new(line: u8, reports: Vec<Report>, go: Arc<AtomicBool>, tell: SyncSender<Told>) -> Self {
        Self {
            line,
            reports: reports.into(),
            go,
            tell,
            // Not all at once: their conversations lie at all phases of each other.
            state: State::Resting(10 + u32::from(line) * 70),
            panel: Panel::new().expect("libspandsp2 is installed"),
            calls: 0,
            reported: 0,
            heard: Vec::new(),
            said: Vec::new(),
        }
    }

    fn is_off_hook(&self) -> bool {
        !matches!(self.state, State::Resting(_) | State::Finished)
    }

    fn next(&mut self, heard: &[i16; BLOCK], feed: bool, said: &mut [i16; BLOCK]) -> State {
        match &mut self.state {
            State::Resting(left) if !feed || !self.go.load(Ordering::Relaxed) => State::Resting(*left),
            State::Resting(0) => self.lift(),
            State::Resting(left) => State::Resting(*left - 1),
            State::Listening { blocks: PATIENCE, .. } => self.hang_up(),
            State::Listening { tone: DIAL_TONE, .. } => {
                let mut digits = DigitSender::new(60, 60, -10, 0).expect("libspandsp2 is installed");
                digits.put("5550123");
                State::Dialling(digits)
            }
            State::Listening { tone, blocks } => {
                let sounds = heard.iter().any(|sample| sample.unsigned_abs() > 500);
                State::Listening { tone: *tone + u32::from(sounds), blocks: *blocks + 1 }
            }
            State::Dialling(digits) => {
                if digits.say(said) == 0 {
                    return self.report();
                }
                std::mem::replace(&mut self.state, State::Finished)
            }
            State::Reporting { kiss_offs, blocks } => {
                let (kiss_offs, blocks) = (*kiss_offs, *blocks);
                self.panel.hear(heard);
                self.panel.say(said);
                if self.panel.judgement().kiss_offs > kiss_offs {
                    return self.kissed_off();
                }
                if blocks == PATIENCE {
                    return self.hang_up();
                }
                State::Reporting { kiss_offs, blocks: blocks + 1 }
            }
            State::Pausing(0) if self.reported == REPORTS_A_CALL || self.reports.is_empty() => self.hang_up(),
            State::Pausing(0) => self.report(),
            State::Pausing(left) => {
                let left = *left;
                self.panel.hear(heard);
                self.panel.say(said);
                State::Pausing(left - 1)
            }
            State::Finished => State::Finished,
        }
    }

    fn lift(&mut self) -> State {
        self.panel = Panel::new().expect("libspandsp2 is installed");
        (self.calls, self.reported) = (self.calls + 1, 0);
        State::Listening { tone: 0, blocks: 0 }
    }

    fn report(&mut self) -> State {
        let Some(report) = self.reports.front() else { return self.hang_up() };
        assert!(self.panel.put(*report), "the panel takes {report:04X?}");
        State::Reporting { kiss_offs: self.panel.judgement().kiss_offs, blocks: 0 }
    }

    fn kissed_off(&mut self) -> State {
        let report = self.reports.pop_front().expect("it was being reported");
        (self.calls, self.reported) = (0, self.reported + 1);
        self.tell(Told::KissedOff { report, at: Instant::now() });
        State::Pausing(OLD_TIMER)
    }

    fn hang_up(&mut self) -> State {
        if self.calls == MAX_CALLS {
            let report = self.reports.pop_front().expect("it called for something");
            self.tell(Told::GaveUp { line: self.line, report });
            self.calls = 0;
        }
        if !self.reports.is_empty() {
            return State::Resting(REST);
        }
        let (heard, said) = (std::mem::take(&mut self.heard), std::mem::take(&mut self.said));
        self.tell(Told::Finished { line: self.line, heard, said });
        State::Finished
    }

    fn tell(&self, told: Told) {
        // The test has ended when nobody listens.
        self.tell.send(told).ok();
    }
}

impl Telephone for Caller {
    fn turn(&mut self, heard: &[i16; BLOCK], feed: bool, _: u32) -> Turn {
        let mut said = [0; BLOCK];
        if self.is_off_hook() {
            self.heard.extend(heard);
        }
        let was_off_hook = self.is_off_hook();
        self.state = self.next(heard, feed, &mut said);
        if was_off_hook && !matches!(self.state, State::Finished) {
            self.said.extend(said);
        }
        Turn { off_hook: self.is_off_hook(), said }
    }
}
