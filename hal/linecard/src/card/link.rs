//! The link: who is spoken to, and what is said next.

use ata_wire::timing::{HEARTBEAT_MS, HELLO_MS, HOST_DEAD_AFTER_MS};
use ata_wire::{
    Ack, Answer, CardHeartbeat, CardHello, CardState, EventKind, Greeting, HelloAck, HostHello, Link,
    Message, VERSION,
};
use heapless::String;

use super::{Card, Phase, count};

impl Card {
    pub(super) fn host_dead(&self) -> bool {
        self.now_ms >= self.heard_ms + HOST_DEAD_AFTER_MS
    }

    /// Nobody is there for the lines: they fall silent, and voltage that promises an answer goes
    /// where the host wanted it so, though never in mid-call.
    pub(super) fn give_up_host(&mut self) {
        if matches!(self.phase, Phase::Greeted { .. } | Phase::Linked { .. }) {
            self.phase = Phase::Apart { announce_ms: None };
            self.silence_all();
        }
        self.lines.withdraw_where_wanted();
    }

    pub(super) fn next_message(&mut self) -> Option<Message> {
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
            Phase::Linked { host_boot, next_control, ack_due: ack_due @ true, .. } => {
                *ack_due = false;
                Some(Message::Ack(Ack { boot: *host_boot, seq: next_control.previous() }))
            }
            Phase::Linked { .. } => {
                let event = self.events.next_due(now_ms).map(Message::Event);
                event.or_else(|| self.uplink.pop().map(Message::Audio))
            }
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

    pub(super) fn take(&mut self, message: &Message) {
        match message {
            Message::HostHello(hello) => self.take_hello(*hello),
            Message::HelloAck(ack) => self.take_hello_ack(*ack),
            Message::HostHeartbeat(link) => self.take_heartbeat(*link),
            Message::Ack(ack) => self.take_ack(*ack),
            Message::Control(control) => self.take_control(control),
            Message::Audio(audio) => self.take_audio(audio),
            Message::CardHello(_) | Message::CardHeartbeat(_) | Message::Event(_) => {
                count(&mut self.counters.unknown);
            }
        }
    }

    /// A host that speaks no version of ours cannot serve the lines, so it is not heard.
    fn take_hello(&mut self, hello: HostHello) {
        let host_boot = hello.host_boot;
        if self.versions.highest_common(hello.versions) == Some(VERSION) {
            self.heard_ms = self.now_ms;
            self.silence_all();
            self.phase = Phase::Greeted { host_boot, next_hello_ms: self.now_ms };
        } else {
            self.phase = Phase::Refusing { host_boot };
        }
    }

    fn take_hello_ack(&mut self, HelloAck { link, first_control: next_control }: HelloAck) {
        match self.phase {
            Phase::Greeted { host_boot, .. } if self.is_ours(link, host_boot) => {
                self.heard_ms = self.now_ms;
                self.events.resume(self.now_ms);
                let next_heartbeat_ms = self.now_ms;
                self.phase = Phase::Linked { host_boot, next_heartbeat_ms, next_control, ack_due: false };
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

const FIRMWARE: &str = concat!("holdfast-linecard ", env!("CARGO_PKG_VERSION"));
const SELF_TEST_PASSED: u8 = 0;
const PCMU: u8 = 1;
const PCMA: u8 = 2;
