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

#[cfg(test)]
mod tests {
    use ata_wire::limits::{CONTROL_WINDOW, MAX_WIRE};
    use ata_wire::{
        Ack, Answer, CardHello, CardState, Decoder, Greeting, LineState, Message, Seq, VERSIONS, encode,
    };

    use super::*;

    const HOST: u32 = 4;

    fn session() -> HostSession {
        HostSession::new(HOST, 0)
    }

    /// A card with eight lines says hello.
    fn link(session: &mut HostSession, wishes: &mut Wishes, card_boot: u32) {
        let line = LineState { off_hook: false, feed: true, reversed: false, since: 0 };
        let state = CardState {
            self_test: 0,
            codecs: 1,
            queued: 0,
            first_seq: Seq(0),
            events_lost: 0,
            sample: 0,
            lines: [line; MAX_LINES].into_iter().collect(),
        };
        let (firmware, serial) = Default::default();
        let greeting = Greeting { versions: VERSIONS, card_boot, host_boot: HOST, firmware, serial };
        session.reopened(0);
        say(session, &Message::CardHello(CardHello { greeting, answer: Answer::Current(state) }));
        while session.poll_event().is_some() {}
        assert!(session.is_linked());
        wishes.begin_anew(session, 0);
    }

    fn say(session: &mut HostSession, message: &Message) {
        let mut out = [0; MAX_WIRE];
        let len = encode(message, &mut out);
        session.receive(&out[..len], 0);
    }

    /// The controls that the card sees, in order: number and line.
    fn asked(session: &mut HostSession) -> Vec<(u16, u8, ControlKind)> {
        let (mut decoder, mut out) = (Decoder::new(), [0; MAX_WIRE]);
        let mut controls = Vec::new();
        while let Some(len) = session.poll_transmit(0, &mut out) {
            for octet in &out[..len] {
                if let Some(Ok(Message::Control(control))) = decoder.push(*octet) {
                    controls.push((control.seq.0, control.line, control.kind));
                }
            }
        }
        controls
    }

    #[test]
    fn how_a_line_shall_be_fed_is_said_to_every_card_and_the_last_word_counts() {
        let (mut session, mut wishes) = (session(), Wishes::default());
        wishes.feed(1, false, &mut session, 0);
        wishes.feed(2, false, &mut session, 0);
        wishes.feed(2, true, &mut session, 0);
        link(&mut session, &mut wishes, 7);
        assert_eq!(asked(&mut session), [(0, 1, feed_kind(false)), (1, 2, feed_kind(true))]);
        link(&mut session, &mut wishes, 8);
        assert_eq!(asked(&mut session), [(2, 1, feed_kind(false)), (3, 2, feed_kind(true))]);
    }

    #[test]
    fn what_is_to_be_played_while_no_card_is_there_is_forgotten() {
        let (mut session, mut wishes) = (session(), Wishes::default());
        wishes.ask(0, ControlKind::Stop, &mut session, 0);
        link(&mut session, &mut wishes, 7);
        assert_eq!(asked(&mut session), []);
    }

    #[test]
    fn what_finds_no_room_in_the_window_follows_in_order() {
        let (mut session, mut wishes) = (session(), Wishes::default());
        link(&mut session, &mut wishes, 7);
        for count in 0..40 {
            wishes.ask(count % 8, ControlKind::Stop, &mut session, 0);
        }
        let mut seen: Vec<u16> = Vec::new();
        for _ in 0..3 {
            let controls = asked(&mut session);
            assert!(controls.len() <= CONTROL_WINDOW);
            seen.extend(controls.iter().map(|(seq, ..)| *seq));
            let last = Seq(*seen.last().unwrap());
            say(&mut session, &Message::Ack(Ack { boot: HOST, seq: last }));
            wishes.hand_over(&mut session, 0);
        }
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
    }
}
