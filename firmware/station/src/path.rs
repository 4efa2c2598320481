//! One path: does it work, and when is its next sign of life due?

use core::time::Duration;

use hal::Tick;
use serde::{Deserialize, Serialize};
use station_wire::Sequence;

/// A sign of life without an answer is repeated after so long (neighbouring protocols: 5 s).
const REPEAT_AFTER: Duration = Duration::from_secs(5);
/// So many signs of life without an answer, and the path does not work.
const TRIES: u8 = 3;
/// A path that does not work is asked so often, so that its return is noticed.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// What is known of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Works {
    /// Nothing was heard yet.
    Unknown,
    Yes,
    No,
}

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Path {
    pub(crate) works: Works,
    pub(crate) link_usable: bool,
    every: Duration,
    due: Tick,
    asked: Option<Sequence>,
    tries: u8,
}

impl Path {
    /// The first sign of life is due at once.
    pub(crate) const fn new(every: Duration, now: Tick) -> Self {
        Self { works: Works::Unknown, link_usable: false, every, due: now, asked: None, tries: 0 }
    }

    /// When the path wants something.
    pub(crate) const fn deadline(&self) -> Option<Tick> {
        if self.link_usable { Some(self.due) } else { None }
    }

    /// The link came or went; answers whether the path changed by it.
    pub(crate) fn link(&mut self, usable: bool, now: Tick) -> bool {
        if usable == self.link_usable {
            return false;
        }
        self.link_usable = usable;
        self.asked = None;
        self.tries = 0;
        self.due = now;
        !usable && self.fails()
    }

    /// Something was acknowledged by this path; answers whether the path changed by it.
    pub(crate) fn answered(&mut self, now: Tick) -> bool {
        self.asked = None;
        self.tries = 0;
        self.due = now + self.every;
        let changed = self.works != Works::Yes;
        self.works = Works::Yes;
        changed
    }

    /// A message by this path was not answered in time: is it the path? A sign of life asks.
    pub(crate) fn doubt(&mut self, now: Tick) {
        if self.asked.is_none() && self.works != Works::No {
            self.due = self.due.min(now);
        }
    }

    /// A sign of life was sent.
    pub(crate) fn asked(&mut self, sequence: Sequence, now: Tick) {
        self.asked = Some(sequence);
        self.tries = self.tries.saturating_add(1);
        self.due = now + if self.works == Works::No { ASK_AGAIN } else { REPEAT_AFTER };
    }

    /// The sequence of the sign of life that waits for an answer: a repeat keeps it.
    pub(crate) const fn waits_for(&self) -> Option<Sequence> {
        self.asked
    }

    /// The deadline has come: has it been silent for too long? Answers whether the path changed by it.
    pub(crate) fn silent_too_long(&mut self) -> bool {
        self.asked.is_some() && self.tries >= TRIES && self.fails()
    }

    fn fails(&mut self) -> bool {
        let changed = self.works != Works::No;
        self.works = Works::No;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn three_signs_of_life_without_an_answer_are_a_path_that_does_not_work() {
        let mut path = Path::new(MINUTE, Tick(0));
        path.link(true, Tick(0));
        for n in 0..3 {
            assert!(!path.silent_too_long(), "after {n}");
            path.asked(Sequence::FIRST, Tick(n * 5_000));
        }
        assert_eq!(path.deadline(), Some(Tick(15_000)));
        assert!(path.silent_too_long());
        assert!(!path.silent_too_long(), "told once");
        assert!(path.answered(Tick(16_000)));
        assert_eq!((path.works, path.deadline()), (Works::Yes, Some(Tick(76_000))));
    }

    #[test]
    fn an_answer_is_a_sign_of_life_and_a_missing_one_a_question() {
        let mut path = Path::new(MINUTE, Tick(0));
        path.link(true, Tick(0));
        path.answered(Tick(30_000));
        assert_eq!(path.deadline(), Some(Tick(90_000)));
        path.doubt(Tick(31_000));
        assert_eq!(path.deadline(), Some(Tick(31_000)));
        path.asked(Sequence::FIRST, Tick(31_000));
        path.doubt(Tick(32_000));
        assert_eq!(path.deadline(), Some(Tick(36_000)), "it is asked already");
    }

    #[test]
    fn a_link_that_goes_takes_its_path_along_at_once() {
        let mut path = Path::new(MINUTE, Tick(0));
        assert!(!path.link(false, Tick(0)));
        path.link(true, Tick(0));
        path.answered(Tick(0));
        assert!(path.link(false, Tick(1)));
        assert_eq!((path.works, path.deadline()), (Works::No, None));
    }
}
