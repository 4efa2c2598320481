//! The host's side of the event sequence: puts events in order, drops repeats, acknowledges.
//!
//! It acknowledges only what it was told is kept. An event of a kind or line that nobody can use is
//! passed over, counted, and acknowledged once everything before it is: it must not stop the rest.

use crate::Seq;
use crate::event::{Event, EventKind};
use crate::limits::EVENT_WINDOW;
use crate::message::Ack;

/// Events of one boot of a card.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    card_boot: u32,
    lines: u8,
    /// The next to be delivered.
    expected: Seq,
    /// The last that is kept.
    acked: Seq,
    /// Bit n: the event `acked + 1 + n` was passed over.
    passed_over: u64,
    /// By sequence modulo the window; filled ahead of `expected` when one was missed.
    window: [Option<Event>; EVENT_WINDOW],
    ack_due: bool,
}

impl Inbox {
    /// For a card whose oldest unacknowledged event is `first`.
    pub(crate) fn new(card_boot: u32, lines: u8, first: Seq) -> Self {
        let acked = first.previous();
        let window = [None; EVENT_WINDOW];
        Self { card_boot, lines, expected: first, acked, passed_over: 0, window, ack_due: false }
    }

    pub(crate) fn card_boot(&self) -> u32 {
        self.card_boot
    }

    /// A hello of the same boot says where the card stands: what it forgot will never come.
    pub(crate) fn resume(&mut self, first: Seq) {
        let forgotten = first.steps_from(self.expected);
        if forgotten != 0 && forgotten < HALF {
            *self = Self::new(self.card_boot, self.lines, first);
        }
        // The card still holds what was kept: the acknowledgement was lost.
        let acked = self.acked.next().steps_from(first);
        self.ack_due |= acked != 0 && acked < HALF;
    }

    /// Takes an event as it came. A repeat of something kept asks for its acknowledgement again.
    pub(crate) fn take_in(&mut self, event: Event) {
        if usize::from(event.seq.steps_from(self.expected)) < EVENT_WINDOW {
            self.window[slot(event.seq)] = Some(event);
        } else if event.seq.steps_from(self.acked.next()) >= HALF {
            self.ack_due = true;
        }
    }

    /// Whether [`Self::next`] would give one.
    pub(crate) fn has_next(&self) -> bool {
        self.window[slot(self.expected)].is_some()
    }

    /// The next event in order that is for this host; `odd` counts those that are for nobody.
    pub(crate) fn next(&mut self, host_boot: u32, odd: &mut u32) -> Option<Event> {
        loop {
            let event = self.window[slot(self.expected)].take()?;
            self.expected = self.expected.next();
            match event.kind {
                EventKind::Other(_) => *odd = odd.saturating_add(1),
                _ if event.line >= self.lines => *odd = odd.saturating_add(1),
                // A play of the program before this one.
                EventKind::TonesEnded { host_boot: asked_by, .. } if asked_by != host_boot => {}
                EventKind::HookChange { .. }
                | EventKind::TonesEnded { .. }
                | EventKind::RingTrip
                | EventKind::LineFault { .. }
                | EventKind::TestResult { .. } => return Some(event),
            }
            self.pass_over(event.seq);
        }
    }

    /// This event and all before it are kept. What was never delivered cannot be.
    pub(crate) fn acknowledge(&mut self, seq: Seq) {
        let steps = seq.steps_from(self.acked);
        let delivered = self.expected.previous().steps_from(self.acked);
        if steps == 0 || steps > delivered {
            return;
        }
        self.passed_over = self.passed_over.checked_shr(u32::from(steps)).unwrap_or(0);
        self.acked = seq;
        self.ack_due = true;
        self.acknowledge_passed_over();
    }

    /// The acknowledgement to send, once.
    pub(crate) fn take_ack(&mut self) -> Option<Ack> {
        core::mem::take(&mut self.ack_due).then_some(Ack { boot: self.card_boot, seq: self.acked })
    }

    /// Nobody will keep this event: it counts as kept once all before it are.
    pub(crate) fn pass_over(&mut self, seq: Seq) {
        let ahead = seq.steps_from(self.acked.next());
        self.passed_over |= 1_u64.checked_shl(u32::from(ahead)).unwrap_or(0);
        self.acknowledge_passed_over();
    }

    fn acknowledge_passed_over(&mut self) {
        while self.passed_over & 1 != 0 {
            self.passed_over >>= 1;
            self.acked = self.acked.next();
            self.ack_due = true;
        }
    }
}

fn slot(seq: Seq) -> usize {
    usize::from(seq.0) % EVENT_WINDOW
}

/// Half of the number space: what lies farther ahead lies behind.
const HALF: u16 = 0x8000;

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: u32 = 7;
    const HOST: u32 = 9;

    fn hook(seq: u16) -> Event {
        let kind = EventKind::HookChange { off_hook: seq % 2 == 0 };
        Event { seq: Seq(seq), line: 0, sample: u32::from(seq), kind }
    }

    fn inbox(first: u16) -> Inbox {
        Inbox::new(BOOT, 2, Seq(first))
    }

    fn drain(inbox: &mut Inbox) -> std::vec::Vec<u16> {
        let mut odd = 0;
        core::iter::from_fn(|| inbox.next(HOST, &mut odd)).map(|event| event.seq.0).collect()
    }

    fn acked(inbox: &mut Inbox) -> Option<u16> {
        inbox.take_ack().map(|ack| ack.seq.0)
    }

    #[test]
    fn events_are_delivered_in_order_once_across_the_wrap() {
        let mut inbox = inbox(0xfffe);
        for seq in [0xffff, 0, 0xfffe, 0xffff, 0xfffe, 0] {
            inbox.take_in(hook(seq));
        }
        assert_eq!(drain(&mut inbox), [0xfffe, 0xffff, 0]);
        inbox.take_in(hook(0xffff));
        assert_eq!(drain(&mut inbox), []);
    }

    #[test]
    fn nothing_is_acknowledged_before_it_is_kept() {
        let mut inbox = inbox(0);
        inbox.take_in(hook(0));
        inbox.take_in(hook(1));
        drain(&mut inbox);
        inbox.take_in(hook(0));
        assert_eq!(acked(&mut inbox), None);
        inbox.acknowledge(Seq(0));
        assert_eq!(acked(&mut inbox), Some(0));
        assert_eq!(acked(&mut inbox), None);
    }

    #[test]
    fn a_repeat_of_something_kept_is_acknowledged_again() {
        let mut inbox = inbox(0);
        inbox.take_in(hook(0));
        drain(&mut inbox);
        inbox.acknowledge(Seq(0));
        acked(&mut inbox);
        inbox.take_in(hook(0));
        assert_eq!(acked(&mut inbox), Some(0));
    }

    #[test]
    fn what_was_never_delivered_cannot_be_acknowledged() {
        let mut inbox = inbox(10);
        inbox.take_in(hook(10));
        for never in [10, 11, 9, 8, 0x800a] {
            inbox.acknowledge(Seq(never));
            assert_eq!(acked(&mut inbox), None, "{never}");
        }
    }

    #[test]
    fn an_event_beyond_the_window_is_left_to_its_repeat() {
        let mut inbox = inbox(0);
        inbox.take_in(hook(64));
        for seq in 0..64 {
            inbox.take_in(hook(seq));
        }
        assert_eq!(drain(&mut inbox).len(), 64);
        inbox.take_in(hook(64));
        assert_eq!(drain(&mut inbox), [64]);
    }

    #[test]
    fn an_unusable_event_is_passed_over_and_acknowledged_behind_those_before_it() {
        let mut inbox = inbox(0);
        inbox.take_in(hook(0));
        inbox.take_in(Event { kind: EventKind::Other(9), ..hook(1) });
        inbox.take_in(Event { line: 2, ..hook(2) });
        inbox.take_in(hook(3));
        let mut odd = 0;
        assert_eq!(inbox.next(HOST, &mut odd), Some(hook(0)));
        assert_eq!(inbox.next(HOST, &mut odd), Some(hook(3)));
        assert_eq!((odd, acked(&mut inbox)), (2, None));
        inbox.acknowledge(Seq(0));
        assert_eq!(acked(&mut inbox), Some(2));
        inbox.acknowledge(Seq(3));
        assert_eq!(acked(&mut inbox), Some(3));
    }

    #[test]
    fn a_hello_that_still_holds_what_was_kept_is_acknowledged() {
        let mut inbox = inbox(0);
        inbox.take_in(hook(0));
        drain(&mut inbox);
        inbox.acknowledge(Seq(0));
        acked(&mut inbox);
        inbox.resume(Seq(0));
        assert_eq!(acked(&mut inbox), Some(0));
        inbox.resume(Seq(1));
        assert_eq!(acked(&mut inbox), None);
    }

    #[test]
    fn a_hello_that_has_forgotten_events_moves_the_inbox_on() {
        let mut inbox = inbox(0);
        inbox.take_in(hook(3));
        inbox.resume(Seq(5));
        inbox.take_in(hook(5));
        assert_eq!(drain(&mut inbox), [5]);
    }
}
