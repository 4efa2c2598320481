//! The host's side of the control sequence: numbers, keeps and repeats until the card acknowledges.
//!
//! It refuses to carry a control over from one link to the next: what a card was asked before it
//! was greeted may be wrong by then, so the program says its state again.

use heapless::Deque;

use crate::Seq;
use crate::control::{Control, ControlKind};
use crate::limits::CONTROL_WINDOW;
use crate::timing::{REPEAT_FIRST_MS, REPEAT_MAX_MS};

/// Unacknowledged controls, oldest first, without gaps in their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    waiting: Deque<Waiting, CONTROL_WINDOW>,
    next_seq: Seq,
}

#[derive(Clone, Debug)]
struct Waiting {
    control: Control,
    due_ms: u64,
    repeat_ms: u64,
}

impl Outbox {
    /// Numbers a control and keeps it, or `None` when there is no room.
    pub(crate) fn push(&mut self, line: u8, kind: ControlKind, now_ms: u64) -> Option<Seq> {
        let seq = self.next_seq;
        let control = Control { seq, line, kind };
        self.waiting.push_back(Waiting { control, due_ms: now_ms, repeat_ms: REPEAT_FIRST_MS }).ok()?;
        self.next_seq = seq.next();
        Some(seq)
    }

    /// The card has taken this one and all before it. A number that does not wait changes nothing.
    ///
    /// What was repeated behind a control that the wire lost is due at once: the card dropped it.
    pub(crate) fn acknowledge(&mut self, seq: Seq, now_ms: u64) {
        let taken = usize::from(seq.steps_from(self.first_seq())) + 1;
        if taken > self.waiting.len() {
            return;
        }
        for _ in 0..taken {
            self.waiting.pop_front();
        }
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.repeat_ms > 2 * REPEAT_FIRST_MS) {
            (waiting.due_ms, waiting.repeat_ms) = (now_ms, REPEAT_FIRST_MS);
        }
    }

    /// The oldest control that is due; its repeat is put off to twice the distance.
    pub(crate) fn next_due(&mut self, now_ms: u64) -> Option<Control> {
        let waiting = self.waiting.iter_mut().find(|waiting| now_ms >= waiting.due_ms)?;
        waiting.due_ms = now_ms + waiting.repeat_ms;
        waiting.repeat_ms = (waiting.repeat_ms * 2).min(REPEAT_MAX_MS);
        Some(waiting.control.clone())
    }

    /// The link is over.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// When the next control is due.
    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        self.waiting.iter().map(|waiting| waiting.due_ms).min()
    }

    /// The oldest waiting control's number; with none waiting, the next one's.
    pub(crate) fn first_seq(&self) -> Seq {
        self.waiting.front().map_or(self.next_seq, |waiting| waiting.control.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_is_repeated_at_doubling_distances_until_it_is_acknowledged() {
        let mut outbox = Outbox::default();
        outbox.push(3, ControlKind::Stop, 100).unwrap();
        for at_ms in [100, 120, 160, 240, 400, 720, 1_360, 2_360] {
            assert_eq!(outbox.poll_timeout(), Some(at_ms));
            assert_eq!(outbox.next_due(at_ms).map(|control| control.line), Some(3));
        }
        outbox.acknowledge(Seq(0), 0);
        assert_eq!((outbox.poll_timeout(), outbox.first_seq()), (None, Seq(1)));
    }

    #[test]
    fn what_waited_behind_a_lost_control_is_not_held_back_by_its_own_distance() {
        let mut outbox = Outbox::default();
        outbox.push(0, ControlKind::Stop, 0).unwrap();
        outbox.push(1, ControlKind::Stop, 0).unwrap();
        for at_ms in [0, 20, 60, 140] {
            assert_eq!(
                [0, 1].map(|_| outbox.next_due(at_ms).map(|control| control.line)),
                [Some(0), Some(1)]
            );
        }
        outbox.acknowledge(Seq(0), 150);
        assert_eq!(outbox.next_due(150).map(|control| control.line), Some(1));
        assert_eq!(outbox.poll_timeout(), Some(170));
    }

    #[test]
    fn a_full_window_gives_no_number_away() {
        let mut outbox = Outbox { next_seq: Seq(0xfff8), ..Outbox::default() };
        for _ in 0..CONTROL_WINDOW {
            assert!(outbox.push(0, ControlKind::Stop, 0).is_some());
        }
        assert_eq!(outbox.push(0, ControlKind::Stop, 0), None);
        outbox.acknowledge(Seq(0), 0);
        assert_eq!(outbox.first_seq(), Seq(1));
        assert_eq!(outbox.push(0, ControlKind::Stop, 0), Some(Seq(8)));
    }

    #[test]
    fn an_acknowledgement_of_what_does_not_wait_changes_nothing() {
        let mut outbox = Outbox::default();
        outbox.push(0, ControlKind::Stop, 0).unwrap();
        for seq in [1, 0x7fff, 0xffff] {
            outbox.acknowledge(Seq(seq), 0);
            assert_eq!(outbox.first_seq(), Seq(0), "after {seq:#x}");
        }
    }
}
