//! Between the card and the lines: what a card tells becomes a line's event, what a line wants a command.

use hal::{LineId, Now, Sample};
use line::{Action, Event};
use noc_messages::{Position, Severity};

use crate::counter::Counter;
use crate::voice::Fault;
use crate::{Appliance, CardCommand, CardHello, Command, Entry};

/// Faults of line circuits that are kept apart; further ones are conditions, but not counted here.
const MAX_LINE_FAULTS: usize = 64;

impl Appliance {
    pub(crate) fn tell_line(&mut self, line: LineId, event: Event, now: Now) {
        if let Some(line) = self.alarm.lines.get_mut(&line) {
            line.handle(event, now);
        }
    }

    /// What an ear heard counts only for the card that the calls are on.
    pub(crate) fn heard(&mut self, line: LineId, card_boot: u32, heard: dsp::Heard, now: Now) {
        if self.card.boot != Some(card_boot) || !self.card.present {
            self.counters.add(Counter::CardStaleEvents, 1);
            return;
        }
        let event = match heard {
            dsp::Heard::Begun { sample } => Event::DigitBegun { sample },
            dsp::Heard::Digit { digit, begin, end } => Event::Digit { digit, begin, end },
            dsp::Heard::Tone { tone, begin } => Event::Tone { tone, begin },
        };
        self.tell_line(line, event, now);
    }

    /// The lines follow a card that came. `same`: it is the card, and the boot, of the calls so far.
    pub(crate) fn lines_follow(&mut self, hello: &CardHello, same: bool, now: Now) {
        let lines: Vec<LineId> = self.alarm.lines.keys().copied().collect();
        for id in lines {
            if !same {
                self.tell_line(id, Event::CardLost, now);
            }
            if let Some(off_hook) = hello.off_hook.get(usize::from(id.0)).copied() {
                self.tell_line(id, Event::Hook { off_hook, sample: Sample(hello.sample) }, now);
            }
            if let Some(line) = self.alarm.lines.get(&id) {
                let feed = CardCommand::Feed { line: id, on: line.is_fed() };
                self.commands.push_back(Command::Card(feed));
            }
        }
        self.alarm.voice.set(Fault::Card, false, now);
    }

    /// Without a card there is no call.
    pub(crate) fn lines_lose_card(&mut self, now: Now) {
        for line in self.alarm.lines.values_mut() {
            line.handle(Event::CardLost, now);
        }
        self.alarm.voice.set(Fault::Card, self.setup.card_expected, now);
    }

    /// A line circuit's fault; answers with the record of it, if there is one to be stored.
    pub(crate) fn line_fault(
        &mut self,
        line: LineId,
        fault: &str,
        present: bool,
        now: Now,
    ) -> Option<Position> {
        self.alarm.line_faults.retain(|(on, what)| (*on, what.as_str()) != (line, fault));
        if present && self.alarm.line_faults.len() < MAX_LINE_FAULTS {
            self.alarm.line_faults.push((line, fault.to_owned()));
        }
        let stands = self.alarm.line_faults.iter().any(|(on, _)| *on == line);
        self.alarm.voice.set(Fault::Line(line), stands, now);
        let (resource, type_id) = (format!("line/{}", line.0), format!("line-{}", fault.replace('_', "-")));
        let before = self.latest;
        if present {
            self.raise(&resource, &type_id, Severity::Major, "the line circuit reports it", now);
        } else {
            self.clear(&resource, &type_id, now);
        }
        self.latest.filter(|_| self.latest != before)
    }

    /// Carries out what lines want; `false` when none wanted anything.
    pub(crate) fn settle_lines(&mut self, now: Now) -> bool {
        let mut actions = Vec::new();
        for (id, line) in &mut self.alarm.lines {
            actions.extend(core::iter::from_fn(|| line.poll_action()).map(|action| (*id, action)));
        }
        let any = !actions.is_empty();
        for (line, action) in actions {
            self.line_wants(line, action, now);
        }
        any
    }

    fn line_wants(&mut self, line: LineId, action: Action, now: Now) {
        let card = match action {
            Action::Play { play, sequence, window } => CardCommand::Play { line, play, sequence, window },
            Action::Silence => CardCommand::Silence { line },
            Action::Feed { on } => {
                self.voltage(line, on, now);
                CardCommand::Feed { line, on }
            }
            Action::Signal { signal, call: _, message, heard: _ } => {
                return self.panel_signal(signal, &message, now);
            }
            Action::Step { call, sample, step } => {
                let line_name = self.line_name(line);
                let sample = sample.map(|sample| sample.0);
                return self.keep(Entry::Call { call, line_name, sample, step }, now);
            }
        };
        self.commands.push_back(Command::Card(card));
    }

    fn voltage(&mut self, line: LineId, on: bool, now: Now) {
        self.keep(Entry::Voltage { line: line.0, on }, now);
        let resource = format!("line/{}", line.0);
        if on {
            self.clear(&resource, "voltage-withdrawn", now);
        } else {
            let why = "no path to any station: the panel shall see a dead line";
            self.raise(&resource, "voltage-withdrawn", Severity::Major, why, now);
        }
    }
}
