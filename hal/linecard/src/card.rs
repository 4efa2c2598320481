//! The card's half of the link.
//!
//! ```text
//!             host hello, common version              hello acknowledged
//!   Apart --------------------------------> Greeted ---------------------> Linked
//!     ^ ^          hello every 200 ms          |     events, heartbeats       |
//!     | +-- no common version: one answer      |                              |
//!     +---------------- host silent 30 s ------+------------------------------+
//! ```
//! A host's hello leads to Greeted from everywhere.

use ata_wire::timing::{HEARTBEAT_MS, HELLO_MS, HOST_DEAD_AFTER_MS};
use ata_wire::{
    Ack, Answer, CardHeartbeat, CardHello, CardState, Decoder, Event, EventKind, Greeting, HelloAck,
    HostHello, Link, Message, Refused, Seq, VERSION, VERSIONS, Versions, WireBuffer, encode,
};
use heapless::String;

use crate::BLOCK;
use crate::lines::{HookOutcome, Lines};
use crate::queue::EventQueue;
use crate::status::{CardStatus, Counters, LinkStatus};

/// The card's core.
#[derive(Clone, Debug)]
pub struct Card {
    boot_id: u32,
    versions: Versions,
    serial: String<{ ata_wire::limits::SERIAL_TEXT }>,
    lines: Lines,
    events: EventQueue,
    events_lost: u32,
    phase: Phase,
    decoder: Decoder,
    now_ms: u64,
    sample: u32,
    heard_ms: u64,
    counters: Counters,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody to talk to. `announce_ms`: tell a host that thinks otherwise.
    Apart { announce_ms: Option<u64> },
    /// A host asked whose versions do not fit: one answer.
    Refusing { host_boot: u32 },
    /// A host asked: hello until it acknowledges.
    Greeted { host_boot: u32, next_hello_ms: u64 },
    /// Events and heartbeats flow.
    Linked { host_boot: u32, next_heartbeat_ms: u64 },
}

impl Card {
    /// A card with `lines` lines (1..=8), on hook. `boot_id` differs after every reset and is not 0.
    #[must_use]
    pub fn new(boot_id: u32, lines: u8) -> Self {
        Self {
            boot_id: boot_id.max(1),
            versions: VERSIONS,
            serial: String::new(),
            lines: Lines::new(lines),
            events: EventQueue::default(),
            events_lost: 0,
            phase: Phase::Apart { announce_ms: Some(0) },
            decoder: Decoder::new(),
            now_ms: 0,
            sample: 0,
            heard_ms: 0,
            counters: Counters::default(),
        }
    }

    /// With this serial number: printable ASCII; what exceeds 24 octets is cut off.
    #[must_use]
    pub fn with_serial(mut self, serial: &str) -> Self {
        self.serial.clear();
        for shown in serial.chars().filter(|c| matches!(c, ' '..='~')) {
            if self.serial.push(shown).is_err() {
                break;
            }
        }
        self
    }

    /// With a claim to speak these versions; a link in another version cannot come about.
    #[must_use]
    pub fn with_versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Starts the clocks: boot is at this time, so the dead-man's 30 s begin here.
    #[must_use]
    pub fn booted_at(mut self, now_ms: u64, sample: u32) -> Self {
        (self.now_ms, self.heard_ms, self.sample) = (now_ms, now_ms, sample);
        self
    }

    /// The time and the 8 kHz sample counter. To be called before octets and line changes of a turn
    /// are given, at the latest when [`Self::poll_timeout`] says.
    pub fn tick(&mut self, now_ms: u64, sample: u32) {
        (self.now_ms, self.sample) = (now_ms, sample);
        if self.host_dead() && matches!(self.phase, Phase::Greeted { .. } | Phase::Linked { .. }) {
            self.phase = Phase::Apart { announce_ms: None };
        }
    }

    /// An octet came from the host.
    pub fn receive(&mut self, octet: u8) {
        match self.decoder.push(octet) {
            None => {}
            Some(Ok(message)) => self.take(&message),
            Some(Err(Refused::Damaged(_))) => count(&mut self.counters.damaged),
            Some(Err(Refused::Unknown { .. })) => count(&mut self.counters.unknown),
        }
    }

    /// A line's hook is so at this sample.
    pub fn hook(&mut self, line: u8, off_hook: bool, sample: u32) -> HookOutcome {
        if let Err(outcome) = self.lines.change(line, off_hook, sample) {
            return outcome;
        }
        let kind = EventKind::HookChange { off_hook };
        if let Some(seq) = self.events.push(line, kind, sample, self.now_ms) {
            return HookOutcome::Queued(seq);
        }
        let outcome = self.lines.hold(line);
        if outcome == HookOutcome::Lost {
            self.events_lost = self.events_lost.saturating_add(2);
        }
        outcome
    }

    /// The next 10 ms of a line: takes what its telephone says and gives what the line plays.
    /// `first_sample` is the sample counter at the first of them; calls for a line follow each other
    /// without gaps, whether it is in use or not.
    pub fn exchange(&mut self, line: u8, first_sample: u32, from_line: &[i16; BLOCK]) -> [i16; BLOCK] {
        let _ = (line, first_sample, from_line);
        [0; BLOCK]
    }

    /// Writes the next frame that is due and returns its length. Heartbeats come before events, so
    /// that a flood of events cannot make the card look dead.
    pub fn next_tx(&mut self, out: &mut WireBuffer) -> Option<usize> {
        self.next_message().map(|message| encode(&message, out))
    }

    /// When [`Self::next_tx`] has something to send even if nothing happens until then.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        match self.phase {
            Phase::Apart { announce_ms } => announce_ms,
            Phase::Refusing { .. } => Some(self.now_ms),
            Phase::Greeted { next_hello_ms, .. } => Some(next_hello_ms),
            Phase::Linked { next_heartbeat_ms, .. } => {
                let event_ms = self.events.poll_timeout().unwrap_or(next_heartbeat_ms);
                Some(event_ms.min(next_heartbeat_ms))
            }
        }
    }

    /// What the card knows of itself.
    #[must_use]
    pub fn status(&self) -> CardStatus {
        CardStatus {
            boot_id: self.boot_id,
            link: match self.phase {
                Phase::Apart { .. } | Phase::Refusing { .. } => LinkStatus::Apart,
                Phase::Greeted { .. } => LinkStatus::Greeted,
                Phase::Linked { .. } => LinkStatus::Linked,
            },
            host_dead: self.host_dead(),
            queued: self.events.len(),
            free: self.events.free(),
            events_lost: self.events_lost,
            counters: self.counters,
        }
    }

    /// How a line is; `None`: no such line.
    #[must_use]
    pub fn line(&self, line: u8) -> Option<ata_wire::LineState> {
        self.lines.states().get(usize::from(line)).copied()
    }

    /// The number that the next event will get.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.events.next_seq()
    }

    /// An event that still waits for its acknowledgement.
    #[must_use]
    pub fn event(&self, seq: Seq) -> Option<Event> {
        self.events.get(seq)
    }

    fn host_dead(&self) -> bool {
        self.now_ms >= self.heard_ms + HOST_DEAD_AFTER_MS
    }

    fn next_message(&mut self) -> Option<Message> {
        let now_ms = self.now_ms;
        match &mut self.phase {
            Phase::Apart { announce_ms } => {
                announce_ms.take_if(|at| now_ms >= *at).map(|_| self.hello(0, Answer::None))
            }
            Phase::Refusing { host_boot } => {
                let host_boot = *host_boot;
                self.phase = Phase::Apart { announce_ms: None };
                Some(self.hello(host_boot, Answer::None))
            }
            Phase::Greeted { next_hello_ms, .. } if now_ms < *next_hello_ms => None,
            Phase::Greeted { host_boot, next_hello_ms } => {
                *next_hello_ms = now_ms + HELLO_MS;
                let host_boot = *host_boot;
                Some(self.hello(host_boot, Answer::Current(self.state())))
            }
            Phase::Linked { next_heartbeat_ms, .. } if now_ms >= *next_heartbeat_ms => {
                *next_heartbeat_ms = now_ms + HEARTBEAT_MS;
                Some(Message::CardHeartbeat(self.heartbeat()))
            }
            Phase::Linked { .. } => self.events.next_due(now_ms).map(Message::Event),
        }
    }

    fn hello(&self, host_boot: u32, answer: Answer) -> Message {
        let firmware = String::try_from(FIRMWARE).expect("FIRMWARE is at most 32 octets");
        let (versions, card_boot, serial) = (self.versions, self.boot_id, self.serial.clone());
        Message::CardHello(CardHello {
            greeting: Greeting { versions, card_boot, host_boot, firmware, serial },
            answer,
        })
    }

    fn state(&self) -> CardState {
        CardState {
            self_test: SELF_TEST_PASSED,
            codecs: PCMU | PCMA,
            queued: self.queued(),
            first_seq: self.events.first_seq(),
            events_lost: self.events_lost,
            sample: self.sample,
            lines: self.lines.states(),
        }
    }

    fn heartbeat(&self) -> CardHeartbeat {
        let age_ms = self.now_ms.saturating_sub(self.heard_ms);
        CardHeartbeat {
            card_boot: self.boot_id,
            sample: self.sample,
            host_age_ms: u16::try_from(age_ms).unwrap_or(u16::MAX),
            events_lost: self.events_lost,
            queued: self.queued(),
        }
    }

    fn queued(&self) -> u8 {
        u8::try_from(self.events.len()).expect("at most EVENT_WINDOW, which is 64")
    }

    fn take(&mut self, message: &Message) {
        match message {
            Message::HostHello(hello) => self.take_hello(*hello),
            Message::HelloAck(ack) => self.take_hello_ack(*ack),
            Message::HostHeartbeat(link) => self.take_heartbeat(*link),
            Message::Ack(ack) => self.take_ack(*ack),
            Message::CardHello(_)
            | Message::CardHeartbeat(_)
            | Message::Event(_)
            | Message::Control(_)
            | Message::Audio(_) => {
                count(&mut self.counters.unknown);
            }
        }
    }

    /// A host that speaks no version of ours cannot serve the lines, so it is not heard.
    fn take_hello(&mut self, hello: HostHello) {
        let host_boot = hello.host_boot;
        if self.versions.highest_common(hello.versions) == Some(VERSION) {
            self.heard_ms = self.now_ms;
            self.phase = Phase::Greeted { host_boot, next_hello_ms: self.now_ms };
        } else {
            self.phase = Phase::Refusing { host_boot };
        }
    }

    fn take_hello_ack(&mut self, HelloAck { link, .. }: HelloAck) {
        match self.phase {
            Phase::Greeted { host_boot, .. } if self.is_ours(link, host_boot) => {
                self.heard_ms = self.now_ms;
                self.events.resume(self.now_ms);
                self.phase = Phase::Linked { host_boot, next_heartbeat_ms: self.now_ms };
            }
            Phase::Linked { host_boot, .. } if self.is_ours(link, host_boot) => self.heard_ms = self.now_ms,
            Phase::Apart { .. } | Phase::Refusing { .. } | Phase::Greeted { .. } | Phase::Linked { .. } => {
                count(&mut self.counters.unknown);
            }
        }
    }

    /// A heartbeat for a link that does not stand: that host believes in a link from before a reset.
    fn take_heartbeat(&mut self, link: Link) {
        match self.phase {
            Phase::Greeted { host_boot, .. } | Phase::Linked { host_boot, .. }
                if self.is_ours(link, host_boot) =>
            {
                self.heard_ms = self.now_ms;
            }
            Phase::Apart { announce_ms: None } => {
                self.phase = Phase::Apart { announce_ms: Some(self.now_ms + HELLO_MS) };
            }
            Phase::Apart { .. } | Phase::Refusing { .. } | Phase::Greeted { .. } | Phase::Linked { .. } => {
                count(&mut self.counters.unknown);
            }
        }
    }

    fn take_ack(&mut self, ack: Ack) {
        let linked = matches!(self.phase, Phase::Linked { .. });
        if !linked || ack.boot != self.boot_id {
            return count(&mut self.counters.unknown);
        }
        self.heard_ms = self.now_ms;
        self.events.acknowledge(ack.seq);
        while self.events.free() > 0 {
            let Some((line, state)) = self.lines.release_held(self.sample) else { return };
            let kind = EventKind::HookChange { off_hook: state.off_hook };
            self.events.push(line, kind, state.since, self.now_ms);
        }
    }

    fn is_ours(&self, link: Link, host_boot: u32) -> bool {
        link == Link { host_boot, card_boot: self.boot_id }
    }
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

const FIRMWARE: &str = concat!("holdfast-linecard ", env!("CARGO_PKG_VERSION"));
const SELF_TEST_PASSED: u8 = 0;
const PCMU: u8 = 1;
const PCMA: u8 = 2;
