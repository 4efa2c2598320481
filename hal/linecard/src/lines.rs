//! What the line circuits see, and what of it the host has not been told for want of room.
//!
//! A change that finds the event queue full is held; the next one on that line cancels it, and both
//! are lost. So the last state of a line always reaches the host, and the count of lost changes is
//! exact.

use ata_wire::limits::MAX_LINES;
use ata_wire::{Feed, LineState, LineTest, Seq};
use heapless::Vec;

use crate::audio::Downlink;
use crate::ring::Ring;
use crate::tones::{Ended, Tones};

/// What became of a hook change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// It is an event with this number.
    Queued(Seq),
    /// The event queue is full: it becomes an event as soon as there is room.
    Held,
    /// The event queue is full, and this change undid one that was held: both are lost.
    Lost,
    /// The hook was so already, or the line has no voltage that would show it.
    Unchanged,
    /// The card has no such line.
    NoSuchLine,
}

/// The lines of a card.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    lines: Vec<Line, MAX_LINES>,
}

/// A line and all that goes on on it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) state: LineState,
    /// The telephone is lifted, whether or not voltage shows it.
    lifted: bool,
    held: bool,
    pub(crate) withdraw_when_dead: bool,
    pub(crate) tones: Tones,
    pub(crate) downlink: Downlink,
    pub(crate) ring: Option<Ring>,
    pub(crate) test: Option<LineTest>,
}

impl Line {
    /// On hook, fed, in normal polarity.
    fn new() -> Self {
        Self {
            state: LineState { off_hook: false, feed: true, reversed: false, since: 0 },
            lifted: false,
            held: false,
            withdraw_when_dead: false,
            tones: Tones::default(),
            downlink: Downlink::default(),
            ring: None,
            test: None,
        }
    }

    /// Feeds the line so; `true`: that closed or opened the loop.
    pub(crate) fn feed(&mut self, feed: Feed, sample: u32) -> bool {
        (self.state.feed, self.state.reversed) = match feed {
            Feed::Off => (false, false),
            Feed::Normal => (true, false),
            Feed::Reversed => (true, true),
        };
        self.ring.take_if(|_| feed == Feed::Off);
        self.observe(sample)
    }

    pub(crate) fn rings(&self, now_ms: u64) -> bool {
        self.ring.is_some_and(|ring| ring.sounds(now_ms))
    }

    /// On-hook, what plays or waits to be played ends.
    pub(crate) fn hang_up_unless(&mut self, off_hook: bool, sample: u32) -> Option<Ended> {
        if off_hook {
            return None;
        }
        self.downlink.clear();
        self.tones.stop(sample)
    }

    /// Current flows through a lifted telephone, if there is voltage.
    fn observe(&mut self, sample: u32) -> bool {
        let off_hook = self.lifted && self.state.feed;
        let changed = self.state.off_hook != off_hook;
        if changed {
            (self.state.off_hook, self.state.since) = (off_hook, sample);
        }
        changed
    }
}

impl Lines {
    /// `count` lines; at least one, at most [`MAX_LINES`].
    pub(crate) fn new(count: u8) -> Self {
        let count = usize::from(count).clamp(1, MAX_LINES);
        Self { lines: (0..count).map(|_| Line::new()).collect() }
    }

    pub(crate) fn count(&self) -> u8 {
        u8::try_from(self.lines.len()).expect("at most MAX_LINES, which is 8")
    }

    pub(crate) fn get(&self, line: u8) -> Option<&Line> {
        self.lines.get(usize::from(line))
    }

    pub(crate) fn get_mut(&mut self, line: u8) -> Option<&mut Line> {
        self.lines.get_mut(usize::from(line))
    }

    /// A telephone is lifted or put down; an error says that the loop did not change by it.
    pub(crate) fn lift(&mut self, line: u8, lifted: bool, sample: u32) -> Result<(), HookOutcome> {
        let line = self.get_mut(line).ok_or(HookOutcome::NoSuchLine)?;
        line.lifted = lifted;
        if line.observe(sample) { Ok(()) } else { Err(HookOutcome::Unchanged) }
    }

    /// The host is dead: lines that were marked so lose their voltage, those in mid-call after it.
    pub(crate) fn withdraw_where_wanted(&mut self) {
        for line in self.lines.iter_mut().filter(|line| line.withdraw_when_dead && !line.state.off_hook) {
            line.feed(Feed::Off, line.state.since);
        }
    }

    /// The change just taken found no room.
    pub(crate) fn hold(&mut self, line: u8) -> HookOutcome {
        let Some(line) = self.lines.get_mut(usize::from(line)) else { return HookOutcome::NoSuchLine };
        line.held = !line.held;
        if line.held { HookOutcome::Held } else { HookOutcome::Lost }
    }

    /// The change that was held first.
    pub(crate) fn release_held(&mut self, sample: u32) -> Option<(u8, LineState)> {
        let held = self.lines.iter_mut().zip(0_u8..).filter(|(line, _)| line.held);
        let (line, number) = held.max_by_key(|(line, _)| sample.wrapping_sub(line.state.since))?;
        line.held = false;
        Some((number, line.state))
    }

    pub(crate) fn states(&self) -> Vec<LineState, MAX_LINES> {
        self.lines.iter().map(|line| line.state).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_changes_come_out_in_the_order_in_which_they_happened() {
        let mut lines = Lines::new(3);
        for (line, sample) in [(2, u32::MAX - 5), (0, 3), (1, 9)] {
            lines.lift(line, true, sample).unwrap();
            assert_eq!(lines.hold(line), HookOutcome::Held);
        }
        let order: [u8; 3] = core::array::from_fn(|_| lines.release_held(20).unwrap().0);
        assert_eq!(order, [2, 0, 1]);
        assert_eq!(lines.release_held(20), None);
    }

    #[test]
    fn a_change_that_undoes_a_held_one_loses_both() {
        let mut lines = Lines::new(1);
        for (off_hook, outcome) in
            [(true, HookOutcome::Held), (false, HookOutcome::Lost), (true, HookOutcome::Held)]
        {
            lines.lift(0, off_hook, 1).unwrap();
            assert_eq!(lines.hold(0), outcome);
        }
        assert_eq!(lines.release_held(2).map(|(line, state)| (line, state.off_hook)), Some((0, true)));
    }

    #[test]
    fn what_is_no_change_is_said_to_be_none() {
        let mut lines = Lines::new(1);
        assert_eq!(lines.lift(0, false, 1), Err(HookOutcome::Unchanged));
        assert_eq!(lines.lift(1, true, 1), Err(HookOutcome::NoSuchLine));
    }
}
