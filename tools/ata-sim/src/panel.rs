//! An alarm panel with a Contact ID communicator, as installers know it: dial tone, number, handshake,
//! sixteen digits, kiss-off; four attempts a call, eight calls, then it gives up.
//!
//! ```text
//!            event                 dial tone             number said            handshake
//!  Resting ---------> Seized -----------------> Dialling -----> AwaitingHandshake -----> Pausing
//!    ^ ^                | none: the call failed                   | none: failed          |  ^
//!    | +----------------+-----------------------------------------+                       v  |
//!    +--- nothing left to send, or four times no kiss-off ------ Listening <----------- Sending
//!                                                                    kiss-off: next message --^
//! ```
//! It is a judge of the box, so it refuses to share code with it: tones, digits and times are its own.

mod ear;
mod event;
mod listen;
mod message;
mod settings;
#[cfg(test)]
mod tests;
mod voice;
mod voltage;

use std::collections::VecDeque;

use linecard::BLOCK;

use crate::telephone::{Telephone, Turn};
use ear::DialToneEar;
pub use event::{PanelEvent, PanelStatus};
use listen::{HandshakeEar, KissOffEar, Verdict};
pub(crate) use message::Signal;
pub use settings::PanelSettings;
use voice::{Voice, samples};
use voltage::Voltage;

/// A panel. Its clock counts samples since it was plugged in, whatever the card does.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    settings: PanelSettings,
    queue: VecDeque<Signal>,
    state: State,
    voltage: Voltage,
    /// At the first sample of what is said next.
    clock: u64,
    /// The card's counter at that sample.
    sample: u32,
    calls_failed: u8,
    kissed_off: u32,
    gave_up: bool,
    misbehaved: bool,
    happened: VecDeque<(u32, PanelEvent)>,
}

#[derive(Clone, Debug)]
enum State {
    Resting { until: u64 },
    Seized { since: u64, ear: DialToneEar },
    Dialling { voice: Voice },
    AwaitingHandshake { until: u64, ear: HandshakeEar },
    Pausing { until: u64 },
    Sending { voice: Voice, attempt: u8 },
    Listening { ear: KissOffEar, sent_at: u64, attempt: u8 },
}

impl Panel {
    /// The error says which setting is wrong.
    pub(crate) fn new(settings: PanelSettings) -> Result<Self, String> {
        settings.check()?;
        Ok(Self {
            settings,
            queue: VecDeque::new(),
            state: State::Resting { until: 0 },
            voltage: Voltage::new(),
            clock: BLOCK as u64,
            sample: 0,
            calls_failed: 0,
            kissed_off: 0,
            gave_up: false,
            misbehaved: false,
            happened: VecDeque::new(),
        })
    }

    /// Something to report; it also ends a COMM FAILURE.
    pub(crate) fn queue(&mut self, signal: Signal) -> Result<(), String> {
        if self.queue.len() >= MAX_QUEUE {
            return Err(format!("the panel has {MAX_QUEUE} messages waiting and takes no more"));
        }
        self.queue.push_back(signal);
        if std::mem::take(&mut self.gave_up) {
            self.calls_failed = 0;
        }
        Ok(())
    }

    /// What happened, with the card's counter.
    pub(crate) fn poll_happened(&mut self) -> Option<(u32, PanelEvent)> {
        self.happened.pop_front()
    }

    pub(crate) fn status(&self, line: u8) -> PanelStatus {
        PanelStatus {
            line,
            account: self.settings.account.clone(),
            state: self.state.name().to_owned(),
            trouble: self.voltage.trouble(),
            gave_up: self.gave_up,
            queued: self.queue.len(),
            kissed_off: self.kissed_off,
            calls_failed: self.calls_failed,
        }
    }

    fn step(&mut self, state: State, heard: &[i16; BLOCK], said: &mut [i16; BLOCK]) -> State {
        match state {
            State::Resting { until } => self.rest(until),
            State::Seized { since, ear } => self.await_dial_tone(since, ear, heard),
            State::Dialling { voice } => self.dial(voice, said),
            State::AwaitingHandshake { until, ear } => self.await_handshake(until, ear, heard),
            State::Pausing { until } => self.pause(until),
            State::Sending { voice, attempt } => self.send(voice, attempt, said),
            State::Listening { ear, sent_at, attempt } => self.listen(ear, sent_at, attempt, heard),
        }
    }

    fn rest(&mut self, until: u64) -> State {
        let wants = !self.queue.is_empty() && !self.gave_up && self.voltage.feeds();
        if !wants || self.clock < until {
            return State::Resting { until };
        }
        self.tell(PanelEvent::Seized {});
        State::Seized { since: self.clock, ear: DialToneEar::default() }
    }

    fn await_dial_tone(&mut self, since: u64, mut ear: DialToneEar, heard: &[i16; BLOCK]) -> State {
        let waited = self.clock - since;
        if ear.hear(heard) {
            self.tell(PanelEvent::DialTone { after_ms: waited / SAMPLES_PER_MS });
        } else if waited < samples(self.settings.dial_tone_ms) as u64 {
            return State::Seized { since, ear };
        } else if !self.settings.blind_dial {
            return self.fail("no dial tone");
        }
        State::Dialling { voice: Voice::new(self.settings.number.chars(), &self.settings) }
    }

    fn dial(&mut self, mut voice: Voice, said: &mut [i16; BLOCK]) -> State {
        if voice.say(said).is_none() {
            return State::Dialling { voice };
        }
        self.tell(PanelEvent::Dialled { number: self.settings.number.clone() });
        let until = self.later(self.settings.handshake_ms);
        State::AwaitingHandshake { until, ear: HandshakeEar::default() }
    }

    fn await_handshake(&mut self, until: u64, mut ear: HandshakeEar, heard: &[i16; BLOCK]) -> State {
        if let Some(at) = ear.hear(heard, self.heard_at()) {
            self.tell(PanelEvent::Handshake {});
            return State::Pausing { until: at + samples(self.settings.pause_ms) as u64 };
        }
        if self.clock >= until {
            return self.fail("no handshake");
        }
        State::AwaitingHandshake { until, ear }
    }

    fn pause(&mut self, until: u64) -> State {
        if self.clock < until { State::Pausing { until } } else { self.say_message(1) }
    }

    fn say_message(&mut self, attempt: u8) -> State {
        match self.digits() {
            Some(digits) => {
                let keys = digits.chars().map(message::key);
                State::Sending { voice: Voice::new(keys, &self.settings), attempt }
            }
            None => self.hang_up("nothing to report", GUARD_MS),
        }
    }

    fn send(&mut self, mut voice: Voice, attempt: u8, said: &mut [i16; BLOCK]) -> State {
        let Some(end) = voice.say(said) else { return State::Sending { voice, attempt } };
        let sent_at = self.clock + end as u64;
        let end_sample = self.sample.wrapping_add(end as u32);
        let digits = self.digits().unwrap_or_default();
        self.tell(PanelEvent::Sent { digits, attempt, end_sample });
        let ear = KissOffEar::new(sent_at, self.settings.mute_ms, self.settings.kiss_off_ms);
        State::Listening { ear, sent_at, attempt }
    }

    fn listen(&mut self, mut ear: KissOffEar, sent_at: u64, attempt: u8, heard: &[i16; BLOCK]) -> State {
        if self.misbehaves(sent_at) {
            return self.fail("of its own accord");
        }
        match ear.hear(heard, self.heard_at()) {
            None => State::Listening { ear, sent_at, attempt },
            Some(Verdict::Nothing) => {
                self.tell(PanelEvent::NoKissOff { attempt });
                if attempt < self.settings.attempts {
                    self.say_message(attempt + 1)
                } else {
                    self.fail("no kiss-off")
                }
            }
            Some(Verdict::KissedOff { after, lasted, ended_at }) => {
                let [after_ms, tone_ms] = [after, lasted].map(|samples| samples / SAMPLES_PER_MS);
                let digits = self.digits().unwrap_or_default();
                self.tell(PanelEvent::KissedOff { digits, attempt, after_ms, tone_ms });
                self.delivered(ended_at)
            }
        }
    }

    fn delivered(&mut self, ended_at: u64) -> State {
        self.queue.pop_front();
        self.calls_failed = 0;
        self.kissed_off = self.kissed_off.saturating_add(1);
        if self.queue.is_empty() {
            return self.hang_up("all is told", GUARD_MS);
        }
        State::Pausing { until: ended_at + samples(self.settings.pause_ms) as u64 }
    }

    fn misbehaves(&mut self, sent_at: u64) -> bool {
        let Some(after_ms) = self.settings.hang_up_after_ms.filter(|_| !self.misbehaved) else {
            return false;
        };
        self.misbehaved = self.clock >= sent_at + samples(after_ms) as u64;
        self.misbehaved
    }

    fn fail(&mut self, why: &str) -> State {
        let rest = self.hang_up(why, self.settings.redial_ms);
        self.calls_failed = self.calls_failed.saturating_add(1);
        if self.calls_failed >= self.settings.dial_attempts {
            self.gave_up = true;
            self.tell(PanelEvent::GaveUp { calls: self.calls_failed, queued: self.queue.len() });
        }
        rest
    }

    fn hang_up(&mut self, why: &str, rest_ms: u32) -> State {
        self.tell(PanelEvent::HungUp { why: why.to_owned() });
        State::Resting { until: self.later(rest_ms) }
    }

    fn digits(&self) -> Option<String> {
        self.queue.front().map(|signal| signal.digits(&self.settings))
    }

    fn tell(&mut self, event: PanelEvent) {
        self.happened.push_back((self.sample, event));
    }

    fn later(&self, ms: u32) -> u64 {
        self.clock + samples(ms) as u64
    }

    /// The clock at the first sample of what is heard: it was played while the block before was said.
    fn heard_at(&self) -> u64 {
        self.clock - BLOCK as u64
    }
}

impl Telephone for Panel {
    fn turn(&mut self, heard: &[i16; BLOCK], feed: bool, sample: u32) -> Turn {
        self.sample = sample;
        if let Some(on) = self.voltage.see(feed, self.clock, &self.settings) {
            self.tell(PanelEvent::Trouble { on });
        }
        let mut said = [0; BLOCK];
        let state = std::mem::replace(&mut self.state, State::Resting { until: 0 });
        let in_call = !matches!(state, State::Resting { .. });
        self.state =
            if in_call && !feed { self.fail("no voltage") } else { self.step(state, heard, &mut said) };
        self.clock += BLOCK as u64;
        Turn { off_hook: !matches!(self.state, State::Resting { .. }), said }
    }
}

impl State {
    const fn name(&self) -> &'static str {
        match self {
            Self::Resting { .. } => "resting",
            Self::Seized { .. } => "seized",
            Self::Dialling { .. } => "dialling",
            Self::AwaitingHandshake { .. } => "awaiting_handshake",
            Self::Pausing { .. } => "pausing",
            Self::Sending { .. } => "sending",
            Self::Listening { .. } => "listening",
        }
    }
}

/// Messages that wait: more than a panel with a bad day has.
const MAX_QUEUE: usize = 256;

/// After a call that went well the line rests so long before the next one.
const GUARD_MS: u32 = 2_000;

const SAMPLES_PER_MS: u64 = 8;
