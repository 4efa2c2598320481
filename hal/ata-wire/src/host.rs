//! The host's half of the link, sans-IO.
//!
//! ```text
//!                card hello, common version
//!   Greeting ------------------------------------> Linked
//!      ^  hello every 200 ms                         |  heartbeat every 250 ms
//!      |                                             |
//!      +---- silent 1 s, deaf, restarted, events lost+
//! ```
//!
//! It refuses to acknowledge an event before [`HostSession::acknowledge`] says that it is kept, to
//! deliver one twice within a card's boot, to take a hello while events of the boot before wait
//! to be polled, and to carry controls over from one link to the next.

mod audio;
mod phase;
#[cfg(test)]
mod tests;
mod why;

use heapless::Deque;

use crate::codec::{Refused, WireBuffer, encode};
use crate::control::ControlKind;
use crate::event::Event;
use crate::inbox::Inbox;
use crate::message::{
    Ack, Answer, Audio, CardHeartbeat, CardHello, CardState, Greeting, HelloAck, HostHello, Link, Message,
};
use crate::outbox::Outbox;
use crate::timing::{CARD_LOST_AFTER_MS, MISMATCH_HELLO_MS, REGREET_MS};
use crate::{Decoder, Seq, VERSIONS};
use audio::Backlog;
pub use audio::LineAudio;
use phase::{Linked, Phase};
pub use why::{ControlRefused, LostWhy};

/// What the host's program is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// The card speaks our version; again whenever it restarted or had to drop events. It plays
    /// nothing, and controls that it had not acknowledged are dropped: say again how lines shall be.
    Linked(Greeting, CardState),
    /// The card cannot be used.
    Lost(LostWhy),
    /// Something happened on a line: once for each number within a card's boot, in order.
    Line {
        /// The card's boot; also right for an event that waited while the card restarted.
        card_boot: u32,
        /// What happened.
        event: Event,
    },
}

/// Odd input since the session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames with a bad checksum, length, stuffing or field.
    pub damaged: u32,
    /// Whole frames of a type, version or event kind that is not known.
    pub unknown: u32,
}

/// The host's half of the link.
#[derive(Clone, Debug)]
pub struct HostSession {
    host_boot: u32,
    decoder: Decoder,
    phase: Phase,
    /// Outlives a link, so that a card that comes back with the same boot repeats nothing.
    inbox: Option<Inbox>,
    outbox: Outbox,
    audio: Backlog,
    /// The reason last told, so that it is told once.
    told: Option<LostWhy>,
    notices: Deque<HostEvent, MAX_NOTICES>,
    counters: Counters,
}

impl HostSession {
    /// A session that greets at once. `host_boot` differs after every start of the program.
    #[must_use]
    pub fn new(host_boot: u32, now_ms: u64) -> Self {
        Self {
            host_boot: host_boot.max(1),
            decoder: Decoder::new(),
            phase: Phase::greeting(now_ms),
            inbox: None,
            outbox: Outbox::default(),
            audio: Backlog::default(),
            told: None,
            notices: Deque::new(),
            counters: Counters::default(),
        }
    }

    /// The wire was opened again: greet. What was delivered before stays delivered.
    pub fn reopened(&mut self, now_ms: u64) {
        self.decoder.reset();
        self.phase = Phase::greeting(now_ms);
        if self.notices.is_empty() {
            self.told = None;
        }
    }

    /// Octets came from the card.
    pub fn receive(&mut self, octets: &[u8], now_ms: u64) {
        for &octet in octets {
            match self.decoder.push(octet) {
                None => {}
                Some(Ok(message)) => self.take(message, now_ms),
                Some(Err(Refused::Damaged(_))) => count(&mut self.counters.damaged),
                Some(Err(Refused::Unknown { .. })) => count(&mut self.counters.unknown),
            }
        }
    }

    /// Time passed. Call it after [`Self::receive`], so that octets that waited are heard first.
    pub fn handle_timeout(&mut self, now_ms: u64) {
        let why = match &self.phase {
            Phase::Greeting(greeting) => greeting.lost(now_ms),
            Phase::Linked(linked) => linked.lost(now_ms),
        };
        if let Some(why) = why {
            self.lose(why);
            if self.is_linked() {
                self.phase = Phase::greeting(now_ms);
            }
        }
    }

    /// Writes the next frame that is due and returns its length.
    pub fn poll_transmit(&mut self, now_ms: u64, out: &mut WireBuffer) -> Option<usize> {
        self.next_message(now_ms).map(|message| encode(&message, out))
    }

    /// What the program has to know next.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        if matches!(self.notices.front(), Some(HostEvent::Linked(..))) {
            return self.notices.pop_front();
        }
        self.next_line_event().or_else(|| self.notices.pop_front())
    }

    /// The next 10 ms that a line said; audio never stands before an event.
    pub fn poll_audio(&mut self) -> Option<LineAudio> {
        self.audio.pop()
    }

    /// Asks something of a line. It is repeated until the card has taken it, or the link is over.
    ///
    /// # Errors
    /// When no card is linked or too much waits already; nothing is kept then.
    pub fn control(&mut self, line: u8, kind: ControlKind, now_ms: u64) -> Result<Seq, ControlRefused> {
        if !self.is_linked() {
            return Err(ControlRefused::NotLinked);
        }
        self.outbox.push(line, kind, now_ms).ok_or(ControlRefused::Full)
    }

    /// When [`Self::handle_timeout`] or [`Self::poll_transmit`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> u64 {
        match &self.phase {
            Phase::Greeting(greeting) => greeting.next_hello_ms,
            Phase::Linked(linked) => {
                let control_ms = self.outbox.poll_timeout().unwrap_or(linked.next_heartbeat_ms);
                linked.next_heartbeat_ms.min(linked.heard_ms + CARD_LOST_AFTER_MS).min(control_ms)
            }
        }
    }

    /// The program keeps this event and all before it: the card may forget them.
    pub fn acknowledge(&mut self, card_boot: u32, seq: Seq) {
        if let Some(inbox) = self.inbox.as_mut().filter(|inbox| inbox.card_boot() == card_boot) {
            inbox.acknowledge(seq);
        }
    }

    /// The program has no use for this event: it is acknowledged once all before it are kept.
    pub fn disregard(&mut self, card_boot: u32, seq: Seq) {
        if let Some(inbox) = self.inbox.as_mut().filter(|inbox| inbox.card_boot() == card_boot) {
            inbox.pass_over(seq);
        }
    }

    /// Whether a card is linked.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        matches!(self.phase, Phase::Linked(_))
    }

    /// Odd input so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn next_line_event(&mut self) -> Option<HostEvent> {
        let inbox = self.inbox.as_mut()?;
        let event = inbox.next(self.host_boot, &mut self.counters.unknown)?;
        Some(HostEvent::Line { card_boot: inbox.card_boot(), event })
    }

    fn next_message(&mut self, now_ms: u64) -> Option<Message> {
        let host_boot = self.host_boot;
        match &mut self.phase {
            Phase::Greeting(greeting) => {
                let hello = Message::HostHello(HostHello { versions: VERSIONS, host_boot });
                greeting.hello_due(now_ms).then_some(hello)
            }
            Phase::Linked(linked) => {
                let link = Link { host_boot, card_boot: linked.card_boot };
                if core::mem::take(&mut linked.hello_ack_due) {
                    return Some(Message::HelloAck(HelloAck {
                        link,
                        first_control: self.outbox.first_seq(),
                    }));
                }
                if let Some(ack) = self.inbox.as_mut().and_then(Inbox::take_ack) {
                    return Some(Message::Ack(ack));
                }
                if linked.heartbeat_due(now_ms) {
                    return Some(Message::HostHeartbeat(link));
                }
                self.outbox.next_due(now_ms).map(Message::Control)
            }
        }
    }

    fn take(&mut self, message: Message, now_ms: u64) {
        match message {
            Message::CardHello(hello) => self.take_hello(hello, now_ms),
            Message::CardHeartbeat(beat) => self.take_heartbeat(beat, now_ms),
            Message::Event(event) => self.take_event(event, now_ms),
            Message::Ack(ack) => self.take_ack(ack, now_ms),
            Message::Audio(audio) => self.take_audio(&audio),
            Message::HostHello(_)
            | Message::HelloAck(_)
            | Message::HostHeartbeat(_)
            | Message::Control(_) => {
                count(&mut self.counters.unknown);
            }
        }
    }

    fn take_hello(&mut self, hello: CardHello, now_ms: u64) {
        if hello.greeting.host_boot != self.host_boot {
            // Nobody asked: the card restarted. An answer to the program before us is no news.
            if hello.greeting.host_boot == 0 && self.is_linked() {
                self.phase = Phase::greeting(now_ms);
            }
            return;
        }
        match (&mut self.phase, hello.answer) {
            (Phase::Linked(linked), Answer::Current(_)) if linked.card_boot == hello.greeting.card_boot => {
                linked.heard_ms = now_ms;
                linked.hello_ack_due = true;
            }
            (_, Answer::Current(state)) => self.link(hello.greeting, state, now_ms),
            (_, Answer::None | Answer::Other(_)) => self.mismatch(hello.greeting, now_ms),
        }
    }

    fn link(&mut self, greeting: Greeting, state: CardState, now_ms: u64) {
        let undelivered = self.inbox.as_ref().is_some_and(Inbox::has_next) || !self.notices.is_empty();
        if undelivered {
            return;
        }
        match self.inbox.as_mut().filter(|inbox| inbox.card_boot() == greeting.card_boot) {
            Some(inbox) => inbox.resume(state.first_seq),
            None => self.inbox = Some(Inbox::new(greeting.card_boot, lines_of(&state), state.first_seq)),
        }
        self.outbox.clear();
        self.audio.clear();
        self.phase = Phase::Linked(Linked::new(greeting.card_boot, &state, now_ms));
        self.told = None;
        let linked = HostEvent::Linked(greeting, state);
        self.notices.push_back(linked).expect("a hello is taken only when no notice waits");
    }

    fn mismatch(&mut self, greeting: Greeting, now_ms: u64) {
        self.lose(LostWhy::Version { card: greeting.versions, firmware: greeting.firmware });
        self.phase = Phase::greeting(now_ms + MISMATCH_HELLO_MS);
    }

    fn take_heartbeat(&mut self, beat: CardHeartbeat, now_ms: u64) {
        let linked = match &mut self.phase {
            Phase::Greeting(greeting) => return greeting.heard_ms = Some(now_ms),
            Phase::Linked(linked) if linked.card_boot == beat.card_boot => linked,
            Phase::Linked(_) => return,
        };
        linked.heard_ms = now_ms;
        (linked.host_age_ms, linked.sample) = (beat.host_age_ms, beat.sample);
        let lost_more = beat.events_lost != linked.events_lost;
        if lost_more && now_ms >= linked.since_ms + REGREET_MS {
            self.phase = Phase::greeting(now_ms);
        }
    }

    /// A card sends events only on a link, so one that comes during a greeting is of the link before.
    fn take_event(&mut self, event: Event, now_ms: u64) {
        let Phase::Linked(linked) = &mut self.phase else { return };
        linked.heard_ms = now_ms;
        if let Some(inbox) = &mut self.inbox {
            inbox.take_in(event);
        }
    }

    fn take_ack(&mut self, ack: Ack, now_ms: u64) {
        let Phase::Linked(linked) = &mut self.phase else { return };
        if ack.boot == self.host_boot {
            linked.heard_ms = now_ms;
            self.outbox.acknowledge(ack.seq, now_ms);
        }
    }

    /// Audio is no sign of life: a card whose program hangs may still stream.
    fn take_audio(&mut self, audio: &Audio) {
        let Phase::Linked(linked) = &self.phase else { return };
        if audio.line < linked.lines {
            self.audio.push(audio, linked.sample);
        } else {
            count(&mut self.counters.unknown);
        }
    }

    /// Told once; what finds no room is told when the program has polled.
    fn lose(&mut self, why: LostWhy) {
        let news = self.told.as_ref() != Some(&why);
        if news && self.notices.push_back(HostEvent::Lost(why.clone())).is_ok() {
            self.told = Some(why);
        }
    }
}

fn lines_of(state: &CardState) -> u8 {
    u8::try_from(state.lines.len()).expect("at most MAX_LINES, which is 8")
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

/// Linked, and the reasons why it was lost since.
const MAX_NOTICES: usize = 4;
