//! Card and host on a wire of octets, in virtual time. It shares no rule with either machine: it
//! only carries octets, damages some, and writes down what the host is told.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::VecDeque;

use ata_wire::limits::MAX_WIRE;
use ata_wire::{EventKind, HostEvent, HostSession, LineAudio, Seq};
use linecard::{BLOCK, Card};

/// Octets per millisecond at 921600 baud.
const OCTETS_PER_MS: usize = 92;

pub(crate) struct Bench {
    pub(crate) now_ms: u64,
    pub(crate) card: Card,
    pub(crate) host: HostSession,
    pub(crate) told: Vec<HostEvent>,
    /// What each telephone heard: the card's number of each sample, and the sample.
    pub(crate) heard: Vec<Vec<(u32, i16)>>,
    /// Frames of audio that came to the host.
    pub(crate) audio: Vec<LineAudio>,
    /// The last event that this host kept.
    pub(crate) kept: Option<Seq>,
    /// Acknowledge at once, or never.
    pub(crate) keeps: bool,
    /// Damaged octets of a million, both ways.
    pub(crate) errors_ppm: u64,
    /// Octets that were damaged.
    pub(crate) hits: usize,
    pub(crate) cut_to_card: bool,
    pub(crate) cut_to_host: bool,
    to_card: VecDeque<u8>,
    to_host: VecDeque<u8>,
    random: u64,
}

impl Bench {
    pub(crate) fn new(lines: u8) -> Self {
        Self {
            now_ms: 0,
            card: Card::new(0xc0, lines).with_serial("SN-1"),
            host: HostSession::new(0x40, 0),
            told: Vec::new(),
            heard: vec![Vec::new(); usize::from(lines)],
            audio: Vec::new(),
            kept: None,
            keeps: true,
            errors_ppm: 0,
            hits: 0,
            cut_to_card: false,
            cut_to_host: false,
            to_card: VecDeque::new(),
            to_host: VecDeque::new(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub(crate) fn sample(&self) -> u32 {
        (self.now_ms * 8) as u32
    }

    pub(crate) fn keep(&mut self, seq: Seq) {
        self.host.acknowledge(self.card.status().boot_id, seq);
        self.kept = Some(seq);
    }

    pub(crate) fn restart_host(&mut self, host_boot: u32) {
        self.host = HostSession::new(host_boot, self.now_ms);
    }

    pub(crate) fn reset_card(&mut self, boot: u32, lines: u8) {
        self.card = Card::new(boot, lines).booted_at(self.now_ms, 0);
    }

    pub(crate) fn run(&mut self, for_ms: u64) {
        for _ in 0..for_ms {
            self.now_ms += 1;
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.card.tick(self.now_ms, self.sample());
        self.exchange();
        for octet in self.carry(true) {
            self.card.receive(octet);
        }
        let arrived = self.carry(false);
        self.host.receive(&arrived, self.now_ms);
        self.host.handle_timeout(self.now_ms);
        while let Some(event) = self.host.poll_event() {
            if let (HostEvent::Line { event, .. }, true) = (&event, self.keeps) {
                self.keep(event.seq);
            }
            self.told.push(event);
        }
        self.audio.extend(core::iter::from_fn(|| self.host.poll_audio()));
        self.send();
    }

    /// Every 10 ms each telephone says its own constant and hears what the line plays.
    fn exchange(&mut self) {
        if self.now_ms % 10 != 0 {
            return;
        }
        let first = self.sample() - BLOCK as u32;
        for (line, heard) in (0_u8..).zip(&mut self.heard) {
            let played = self.card.exchange(line, first, &[1_000 * (i16::from(line) + 1); BLOCK]);
            heard.extend((first..).zip(played));
        }
    }

    fn send(&mut self) {
        let mut out = [0; MAX_WIRE];
        while self.to_host.len() < OCTETS_PER_MS {
            let Some(len) = self.card.next_tx(&mut out) else { break };
            self.to_host.extend(&out[..len]);
        }
        while let Some(len) = self.host.poll_transmit(self.now_ms, &mut out) {
            self.to_card.extend(&out[..len]);
        }
    }

    fn carry(&mut self, to_card: bool) -> Vec<u8> {
        let (queue, cut) = if to_card {
            (&mut self.to_card, self.cut_to_card)
        } else {
            (&mut self.to_host, self.cut_to_host)
        };
        let count = queue.len().min(OCTETS_PER_MS);
        let mut octets: Vec<u8> = queue.drain(..count).collect();
        if cut {
            return Vec::new();
        }
        for octet in &mut octets {
            let random = step(&mut self.random);
            if random % 1_000_000 < self.errors_ppm {
                *octet ^= 1 << ((random >> 32) % 8);
                self.hits += 1;
            }
        }
        octets
    }

    /// Every hook change that the host was told, in order.
    pub(crate) fn hooks(&self) -> Vec<(Seq, u8, bool)> {
        self.told.iter().filter_map(hook_of).collect()
    }

    pub(crate) fn links(&self) -> usize {
        self.told.iter().filter(|event| matches!(event, HostEvent::Linked(..))).count()
    }
}

fn hook_of(event: &HostEvent) -> Option<(Seq, u8, bool)> {
    match event {
        HostEvent::Line { event, .. } => match event.kind {
            EventKind::HookChange { off_hook } => Some((event.seq, event.line, off_hook)),
            EventKind::TonesEnded { .. }
            | EventKind::RingTrip
            | EventKind::LineFault { .. }
            | EventKind::TestResult { .. }
            | EventKind::Other(_) => None,
        },
        HostEvent::Linked(..) | HostEvent::Lost(_) => None,
    }
}

pub(crate) fn step(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}
