//! The line's states and deadlines. The map is at the top of the crate.

use core::time::Duration;
use std::collections::VecDeque;

use dsp::CallTone;
use dsp::tones::Sequence;
use hal::{Dtmf, Now, Sample, Tick};
use serde::{Deserialize, Serialize};

use crate::action::{Action, CallId, PlayId, SignalId, Step, Window, text};
use crate::config::{LineConfig, Profile};
use crate::event::{Event, TonesEnd};
use crate::ledger::Ledger;
use crate::receiver::{Receiver, Want};
use crate::voltage::Voltage;

mod status;

pub use status::LineStatus;

/// Longer numbers than any telephone number; what comes after is heard but not kept.
const MAX_NUMBER: usize = 32;

/// One analogue line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    config: LineConfig,
    state: State,
    calls: u64,
    plays: u16,
    /// The loop is open since; not yet a hang-up.
    open_since: Option<(Tick, Sample)>,
    ledger: Ledger,
    voltage: Voltage,
    /// Machines told of in this call: at most one of each kind.
    machines: Vec<CallTone>,
    actions: VecDeque<Action>,
}

/// Each state owns its data; the variants that wait name their deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    OnHook,
    /// Dial tone is given.
    DialTone {
        until: Tick,
    },
    /// Digits of the number come.
    Dialling {
        number: Vec<Dtmf>,
        complete_at: Tick,
    },
    /// Answered; the panel wants quiet first.
    Settling {
        until: Tick,
    },
    /// The handshake plays.
    Handshaking {
        round: u8,
        play: PlayId,
        receiver: Receiver,
        until: Tick,
    },
    /// The panel speaks, or is waited for.
    Receiving {
        round: u8,
        receiver: Receiver,
        until: Tick,
    },
    Reorder {
        until: Tick,
    },
    Howler {
        until: Tick,
    },
    /// Off-hook and forgotten: silence until it hangs up.
    Parked,
}

impl Line {
    /// A line on-hook. `first` is the number of its next call and signal; neither may ever have been
    /// used on this line before, so that identities are never used twice.
    #[must_use]
    pub fn new(config: LineConfig, first: u64, now: Now) -> Self {
        Self {
            state: State::OnHook,
            calls: first,
            plays: 0,
            open_since: None,
            ledger: Ledger::new(config.line, first, config.same_signal),
            voltage: Voltage::new(config.withdraw_after, config.restore_after, now.tick),
            machines: Vec::new(),
            actions: VecDeque::new(),
            config,
        }
    }

    /// A signal of an earlier run that was not kissed off and was heard so long ago: the same digits are
    /// the same signal. What is no key of a telephone names nothing.
    pub fn restore(&mut self, signal: SignalId, digits: &str, age: Duration, now: Now) {
        let keys: Result<Vec<Dtmf>, _> = digits.chars().map(Dtmf::try_from).collect();
        if let Ok(keys) = keys {
            self.ledger.restore(signal, &keys, age, now.tick);
        }
    }

    /// Something happened. Drain [`Self::poll_action`] before the next call.
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Hook { off_hook: true, sample } => self.off_hook(sample, now.tick),
            Event::Hook { off_hook: false, sample } => {
                if self.in_call() {
                    self.open_since.get_or_insert((now.tick, sample));
                }
            }
            Event::DigitBegun { sample: _ } => self.digit_begun(now.tick),
            Event::Digit { digit, begin, end } => self.digit((digit, begin, end), now.tick),
            Event::Tone { tone, begin } => self.machine_tone(tone, begin),
            Event::TonesEnded { play, sample, end } => self.tones_ended((play, sample, end), now.tick),
            Event::Delivered { signal } => self.delivered(signal),
            Event::NotTaken { signal } => self.not_taken(signal),
            Event::Path { works } => self.voltage.path(works, now.tick),
            Event::CardLost => self.card_lost(),
        }
        self.settle_voltage(now.tick);
    }

    /// A deadline has come.
    pub fn handle_timeout(&mut self, now: Now) {
        let hung_up = self.open_since.filter(|(since, _)| *since + self.config.hang_up <= now.tick);
        if let Some((_, sample)) = hung_up {
            self.hang_up(Some(sample));
        } else if self.state_deadline().is_some_and(|at| at <= now.tick) {
            self.state_timeout(now.tick);
        }
        self.settle_voltage(now.tick);
    }

    /// The next action, until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let hang_up = self.open_since.map(|(since, _)| since + self.config.hang_up);
        let voltage = if self.in_call() { None } else { self.voltage.deadline() };
        [hang_up, self.state_deadline(), voltage].into_iter().flatten().min()
    }

    fn in_call(&self) -> bool {
        self.state != State::OnHook
    }

    fn off_hook(&mut self, sample: Sample, now: Tick) {
        if self.open_since.take().is_some() || self.in_call() {
            return;
        }
        self.step(Some(sample), Step::OffHook);
        self.play(Sequence::DialTone, None);
        self.step(None, Step::DialTone);
        self.state = State::DialTone { until: now + self.config.patience };
    }

    fn digit_begun(&mut self, now: Tick) {
        match &mut self.state {
            State::DialTone { .. } => {
                self.actions.push_back(Action::Silence);
                let complete_at = now + self.config.patience;
                self.state = State::Dialling { number: Vec::new(), complete_at };
            }
            State::Handshaking { receiver, .. } | State::Receiving { receiver, .. } => {
                let mut wants = Vec::new();
                receiver.digit_begun(&mut wants);
                self.grant(wants);
            }
            State::OnHook
            | State::Dialling { .. }
            | State::Settling { .. }
            | State::Reorder { .. }
            | State::Howler { .. }
            | State::Parked => {}
        }
    }

    fn digit(&mut self, heard: (Dtmf, Sample, Sample), now: Tick) {
        if matches!(self.state, State::DialTone { .. }) {
            self.digit_begun(now);
        }
        match &mut self.state {
            State::Dialling { number, complete_at } => {
                if number.len() < MAX_NUMBER {
                    number.push(heard.0);
                }
                *complete_at = now + self.config.number_pause;
            }
            State::Handshaking { receiver, until, .. } | State::Receiving { receiver, until, .. } => {
                *until = now + self.config.patience;
                let mut wants = Vec::new();
                receiver.digit(heard, (&self.config, &mut self.ledger, now), &mut wants);
                self.grant(wants);
            }
            State::OnHook
            | State::DialTone { .. }
            | State::Settling { .. }
            | State::Reorder { .. }
            | State::Howler { .. }
            | State::Parked => {}
        }
    }

    fn machine_tone(&mut self, tone: CallTone, begin: Sample) {
        if self.in_call() && !self.machines.contains(&tone) {
            self.machines.push(tone);
            self.step(Some(begin), Step::MachineTone { tone });
        }
    }

    fn tones_ended(&mut self, (play, sample, end): (PlayId, Sample, TonesEnd), now: Tick) {
        let mut wants = Vec::new();
        match &mut self.state {
            State::Handshaking { round, play: handshake, receiver, .. } if *handshake == play => {
                let until = now + self.config.first_digit;
                self.state = State::Receiving { round: *round, receiver: core::mem::take(receiver), until };
            }
            State::Handshaking { receiver, .. } | State::Receiving { receiver, .. } => {
                receiver.tones_ended((play, sample, end), &mut self.ledger, &mut wants);
            }
            State::OnHook
            | State::DialTone { .. }
            | State::Dialling { .. }
            | State::Settling { .. }
            | State::Reorder { .. }
            | State::Howler { .. }
            | State::Parked => {}
        }
        self.grant(wants);
    }

    fn delivered(&mut self, signal: SignalId) {
        self.ledger.delivered(signal);
        if !self.in_call() {
            return;
        }
        self.step(None, Step::Delivered { signal });
        if let State::Handshaking { receiver, .. } | State::Receiving { receiver, .. } = &mut self.state {
            let mut wants = Vec::new();
            receiver.delivered(signal, &self.config, &mut wants);
            self.grant(wants);
        }
    }

    /// The same digits are a signal never heard before, so that the panel's next repeat is taken up.
    fn not_taken(&mut self, signal: SignalId) {
        self.ledger.forget(signal);
        self.step(None, Step::NotTaken { signal });
    }

    fn card_lost(&mut self) {
        if self.in_call() {
            self.step(None, Step::CardLost);
            self.hang_up(None);
        }
        self.open_since = None;
    }

    fn hang_up(&mut self, sample: Option<Sample>) {
        let mut wants = Vec::new();
        let not_kissed_off = match &mut self.state {
            State::Handshaking { receiver, .. } | State::Receiving { receiver, .. } => {
                receiver.forget_fragment(&mut wants);
                receiver.not_kissed_off()
            }
            State::OnHook
            | State::DialTone { .. }
            | State::Dialling { .. }
            | State::Settling { .. }
            | State::Reorder { .. }
            | State::Howler { .. }
            | State::Parked => 0,
        };
        self.grant(wants);
        self.actions.push_back(Action::Silence);
        self.step(sample, Step::HungUp { not_kissed_off });
        self.state = State::OnHook;
        self.open_since = None;
        self.machines.clear();
        self.calls += 1;
    }

    fn state_deadline(&self) -> Option<Tick> {
        match &self.state {
            State::DialTone { until }
            | State::Settling { until }
            | State::Handshaking { until, .. }
            | State::Receiving { until, .. }
            | State::Reorder { until }
            | State::Howler { until }
            | State::Dialling { complete_at: until, .. } => Some(*until),
            State::OnHook | State::Parked => None,
        }
    }

    fn state_timeout(&mut self, now: Tick) {
        match core::mem::replace(&mut self.state, State::Parked) {
            State::Dialling { number, .. } => self.number_complete(&number, now),
            State::Settling { .. } => self.handshake(1, Receiver::default(), now),
            State::Receiving { round, receiver, .. } => {
                if !receiver.heard_anything() && round < self.config.handshakes {
                    self.handshake(round + 1, receiver, now);
                } else {
                    self.reorder(now);
                }
            }
            State::Reorder { .. } => {
                self.play(Sequence::Howler, None);
                self.step(None, Step::Howler);
                self.state = State::Howler { until: now + self.config.howler };
            }
            State::Howler { .. } => self.actions.push_back(Action::Silence),
            // The card never said that the handshake ended: begin again rather than wait for ever.
            State::Handshaking { round, receiver, .. } => self.handshake(round, receiver, now),
            State::DialTone { .. } => self.reorder(now),
            State::OnHook => self.state = State::OnHook,
            State::Parked => {}
        }
    }

    fn number_complete(&mut self, number: &[Dtmf], now: Tick) {
        self.step(None, Step::Number { digits: text(number) });
        match self.config.profile {
            Profile::Alarm if !number.is_empty() => {
                self.step(None, Step::Answered);
                self.state = State::Settling { until: now + self.config.settle };
            }
            Profile::Alarm | Profile::Phone => self.reorder(now),
        }
    }

    fn handshake(&mut self, round: u8, receiver: Receiver, now: Tick) {
        let play = self.play(Sequence::Handshake, None);
        self.step(None, Step::Handshake { round });
        let lasts = Sequence::Handshake.lasts().unwrap_or_default();
        self.state =
            State::Handshaking { round, play, receiver, until: now + lasts + self.config.first_digit };
    }

    fn reorder(&mut self, now: Tick) {
        self.play(Sequence::Reorder, None);
        self.step(None, Step::Reorder);
        self.state = State::Reorder { until: now + self.config.reorder };
    }

    fn grant(&mut self, wants: Vec<Want>) {
        for want in wants {
            match want {
                Want::Step(sample, step) => self.step(sample, step),
                Want::Signal(signal, message, heard) => {
                    let call = self.call();
                    self.actions.push_back(Action::Signal { signal, call, message, heard });
                }
                Want::Silence => self.actions.push_back(Action::Silence),
                Want::KissOff(window) => {
                    let play = self.play(Sequence::KissOff, Some(window));
                    if let State::Handshaking { receiver, .. } | State::Receiving { receiver, .. } =
                        &mut self.state
                    {
                        receiver.kiss_off_asked(play);
                    }
                }
            }
        }
    }

    fn settle_voltage(&mut self, now: Tick) {
        if let Some(on) = self.voltage.change(self.in_call(), now) {
            self.actions.push_back(Action::Feed { on });
        }
    }

    fn play(&mut self, sequence: Sequence, window: Option<Window>) -> PlayId {
        self.plays = self.plays.wrapping_add(1);
        let play = PlayId(self.plays);
        self.actions.push_back(Action::Play { play, sequence, window });
        play
    }

    fn step(&mut self, sample: Option<Sample>, step: Step) {
        let call = self.call();
        self.actions.push_back(Action::Step { call, sample, step });
    }

    fn call(&self) -> CallId {
        CallId { line: self.config.line, number: self.calls }
    }
}
