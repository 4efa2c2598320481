//! Events until the host keeps them: each with its own repeat timer, so that one that was damaged on
//! the wire does not wait for the others.

use ata_wire::limits::EVENT_WINDOW;
use ata_wire::timing::{REPEAT_FIRST_MS, REPEAT_MAX_MS};
use ata_wire::{Event, EventKind, Seq};
use heapless::Deque;

/// The queue of unacknowledged events, oldest first, without gaps in their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventQueue {
    waiting: Deque<Waiting, EVENT_WINDOW>,
    next_seq: Seq,
}

#[derive(Clone, Debug)]
struct Waiting {
    event: Event,
    due_ms: u64,
    repeat_ms: u64,
}

impl EventQueue {
    /// Numbers an event and keeps it, or `None` when there is no room.
    pub(crate) fn push(&mut self, line: u8, kind: EventKind, sample: u32, now_ms: u64) -> Option<Seq> {
        let event = Event { seq: self.next_seq, line, sample, kind };
        self.waiting.push_back(Waiting { event, due_ms: now_ms, repeat_ms: REPEAT_FIRST_MS }).ok()?;
        self.next_seq = self.next_seq.next();
        Some(event.seq)
    }

    /// The host keeps this one and all before it. A number that does not wait changes nothing: it is
    /// the repeat of an acknowledgement, or a lie.
    pub(crate) fn acknowledge(&mut self, seq: Seq) {
        let kept = usize::from(seq.steps_from(self.first_seq())) + 1;
        if kept <= self.waiting.len() {
            for _ in 0..kept {
                self.waiting.pop_front();
            }
        }
    }

    /// The oldest event that is due; its repeat is put off to twice the distance.
    pub(crate) fn next_due(&mut self, now_ms: u64) -> Option<Event> {
        let waiting = self.waiting.iter_mut().find(|waiting| now_ms >= waiting.due_ms)?;
        waiting.due_ms = now_ms + waiting.repeat_ms;
        waiting.repeat_ms = (waiting.repeat_ms * 2).min(REPEAT_MAX_MS);
        Some(waiting.event)
    }

    /// A link stands: everything is due, and repeats begin at their shortest.
    pub(crate) fn resume(&mut self, now_ms: u64) {
        for waiting in &mut self.waiting {
            (waiting.due_ms, waiting.repeat_ms) = (now_ms, REPEAT_FIRST_MS);
        }
    }

    /// When the next event is due.
    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        self.waiting.iter().map(|waiting| waiting.due_ms).min()
    }

    /// The oldest waiting event's number; with none waiting, the next event's.
    pub(crate) fn first_seq(&self) -> Seq {
        self.waiting.front().map_or(self.next_seq, |waiting| waiting.event.seq)
    }

    pub(crate) fn next_seq(&self) -> Seq {
        self.next_seq
    }

    pub(crate) fn get(&self, seq: Seq) -> Option<Event> {
        let index = usize::from(seq.steps_from(self.first_seq()));
        self.waiting.iter().nth(index).map(|waiting| waiting.event)
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn free(&self) -> usize {
        EVENT_WINDOW - self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: EventKind = EventKind::HookChange { off_hook: true };

    #[test]
    fn an_event_is_repeated_at_doubling_distances_up_to_a_second() {
        let mut queue = EventQueue::default();
        queue.push(0, HOOK, 0, 0);
        let mut at = [0; 10];
        for sent_ms in &mut at {
            *sent_ms = queue.poll_timeout().unwrap();
            assert!(queue.next_due(*sent_ms).is_some());
        }
        assert_eq!(at, [0, 20, 60, 140, 300, 620, 1_260, 2_260, 3_260, 4_260]);
    }

    #[test]
    fn an_acknowledgement_takes_all_before_it_and_nothing_it_does_not_name() {
        let mut queue = EventQueue { next_seq: Seq(0xffff), ..EventQueue::default() };
        for _ in 0..3 {
            queue.push(0, HOOK, 0, 0);
        }
        for (seq, left) in [(0xfffe, 3), (2, 3), (0x7fff, 3), (0, 1), (0, 1), (1, 0), (2, 0)] {
            queue.acknowledge(Seq(seq));
            assert_eq!(queue.len(), left, "after {seq:#x}");
        }
        assert_eq!(queue.first_seq(), Seq(2));
    }

    #[test]
    fn a_full_queue_gives_no_number_away() {
        let mut queue = EventQueue::default();
        for _ in 0..EVENT_WINDOW {
            assert!(queue.push(0, HOOK, 0, 0).is_some());
        }
        assert_eq!(queue.push(0, HOOK, 0, 0), None);
        assert_eq!(queue.next_seq(), Seq(64));
        assert_eq!((queue.get(Seq(63)).map(|event| event.seq), queue.get(Seq(64))), (Some(Seq(63)), None));
    }
}
