//! The receiver's half of Contact ID (DC-05): digits into signals, and the law of the kiss-off.
//!
//! A kiss-off is asked for when both are true, in whichever order they become true: the station has
//! taken the signal over, and the panel listens, that is, nothing was heard since the last digit of a
//! complete valid repeat. A digit ends the listening; the next complete repeat opens it again.

use core::time::Duration;

use dsp::tones::Sequence;
use hal::{Dtmf, Sample, Tick};
use panel_wire::{Message, decode};
use serde::{Deserialize, Serialize};

use crate::action::{PlayId, SignalId, Step, Window, text};
use crate::config::LineConfig;
use crate::event::TonesEnd;
use crate::ledger::Ledger;

/// What the receiver wants of the line around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Step(Option<Sample>, Step),
    /// A signal heard for the first time.
    Signal(SignalId, Message, Sample),
    /// A kiss-off within this window.
    KissOff(Window),
    /// A digit runs: whatever plays is stopped.
    Silence,
}

/// One call's receiver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receiver {
    digits: Vec<Dtmf>,
    last_end: Option<Sample>,
    digit_runs: bool,
    heard_anything: bool,
    open: Option<Open>,
    kiss_off: Option<KissOff>,
    not_kissed_off: u8,
}

/// The signal that the panel repeats until it hears a kiss-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    signal: SignalId,
    delivered: bool,
    repeats: u8,
    /// The end of the latest valid repeat, while the panel listens.
    listens_since: Option<Sample>,
}

/// A kiss-off that the card was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct KissOff {
    play: PlayId,
    signal: SignalId,
    last_digit: Sample,
}

impl Receiver {
    pub(crate) const fn heard_anything(&self) -> bool {
        self.heard_anything
    }

    /// Signals of this call that the panel was not told about.
    pub(crate) const fn not_kissed_off(&self) -> u8 {
        self.not_kissed_off
    }

    pub(crate) fn digit_begun(&mut self, wants: &mut Vec<Want>) {
        self.digit_runs = true;
        self.heard_anything = true;
        if let Some(open) = &mut self.open {
            open.listens_since = None;
        }
        if self.kiss_off.is_some() {
            wants.push(Want::Silence);
        }
    }

    pub(crate) fn digit(
        &mut self,
        (digit, begin, end): (Dtmf, Sample, Sample),
        (config, ledger, now): (&LineConfig, &mut Ledger, Tick),
        wants: &mut Vec<Want>,
    ) {
        self.digit_runs = false;
        self.heard_anything = true;
        if self.last_end.is_some_and(|last| begin.since(last) > config.digit_gap) {
            self.forget_fragment(wants);
        }
        self.last_end = Some(end);
        self.digits.push(digit);
        if self.digits.len() == panel_wire::LENGTH {
            let digits = core::mem::take(&mut self.digits);
            match decode(&digits) {
                Ok(message) => self.message(&digits, message, end, ledger, now, wants),
                Err(fault) => {
                    wants.push(Want::Step(Some(end), Step::Faulty { digits: text(&digits), fault }));
                }
            }
            self.kiss_off_if_both(config, wants);
        }
    }

    fn message(
        &mut self,
        digits: &[Dtmf],
        message: Message,
        end: Sample,
        ledger: &mut Ledger,
        now: Tick,
        wants: &mut Vec<Want>,
    ) {
        let known = ledger.identify(digits, now);
        let repeats = match &self.open {
            Some(open) if open.signal == known.signal => open.repeats.saturating_add(1),
            Some(_) | None => {
                self.not_kissed_off = self.not_kissed_off.saturating_add(1);
                1
            }
        };
        self.open = Some(Open {
            signal: known.signal,
            delivered: known.delivered,
            repeats,
            listens_since: Some(end),
        });
        let step = Step::Message { digits: text(digits), signal: known.signal, repeat: repeats };
        wants.push(Want::Step(Some(end), step));
        if known.first {
            wants.push(Want::Signal(known.signal, message, end));
        }
    }

    pub(crate) fn delivered(&mut self, signal: SignalId, config: &LineConfig, wants: &mut Vec<Want>) {
        if let Some(open) = self.open.as_mut().filter(|open| open.signal == signal) {
            open.delivered = true;
            self.kiss_off_if_both(config, wants);
        }
    }

    fn kiss_off_if_both(&self, config: &LineConfig, wants: &mut Vec<Want>) {
        let Some(open) = &self.open else { return };
        let Some(last_digit) = open.listens_since else { return };
        if open.delivered && !self.digit_runs && self.kiss_off.is_none() {
            wants.push(Want::KissOff(Window {
                earliest: last_digit.after(config.kiss_off_earliest),
                latest: last_digit.after(config.kiss_off_latest),
            }));
        }
    }

    /// The kiss-off that was wanted is on its way to the card under this name.
    pub(crate) fn kiss_off_asked(&mut self, play: PlayId) {
        if let Some((signal, last_digit)) =
            self.open.as_ref().and_then(|o| Some((o.signal, o.listens_since?)))
        {
            self.kiss_off = Some(KissOff { play, signal, last_digit });
        }
    }

    /// The panel repeats this signal until it is told, or has just said it.
    pub(crate) fn is_about(&self, signal: SignalId) -> bool {
        self.open.as_ref().is_some_and(|open| open.signal == signal)
    }

    /// A sequence has ended; answers whether it was a kiss-off of this receiver.
    pub(crate) fn tones_ended(
        &mut self,
        (play, sample, end): (PlayId, Sample, TonesEnd),
        ledger: &mut Ledger,
        wants: &mut Vec<Want>,
    ) -> bool {
        let Some(kiss_off) = self.kiss_off.filter(|kiss_off| kiss_off.play == play) else { return false };
        self.kiss_off = None;
        let signal = kiss_off.signal;
        let step = match end {
            TonesEnd::Completed => {
                ledger.forget(signal);
                self.open = None;
                self.not_kissed_off = self.not_kissed_off.saturating_sub(1);
                let lasted = Sequence::KissOff.lasts().unwrap_or(Duration::ZERO);
                Step::KissedOff { signal, after: sample.since(kiss_off.last_digit).saturating_sub(lasted) }
            }
            TonesEnd::Stopped | TonesEnd::TooLate => {
                if let Some(open) = &mut self.open {
                    open.listens_since = None;
                }
                Step::NotKissedOff { signal }
            }
        };
        wants.push(Want::Step(Some(sample), step));
        true
    }

    /// Fewer digits than a message has, and then nothing: told once, forgotten.
    pub(crate) fn forget_fragment(&mut self, wants: &mut Vec<Want>) {
        if self.digits.is_empty() {
            return;
        }
        let digits = core::mem::take(&mut self.digits);
        let fault = panel_wire::Fault::Length(digits.len());
        wants.push(Want::Step(self.last_end, Step::Faulty { digits: text(&digits), fault }));
    }
}
