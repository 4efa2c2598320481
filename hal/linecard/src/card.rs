//! The card's half of the link.
//!
//! ```text
//!             host hello, common version              hello acknowledged
//!   Apart --------------------------------> Greeted ---------------------> Linked
//!     ^ ^          hello every 200 ms          |     events, heartbeats       |
//!     | +-- no common version: one answer      |                              |
//!     +---------------- host silent 30 s ------+------------------------------+
//! ```
//! A host's hello leads to Greeted from everywhere, and silences every line: what was played or rung
//! for a link is over with it. Voltage stays as it is until a host says otherwise, or is dead.

mod link;
mod service;

use ata_wire::{
    Decoder, Event, EventKind, Fault, LineTest, Refused, Seq, TestOutcome, VERSIONS, Versions, WireBuffer,
    encode,
};
use heapless::String;

use crate::audio::Uplink;
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
    uplink: Uplink,
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
    /// Everything flows.
    Linked {
        host_boot: u32,
        next_heartbeat_ms: u64,
        /// The next control; those before it are done.
        next_control: Seq,
        ack_due: bool,
    },
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
            uplink: Uplink::default(),
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
        if self.host_dead() {
            self.give_up_host();
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

    /// A telephone is lifted or put down at this sample. Without voltage no current shows it: the
    /// line stays on-hook for the card until it is fed.
    pub fn hook(&mut self, line: u8, lifted: bool, sample: u32) -> HookOutcome {
        match self.lines.lift(line, lifted, sample) {
            Ok(()) => self.hook_changed(line),
            Err(outcome) => outcome,
        }
    }

    /// Writes the next frame that is due and returns its length: heartbeats before acknowledgements,
    /// so that a flood cannot make the card look dead, then events, then audio.
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
            Phase::Linked { ack_due: true, .. } => Some(self.now_ms),
            Phase::Linked { .. } if !self.uplink.is_empty() => Some(self.now_ms),
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

    /// Whether a burst of ringing voltage is on a line.
    #[must_use]
    pub fn ringing(&self, line: u8) -> bool {
        self.lines.get(line).is_some_and(|line| line.rings(self.now_ms))
    }

    /// The measurement that the firmware is to make on a line.
    #[must_use]
    pub fn pending_test(&self, line: u8) -> Option<LineTest> {
        self.lines.get(line).and_then(|line| line.test)
    }

    /// What the measurement gave; nothing happens when none was asked for.
    pub fn answer_test(&mut self, line: u8, outcome: TestOutcome) {
        if let Some(test) = self.lines.get_mut(line).and_then(|line| line.test.take()) {
            self.tell(line, EventKind::TestResult { test, outcome }, self.sample);
        }
    }

    /// A fault of a line circuit came or went.
    pub fn fault(&mut self, line: u8, fault: Fault, present: bool) {
        if self.lines.get(line).is_some() {
            self.tell(line, EventKind::LineFault { fault, present }, self.sample);
        }
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
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
