//! Where a host session stands, and what a standing link knows.

use super::{LostWhy, lines_of};
use crate::message::CardState;
use crate::timing::{CARD_LOST_AFTER_MS, HEARTBEAT_MS, HELLO_MS};

#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// No card yet, or not any more.
    Greeting(Waiting),
    /// A card answers.
    Linked(Linked),
}

/// What a greeting knows.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    since_ms: u64,
    pub(super) next_hello_ms: u64,
    /// The last heartbeat of a card that did not answer.
    pub(super) heard_ms: Option<u64>,
}

/// What a standing link knows.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    pub(super) card_boot: u32,
    pub(super) lines: u8,
    /// The card's sample counter when it last told.
    pub(super) sample: u32,
    pub(super) since_ms: u64,
    pub(super) heard_ms: u64,
    pub(super) hello_ack_due: bool,
    pub(super) next_heartbeat_ms: u64,
    /// Our heartbeats have gone out in time since then: without that, a deaf card is our own fault.
    pub(super) steady_since_ms: u64,
    pub(super) host_age_ms: u16,
    pub(super) events_lost: u32,
}

impl Phase {
    /// Greets from `now_ms` on.
    pub(super) fn greeting(now_ms: u64) -> Self {
        Self::Greeting(Waiting { since_ms: now_ms, next_hello_ms: now_ms, heard_ms: None })
    }
}

impl Waiting {
    pub(super) fn hello_due(&mut self, now_ms: u64) -> bool {
        let due = now_ms >= self.next_hello_ms;
        if due {
            self.next_hello_ms = now_ms + HELLO_MS;
        }
        due
    }

    /// A card that beats but does not answer hears nothing.
    pub(super) fn lost(&self, now_ms: u64) -> Option<LostWhy> {
        let beats = self.heard_ms.is_some_and(|heard| now_ms < heard + CARD_LOST_AFTER_MS);
        let why = if beats { LostWhy::Deaf } else { LostWhy::Silent };
        (now_ms >= self.since_ms + CARD_LOST_AFTER_MS).then_some(why)
    }
}

impl Linked {
    pub(super) fn new(card_boot: u32, state: &CardState, now_ms: u64) -> Self {
        Self {
            card_boot,
            lines: lines_of(state),
            sample: state.sample,
            since_ms: now_ms,
            heard_ms: now_ms,
            hello_ack_due: true,
            next_heartbeat_ms: now_ms,
            steady_since_ms: now_ms,
            host_age_ms: 0,
            events_lost: state.events_lost,
        }
    }

    pub(super) fn heartbeat_due(&mut self, now_ms: u64) -> bool {
        if now_ms < self.next_heartbeat_ms {
            return false;
        }
        if now_ms > self.next_heartbeat_ms + HEARTBEAT_MS {
            self.steady_since_ms = now_ms;
        }
        self.next_heartbeat_ms = now_ms + HEARTBEAT_MS;
        true
    }

    pub(super) fn lost(&self, now_ms: u64) -> Option<LostWhy> {
        if now_ms >= self.heard_ms + CARD_LOST_AFTER_MS {
            return Some(LostWhy::Silent);
        }
        let in_time = now_ms <= self.next_heartbeat_ms + HEARTBEAT_MS;
        let steady = in_time && now_ms >= self.steady_since_ms + 2 * CARD_LOST_AFTER_MS;
        let deaf = u64::from(self.host_age_ms) >= CARD_LOST_AFTER_MS && steady;
        deaf.then_some(LostWhy::Deaf)
    }
}
