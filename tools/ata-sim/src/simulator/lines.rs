//! The lines' side of the simulated card: telephones, panels, sounds, recordings.

use linecard::{BLOCK, HookOutcome};

use super::Simulator;
use crate::command::Answer;
use crate::jacks::Plugged;
use crate::panel::{Panel, PanelSettings, Signal};
use crate::player::Player;
use crate::report::Report;
use crate::telephone::Telephone;
use crate::wav::Tap;

impl Simulator {
    /// Plugs a telephone into a line; from here on it has the hook. The one before is pulled out.
    pub fn plug(&mut self, line: u8, telephone: Box<dyn Telephone>) -> Result<(), String> {
        self.expect_line(line)?;
        self.jacks.plug(line, Plugged::Other(telephone));
        Ok(())
    }

    /// Pulls out what is plugged into a line, which goes on-hook.
    pub fn pull(&mut self, line: u8) -> Result<(), String> {
        self.expect_line(line)?;
        if self.jacks.pull(line) { Ok(()) } else { Err(format!("line {line} has no telephone")) }
    }

    /// Plays a sound into a line, off-hook while it plays.
    pub fn play(&mut self, line: u8, sound: Vec<i16>) -> Result<(), String> {
        self.expect_free(line)?;
        self.jacks.plug(line, Plugged::Player(Player::new(sound)));
        Ok(())
    }

    /// Gives both directions of a line to `tap`, or to nobody. Says the counter at the first sample.
    pub fn record(&mut self, line: u8, tap: Option<Box<dyn Tap>>) -> Result<u32, String> {
        self.expect_line(line)?;
        self.jacks.tap(line, tap);
        Ok(self.jacks.samples() as u32)
    }

    pub(super) fn panel(&mut self, line: u8, settings: &PanelSettings) -> Answer {
        let panel = self.expect_free(line).and_then(|()| Panel::new(settings.clone()));
        answer(panel.map(|panel| self.jacks.plug(line, Plugged::Panel(Box::new(panel)))))
    }

    pub(super) fn event(&mut self, line: u8, code: &str, group: &str, zone: &str) -> Answer {
        let none = || format!("line {line} has no panel: `panel {line}` plugs one in");
        let panel = self.jacks.panel(line).ok_or_else(none);
        answer(panel.and_then(|panel| panel.queue(Signal::new(code, group, zone)?)))
    }

    pub(super) fn lift(&mut self, line: u8, off_hook: bool, now_us: u64) -> Answer {
        if let Err(taken) = self.expect_free(line) {
            return Answer::refused(taken);
        }
        match self.hook(line, off_hook, now_us) {
            HookOutcome::Queued(_) | HookOutcome::Held | HookOutcome::Lost => Answer::done(),
            HookOutcome::Unchanged => {
                let state = if off_hook { "off" } else { "on" };
                Answer::refused(format!("line {line} is {state}-hook already"))
            }
            HookOutcome::NoSuchLine => Answer::refused(self.no_such_line(line)),
        }
    }

    /// Every 10 ms that have passed, in order: a simulator that was late catches up.
    pub(super) fn exchange(&mut self, now_us: u64) {
        while self.exchange_us() <= now_us {
            self.tick(self.exchange_us());
            self.jacks.exchange(&mut self.card);
            self.observe();
        }
    }

    /// When the next 10 ms have passed.
    pub(super) fn exchange_us(&self) -> u64 {
        self.booted_us + (self.jacks.samples() + BLOCK as u64) * 125
    }

    pub(super) fn observe_lines(&mut self) {
        while let Some((line, sample, what)) = self.jacks.poll_happened() {
            self.reports.push_back(Report::Panel { line, sample, what });
        }
        while let Some((line, why)) = self.jacks.poll_tap_ended() {
            self.reports.push_back(Report::RecordingEnded { line, why });
        }
    }

    fn expect_line(&self, line: u8) -> Result<(), String> {
        if self.card.line(line).is_some() { Ok(()) } else { Err(self.no_such_line(line)) }
    }

    fn expect_free(&self, line: u8) -> Result<(), String> {
        self.expect_line(line)?;
        let taken =
            || format!("line {line} has a telephone, which has the hook: `unpanel {line}` pulls it out");
        if self.jacks.is_taken(line) { Err(taken()) } else { Ok(()) }
    }
}

pub(super) fn answer(done: Result<(), String>) -> Answer {
    done.map_or_else(Answer::refused, |()| Answer::done())
}
