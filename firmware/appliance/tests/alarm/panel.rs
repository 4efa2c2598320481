//! A panel as DC-05 has it: off-hook, dial tone, number, handshake, sixteen digits until it hears a
//! kiss-off, four times at most, then it hangs up and dials again. It knows nothing of the box.

use std::collections::VecDeque;

use appliance::{CardEvent, Event};
use dsp::Heard;
use dsp::tones::Sequence;
use hal::{Dtmf, LineId, Sample, Tick};

const TRIES: u8 = 4;
const NUMBER: &str = "5551234";
const DIGIT_MS: u64 = 50;
/// A kiss-off shorter than this is none (DC-05: 750 ms, heard after 400).
const KISSED_AFTER_MS: u64 = 400;

/// See the file's head.
pub(crate) struct Panel {
    pub(crate) line: LineId,
    /// Sixteen digits each, or whatever a broken panel says.
    pub(crate) messages: VecDeque<String>,
    /// It hangs up so long after its last digit instead of waiting.
    pub(crate) hangs_up_after: Option<u64>,
    pub(crate) max_dials: u32,
    /// It drops a message that was said once.
    pub(crate) forgets: bool,
    pub(crate) kissed: Vec<String>,
    pub(crate) dials: u32,
    pub(crate) off_hook: bool,
    /// The message whose digits were last said to the end.
    pub(crate) said: Option<String>,
    tries: u8,
    state: State,
    card_seq: u16,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Idle,
    Rests { until: Tick },
    WantsDialTone { until: Tick },
    Dials { place: usize, down: bool, at: Tick },
    WantsHandshake { until: Tick },
    Says { place: usize, down: bool, at: Tick },
    WantsKissOff { until: Tick },
    HearsKissOff { since: Tick },
}

impl Panel {
    pub(crate) fn new(line: u8) -> Self {
        Self {
            line: LineId(line),
            messages: VecDeque::new(),
            hangs_up_after: None,
            max_dials: 8,
            forgets: false,
            kissed: Vec::new(),
            dials: 0,
            off_hook: false,
            said: None,
            tries: 0,
            state: State::Idle,
            card_seq: 0,
        }
    }

    pub(crate) fn report(&mut self, digits: &str, now: Tick) {
        self.messages.push_back(digits.to_owned());
        if self.state == State::Idle {
            self.dials = 0;
            self.state = State::Rests { until: now };
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    pub(crate) fn is_waiting_for_handshake(&self) -> bool {
        matches!(self.state, State::WantsHandshake { .. })
    }

    pub(crate) fn wake(&self) -> Option<Tick> {
        match self.state {
            State::Idle | State::HearsKissOff { .. } => None,
            State::Rests { until }
            | State::WantsDialTone { until }
            | State::WantsHandshake { until }
            | State::WantsKissOff { until } => Some(until),
            State::Dials { at, .. } | State::Says { at, .. } => Some(at),
        }
    }

    /// Its time has come; what the card would tell of it.
    pub(crate) fn turn(&mut self, now: Tick, card_boot: u32) -> Option<Event> {
        match self.state {
            State::Idle | State::HearsKissOff { .. } => None,
            State::Rests { .. } if self.messages.is_empty() => {
                self.state = State::Idle;
                None
            }
            State::Rests { .. } => {
                self.dials += 1;
                self.tries = 0;
                self.state = State::WantsDialTone { until: now + ms(5_000) };
                Some(self.hook(true, now, card_boot))
            }
            State::WantsDialTone { .. } | State::WantsHandshake { .. } => Some(self.hang_up(now, card_boot)),
            State::Dials { place, down, at: _ } => {
                let next = State::WantsHandshake { until: now + ms(30_000) };
                Some(self.digit((NUMBER.to_owned(), place, down), next, now, card_boot))
            }
            State::Says { place, down, at: _ } => {
                let digits = self.messages.front().cloned().unwrap_or_default();
                let next = State::WantsKissOff { until: now + ms(self.hangs_up_after.unwrap_or(1_250)) };
                Some(self.digit((digits, place, down), next, now, card_boot))
            }
            State::WantsKissOff { .. } => {
                self.tries += 1;
                if self.forgets {
                    self.messages.pop_front();
                }
                if self.hangs_up_after.is_some() || self.tries >= TRIES || self.messages.is_empty() {
                    return Some(self.hang_up(now, card_boot));
                }
                self.state = State::Says { place: 0, down: false, at: now };
                None
            }
        }
    }

    /// The card plays, or has played to the end.
    pub(crate) fn hears(
        &mut self,
        sequence: Sequence,
        ended: bool,
        now: Tick,
        card_boot: u32,
    ) -> Option<Event> {
        let next = match (self.state, sequence, ended) {
            (State::WantsDialTone { .. }, Sequence::DialTone, false) => {
                State::Dials { place: 0, down: false, at: now + ms(300) }
            }
            (State::WantsHandshake { .. }, Sequence::Handshake, true) => {
                State::Says { place: 0, down: false, at: now + ms(250) }
            }
            (State::WantsKissOff { .. }, Sequence::KissOff, false) => State::HearsKissOff { since: now },
            (State::HearsKissOff { since }, Sequence::KissOff, true) => {
                assert!(now.since(since) >= ms(KISSED_AFTER_MS), "a kiss-off of {:?}", now.since(since));
                self.kissed.extend(self.messages.pop_front());
                self.tries = 0;
                if self.messages.is_empty() {
                    self.dials = 0;
                    return Some(self.hang_up(now, card_boot));
                }
                State::Says { place: 0, down: false, at: now + ms(300) }
            }
            (_, Sequence::Reorder | Sequence::Howler, false) if self.off_hook => {
                return Some(self.hang_up(now, card_boot));
            }
            (state, _, _) => state,
        };
        self.state = next;
        None
    }

    fn digit(
        &mut self,
        (digits, place, down): (String, usize, bool),
        next: State,
        now: Tick,
        card_boot: u32,
    ) -> Event {
        let says = matches!(self.state, State::Says { .. });
        let step = |place, down, at| {
            if says { State::Says { place, down, at } } else { State::Dials { place, down, at } }
        };
        let heard = if down {
            let key = digits.chars().nth(place).expect("a digit of the message");
            let digit = Dtmf::try_from(key).expect("a key of the keypad");
            let last = place + 1 == digits.len();
            self.state = if last { next } else { step(place + 1, false, now + ms(DIGIT_MS)) };
            if last && says {
                self.said = Some(digits);
            }
            Heard::Digit { digit, begin: sample(now - ms(DIGIT_MS)), end: sample(now) }
        } else {
            self.said = None;
            self.state = step(place, true, now + ms(DIGIT_MS));
            Heard::Begun { sample: sample(now) }
        };
        Event::Card(CardEvent::Heard { line: self.line, card_boot, heard })
    }

    pub(crate) fn hang_up(&mut self, now: Tick, card_boot: u32) -> Event {
        let again = !self.messages.is_empty() && self.dials < self.max_dials;
        self.state = if again { State::Rests { until: now + ms(5_000) } } else { State::Idle };
        self.said = None;
        self.hook(false, now, card_boot)
    }

    fn hook(&mut self, off_hook: bool, now: Tick, card_boot: u32) -> Event {
        self.off_hook = off_hook;
        self.card_seq += 1;
        let (line, card_seq) = (self.line, self.card_seq);
        Event::Card(CardEvent::Hook { line, off_hook, sample: sample(now).0, card_boot, card_seq })
    }
}

pub(crate) fn ms(ms: u64) -> std::time::Duration {
    std::time::Duration::from_millis(ms)
}

pub(crate) fn sample(at: Tick) -> Sample {
    Sample(u32::try_from(at.0 * 8 % (1 << 32)).expect("below 2^32"))
}
