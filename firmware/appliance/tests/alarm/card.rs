//! The card as a clock of tones: what plays, when it begins within its window, when it ends.

use appliance::{CardCommand, CardEvent, CardHello, Event};
use dsp::tones::Sequence;
use hal::{LineId, Tick};
use line::{PlayId, TonesEnd};

use crate::panel::{Panel, ms, sample};

/// The round trip of a command over the serial line.
const LATENCY_MS: u64 = 5;

/// See the file's head.
pub(crate) struct Card {
    pub(crate) boot: u32,
    pub(crate) present: bool,
    pub(crate) fed: Vec<bool>,
    plays: Vec<Option<Play>>,
    /// Ends that are to be told at once.
    ended: Vec<(LineId, Play, TonesEnd)>,
    card_seq: u16,
}

#[derive(Clone, Copy)]
struct Play {
    play: PlayId,
    sequence: Sequence,
    at: Tick,
    begun: bool,
}

/// Something that the panel hears and, at the end of a sequence, the box is told.
pub(crate) struct Happening {
    pub(crate) line: LineId,
    pub(crate) sequence: Sequence,
    pub(crate) ended: bool,
    pub(crate) event: Option<Event>,
}

impl Card {
    pub(crate) fn new(lines: usize) -> Self {
        let (plays, ended) = (vec![None; lines], vec![]);
        Self { boot: 7, present: true, fed: vec![true; lines], plays, ended, card_seq: 30_000 }
    }

    pub(crate) fn hello(&self, now: Tick, panels: &[Panel]) -> CardHello {
        CardHello {
            card_boot: self.boot,
            firmware: "sim 1".to_owned(),
            serial: "0001".to_owned(),
            sample: sample(now).0,
            off_hook: panels.iter().map(|panel| panel.off_hook).collect(),
            fed: self.fed.clone(),
            events_lost: 0,
        }
    }

    pub(crate) fn come(&mut self, reset: bool) {
        self.present = true;
        if reset {
            self.boot += 1;
            self.plays.fill(None);
            self.fed.fill(true);
            self.ended.clear();
        }
    }

    pub(crate) fn fault(&mut self, line: u8, present: bool) -> Event {
        self.card_seq += 1;
        let (line, fault) = (LineId(line), "ground_key".to_owned());
        let (card_boot, card_seq) = (self.boot, self.card_seq);
        Event::Card(CardEvent::LineFault { line, fault, present, card_boot, card_seq })
    }

    pub(crate) fn take(&mut self, command: &CardCommand, now: Tick) {
        match command {
            CardCommand::Play { line, play, sequence, window } => {
                self.stop(*line, TonesEnd::Stopped);
                let mut at = now + ms(LATENCY_MS);
                if let Some(window) = window {
                    if sample(at).is_after(window.latest) {
                        let play = Play { play: *play, sequence: *sequence, at, begun: false };
                        return self.ended.push((*line, play, TonesEnd::TooLate));
                    }
                    while window.earliest.is_after(sample(at)) {
                        at = at + ms(1);
                    }
                }
                let play = Play { play: *play, sequence: *sequence, at, begun: false };
                self.plays[usize::from(line.0)] = Some(play);
            }
            CardCommand::Silence { line } => self.stop(*line, TonesEnd::Stopped),
            CardCommand::Feed { line, on } => self.fed[usize::from(line.0)] = *on,
            CardCommand::Acknowledge { .. } => {}
        }
    }

    pub(crate) fn hung_up(&mut self, line: LineId) {
        self.stop(line, TonesEnd::Stopped);
    }

    fn stop(&mut self, line: LineId, end: TonesEnd) {
        if let Some(play) = self.plays[usize::from(line.0)].take() {
            self.ended.push((line, play, end));
        }
    }

    pub(crate) fn wake(&self) -> Option<Tick> {
        let next = |play: &Play| if play.begun { play.ends() } else { Some(play.at) };
        let ended = (!self.ended.is_empty()).then_some(Tick::ZERO);
        self.plays.iter().flatten().filter_map(next).chain(ended).min()
    }

    pub(crate) fn turn(&mut self, now: Tick) -> Option<Happening> {
        if !self.ended.is_empty() {
            let (line, play, end) = self.ended.remove(0);
            return Some(self.end(line, play, end, now));
        }
        for (line, slot) in (0..).map(LineId).zip(&mut self.plays) {
            let Some(play) = slot else { continue };
            if !play.begun && play.at <= now {
                play.begun = true;
                return Some(Happening { line, sequence: play.sequence, ended: false, event: None });
            }
            if play.begun && play.ends().is_some_and(|at| at <= now) {
                let play = *play;
                *slot = None;
                return Some(self.end(line, play, TonesEnd::Completed, now));
            }
        }
        None
    }

    fn end(&mut self, line: LineId, play: Play, end: TonesEnd, now: Tick) -> Happening {
        self.card_seq += 1;
        let (play_id, card_boot, card_seq) = (play.play, self.boot, self.card_seq);
        let event =
            CardEvent::TonesEnded { line, play: play_id, sample: sample(now), end, card_boot, card_seq };
        let ended = end == TonesEnd::Completed;
        // A tone that is cut off is no tone to the panel.
        let sequence = if ended { play.sequence } else { Sequence::DialTone };
        Happening { line, sequence, ended: true, event: Some(Event::Card(event)) }
    }
}

impl Play {
    fn ends(&self) -> Option<Tick> {
        self.sequence.lasts().map(|lasts| self.at + lasts)
    }
}
