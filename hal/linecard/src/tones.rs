//! What a line plays: steps of tones, begun and ended to the sample.
//!
//! ```text
//!           asked                 window, or at once            last sample
//!   Idle ----------> Waiting ------------------------> Playing ------------> Idle, Completed
//!                       | past the window: TooLate        | stop, digit, hang-up, next play: Stopped
//!                       +---------------------------------+----------------> Idle
//! ```
//! Every play that was asked for ends in exactly one [`Ended`].

use ata_wire::{Play, Step, TonesEnd, Window};

use crate::BLOCK;
use crate::digit::DigitWatch;
use crate::sine::Oscillator;

/// The tones of one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tones {
    state: State,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Idle,
    Waiting(Asked),
    Playing(Playing),
}

/// A play and who asked for it.
#[derive(Clone, Debug)]
struct Asked {
    host_boot: u32,
    play: Play,
}

#[derive(Clone, Debug)]
struct Playing {
    asked: Asked,
    begun: u32,
    /// The first sample that was not given out.
    next: u32,
    step: usize,
    left: u32,
    tones: [Oscillator; 2],
    watch: DigitWatch,
}

/// The end of a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) host_boot: u32,
    pub(crate) play: u16,
    pub(crate) end: TonesEnd,
    pub(crate) begun: u32,
    /// The first sample after its last.
    pub(crate) sample: u32,
}

impl Tones {
    /// A play is to follow whatever plays; that ends. `now`: the sample counter.
    pub(crate) fn start(&mut self, host_boot: u32, play: Play, now: u32) -> Option<Ended> {
        let replaced = self.stop(now);
        self.state = State::Waiting(Asked { host_boot, play });
        replaced
    }

    /// Silence. `now`: the sample counter.
    pub(crate) fn stop(&mut self, now: u32) -> Option<Ended> {
        match core::mem::take(&mut self.state) {
            State::Idle => None,
            State::Waiting(asked) => Some(asked.ended(TonesEnd::Stopped, now, now)),
            State::Playing(playing) => Some(playing.ended(TonesEnd::Stopped)),
        }
    }

    /// Nothing sounds; something may wait for its window.
    pub(crate) fn is_silent(&self) -> bool {
        !matches!(self.state, State::Playing(_))
    }

    /// The next block: `heard` is what the telephone says in it, `out` gets what is played.
    pub(crate) fn block(
        &mut self,
        first: u32,
        heard: &[i16; BLOCK],
        out: &mut [i16; BLOCK],
    ) -> Option<Ended> {
        let ended = self.begin_if_due(first);
        let State::Playing(playing) = &mut self.state else { return ended };
        if playing.asked.play.stop_on_digit && playing.watch.hears_digit(heard) {
            return self.stop(first);
        }
        if playing.fill(first, out) {
            return None;
        }
        let ended = playing.ended(TonesEnd::Completed);
        self.state = State::Idle;
        Some(ended)
    }

    fn begin_if_due(&mut self, first: u32) -> Option<Ended> {
        let State::Waiting(asked) = &self.state else { return None };
        let Window { earliest, latest } =
            asked.play.window.unwrap_or(Window { earliest: first, latest: first });
        let begin = if is_after(earliest, first) { earliest } else { first };
        if is_after(begin, latest) {
            let ended = asked.ended(TonesEnd::TooLate, first, first);
            self.state = State::Idle;
            return Some(ended);
        }
        if begin.wrapping_sub(first) < BLOCK as u32 {
            self.state = State::Playing(Playing::new(asked.clone(), begin));
        }
        None
    }
}

impl Asked {
    fn ended(&self, end: TonesEnd, begun: u32, sample: u32) -> Ended {
        Ended { host_boot: self.host_boot, play: self.play.play, end, begun, sample }
    }
}

impl Playing {
    fn new(asked: Asked, begun: u32) -> Self {
        let (tones, watch) = ([Oscillator::default(); 2], DigitWatch::default());
        let mut playing = Self { asked, begun, next: begun, step: 0, left: 0, tones, watch };
        playing.enter_step(0, true);
        playing
    }

    fn ended(&self, end: TonesEnd) -> Ended {
        self.asked.ended(end, self.begun, self.next)
    }

    /// Plays up to the end of the block; `false`: the last step ended in it.
    fn fill(&mut self, first: u32, out: &mut [i16; BLOCK]) -> bool {
        let from = self.next.wrapping_sub(first) as usize;
        for sample in out.iter_mut().skip(from) {
            if self.left == 0 && !self.next_step() {
                return false;
            }
            let sum: i32 = self.tones.iter_mut().map(Oscillator::next).sum();
            *sample = sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
            self.left -= 1;
            self.next = self.next.wrapping_add(1);
        }
        self.left > 0 || self.has_next_step()
    }

    fn has_next_step(&self) -> bool {
        self.asked.play.endless || self.step + 1 < self.asked.play.steps.len()
    }

    fn next_step(&mut self) -> bool {
        if !self.has_next_step() {
            return false;
        }
        let was_silent = self.step_at(self.step).is_none_or(|step| step.frequencies == [0, 0]);
        let next = (self.step + 1) % self.asked.play.steps.len();
        self.enter_step(next, was_silent);
        true
    }

    /// After silence a wave begins at its zero crossing; after a tone it goes on.
    fn enter_step(&mut self, index: usize, was_silent: bool) {
        let Some(step) = self.step_at(index) else { return };
        (self.step, self.left) = (index, step.samples);
        for (tone, hertz) in self.tones.iter_mut().zip(step.frequencies) {
            if was_silent {
                tone.restart();
            }
            tone.set(hertz, step.level_dbm0);
        }
    }

    fn step_at(&self, index: usize) -> Option<Step> {
        self.asked.play.steps.get(index).copied()
    }
}

/// `a` comes later than `b`, on a counter that wraps.
fn is_after(a: u32, b: u32) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && ahead <= u32::MAX / 2
}

#[cfg(test)]
mod tests;
