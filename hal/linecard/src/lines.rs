//! What the line circuits see, and what of it the host has not been told for want of room.
//!
//! A change that finds the event queue full is held; the next one on that line cancels it, and both
//! are lost. So the last state of a line always reaches the host, and the count of lost changes is
//! exact.

use ata_wire::limits::MAX_LINES;
use ata_wire::{LineState, Seq};
use heapless::Vec;

/// What became of a hook change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// It is an event with this number.
    Queued(Seq),
    /// The event queue is full: it becomes an event as soon as there is room.
    Held,
    /// The event queue is full, and this change undid one that was held: both are lost.
    Lost,
    /// The hook was so already.
    Unchanged,
    /// The card has no such line.
    NoSuchLine,
}

/// The lines of a card.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    lines: Vec<Line, MAX_LINES>,
}

#[derive(Clone, Debug)]
struct Line {
    state: LineState,
    held: bool,
}

impl Lines {
    /// `count` lines on hook, fed, in normal polarity; at least one, at most [`MAX_LINES`].
    pub(crate) fn new(count: u8) -> Self {
        let state = LineState { off_hook: false, feed: true, reversed: false, since: 0 };
        let count = usize::from(count).clamp(1, MAX_LINES);
        Self { lines: (0..count).map(|_| Line { state, held: false }).collect() }
    }

    /// Takes a change; `None`: there was none, or no such line.
    pub(crate) fn change(&mut self, line: u8, off_hook: bool, sample: u32) -> Result<(), HookOutcome> {
        let line = self.lines.get_mut(usize::from(line)).ok_or(HookOutcome::NoSuchLine)?;
        if line.state.off_hook == off_hook {
            return Err(HookOutcome::Unchanged);
        }
        (line.state.off_hook, line.state.since) = (off_hook, sample);
        Ok(())
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
            lines.change(line, true, sample).unwrap();
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
            lines.change(0, off_hook, 1).unwrap();
            assert_eq!(lines.hold(0), outcome);
        }
        assert_eq!(lines.release_held(2).map(|(line, state)| (line, state.off_hook)), Some((0, true)));
    }

    #[test]
    fn what_is_no_change_is_said_to_be_none() {
        let mut lines = Lines::new(1);
        assert_eq!(lines.change(0, false, 1), Err(HookOutcome::Unchanged));
        assert_eq!(lines.change(1, true, 1), Err(HookOutcome::NoSuchLine));
    }
}
