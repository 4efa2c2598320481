//! What is wanted of the lines and has not been handed to the link: how each shall be fed, kept for
//! the next card as well, and controls that wait for room.

use std::collections::VecDeque;

use ata_wire::limits::MAX_LINES;
use ata_wire::{ControlKind, ControlRefused, Feed, HostSession};

/// Wishes, in order.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    feeds: [Option<bool>; MAX_LINES],
    waiting: VecDeque<(u8, ControlKind)>,
}

impl Wishes {
    /// From here on the line shall be fed so, whichever card comes.
    pub(super) fn feed(&mut self, line: u8, on: bool, session: &mut HostSession, now_ms: u64) {
        if let Some(feed) = self.feeds.get_mut(usize::from(line)) {
            *feed = Some(on);
            self.ask(line, feed_kind(on), session, now_ms);
        }
    }

    /// Asks for it; without a card that is for nothing: its lines are told to be lost.
    pub(super) fn ask(&mut self, line: u8, kind: ControlKind, session: &mut HostSession, now_ms: u64) {
        if !session.is_linked() {
            return;
        }
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
            tracing::warn!(
                line,
                "the card obeys nothing: the oldest of {MAX_WAITING} wishes for its lines is dropped"
            );
        }
        self.waiting.push_back((line, kind));
        self.hand_over(session, now_ms);
    }

    /// Hands over what finds room.
    pub(super) fn hand_over(&mut self, session: &mut HostSession, now_ms: u64) {
        while let Some((line, kind)) = self.waiting.front() {
            match session.control(*line, kind.clone(), now_ms) {
                Ok(_) => {
                    self.waiting.pop_front();
                }
                Err(ControlRefused::Full) => return,
                Err(ControlRefused::NotLinked) => return self.waiting.clear(),
            }
        }
    }

    /// A card said hello: it plays nothing, and is fed as its last host left it.
    pub(super) fn begin_anew(&mut self, session: &mut HostSession, now_ms: u64) {
        self.waiting.clear();
        let known = (0_u8..).zip(self.feeds).filter_map(|(line, feed)| feed.map(|on| (line, on)));
        self.waiting.extend(known.map(|(line, on)| (line, feed_kind(on))));
        self.hand_over(session, now_ms);
    }
}

/// A line whose host is dead has nobody who would answer: the card withdraws it then.
fn feed_kind(on: bool) -> ControlKind {
    let feed = if on { Feed::Normal } else { Feed::Off };
    ControlKind::Feed { feed, withdraw_when_dead: true }
}

/// Twice what eight lines can ask for at once; more comes only while the card acknowledges nothing.
const MAX_WAITING: usize = 64;
