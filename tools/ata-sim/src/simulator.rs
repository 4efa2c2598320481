//! The simulated card: the real card core, its wire's faults, and a person who lifts receivers.
//!
//! Sans-IO: octets, commands and the time come in; octets and reports go out.

mod lines;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use ata_wire::limits::{MAX_LINES, MAX_WIRE};
use ata_wire::{EventKind, Seq, VERSIONS, Versions};
use linecard::{Card, CardStatus, HookOutcome, LinkStatus};

use crate::command::{Answer, Command, Status};
use crate::flips::Flips;
use crate::jacks::Jacks;
use crate::noise::{Noise, Random};
use crate::report::Report;

/// What a simulated card is from the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Lines, 1 to 8.
    pub lines: u8,
    /// The same seed gives the same boot ids and the same damage.
    pub seed: u64,
    /// The serial number that it claims.
    pub serial: String,
    /// Probability of damage for each octet, 0 to 1.
    pub error_rate: f64,
}

/// A card, its wire and its telephones. Times are microseconds of any clock that does not jump.
#[derive(Debug)]
pub struct Simulator {
    settings: Settings,
    card: Card,
    versions: Versions,
    booted_us: u64,
    jacks: Jacks,
    random: Random,
    noise: Noise,
    /// Octets on their way to the host: one frame, or garbage.
    outgoing: VecDeque<u8>,
    flips: Option<Flips>,
    until: Faults,
    seen: Seen,
    reports: VecDeque<Report>,
    hooks: u64,
    quit: bool,
}

/// When each fault ends.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    silent_us: u64,
    deaf_us: u64,
    unplugged_us: u64,
}

/// What has been reported.
#[derive(Clone, Copy, Debug)]
struct Seen {
    next_seq: Seq,
    link: LinkStatus,
    host_dead: bool,
    events_lost: u32,
}

impl Simulator {
    /// A card that boots at this time.
    #[must_use]
    pub fn new(settings: Settings, now_us: u64) -> Self {
        let mut noise = Noise::new(settings.seed);
        noise.set_rate(settings.error_rate);
        let mut simulator = Self {
            card: Card::new(1, settings.lines),
            versions: VERSIONS,
            booted_us: now_us,
            jacks: Jacks::new(settings.lines),
            random: Random::new(settings.seed ^ SEED_OF_BOOTS),
            noise,
            outgoing: VecDeque::new(),
            flips: None,
            until: Faults::default(),
            seen: Seen { next_seq: Seq(0), link: LinkStatus::Apart, host_dead: false, events_lost: 0 },
            reports: VecDeque::new(),
            hooks: 0,
            quit: false,
            settings,
        };
        simulator.boot(now_us);
        simulator
    }

    /// Obeys.
    pub fn handle_command(&mut self, command: &Command, now_us: u64) -> Answer {
        self.advance(now_us);
        let answer = self.obey(command, now_us);
        self.observe();
        answer
    }

    /// Octets came from the host.
    pub fn receive(&mut self, octets: &mut [u8], now_us: u64) {
        self.exchange(now_us);
        self.tick(now_us);
        if now_us < self.until.silent_us.max(self.until.deaf_us) {
            return;
        }
        self.noise.damage(octets);
        for octet in octets {
            self.card.receive(*octet);
        }
        self.observe();
    }

    /// Time passed.
    pub fn advance(&mut self, now_us: u64) {
        self.exchange(now_us);
        self.tick(now_us);
        while let Some((line, at_us)) = self.next_flip(now_us) {
            let off_hook = self.card.line(line).is_some_and(|state| !state.off_hook);
            self.hook(line, off_hook, at_us);
        }
        self.observe();
        if let Some(flips) = self.flips.take_if(|flips| flips.left() == 0) {
            self.reports.push_back(Report::Flipped { count: flips.count });
        }
    }

    /// Takes up to `limit` octets that the card sends.
    pub fn transmit(&mut self, limit: usize, now_us: u64) -> Vec<u8> {
        let mut octets = Vec::with_capacity(limit);
        while octets.len() < limit && self.has_output(now_us) {
            let count = self.outgoing.len().min(limit - octets.len());
            octets.extend(self.outgoing.drain(..count));
        }
        self.noise.damage(&mut octets);
        octets
    }

    /// Whether the card has octets on the wire.
    pub fn has_output(&mut self, now_us: u64) -> bool {
        if now_us < self.until.silent_us {
            self.outgoing.clear();
            return false;
        }
        if self.outgoing.is_empty() {
            let mut frame = [0; MAX_WIRE];
            if let Some(len) = self.card.next_tx(&mut frame) {
                self.outgoing.extend(&frame[..len]);
            }
        }
        !self.outgoing.is_empty()
    }

    /// When something happens by itself, at the latest.
    #[must_use]
    pub fn poll_timeout(&self, now_us: u64) -> u64 {
        let card_us = self.card.poll_timeout().map_or(u64::MAX, |ms| ms.saturating_mul(1_000));
        let speaks_us = card_us.max(self.until.silent_us);
        let room = self.card.status().free > 0;
        let flip_us = self.flips.as_ref().filter(|_| room).map_or(u64::MAX, Flips::due_us);
        let plug_us = if now_us < self.until.unplugged_us { self.until.unplugged_us } else { u64::MAX };
        speaks_us.min(flip_us).min(plug_us).min(self.exchange_us())
    }

    /// What happened next.
    pub fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// Something happened to the device itself.
    pub(crate) fn note(&mut self, report: Report) {
        self.reports.push_back(report);
    }

    /// Whether the device should be there.
    #[must_use]
    pub fn is_plugged(&self, now_us: u64) -> bool {
        now_us >= self.until.unplugged_us
    }

    /// Whether `quit` was said.
    #[must_use]
    pub fn has_quit(&self) -> bool {
        self.quit
    }

    fn obey(&mut self, command: &Command, now_us: u64) -> Answer {
        match *command {
            Command::Off { line } => return self.lift(line, true, now_us),
            Command::On { line } => return self.lift(line, false, now_us),
            Command::Flip { line, count, rate } => return self.flip(line, count, rate, now_us),
            Command::Garbage { count } => self.garbage(count),
            Command::Silent { seconds } => self.until.silent_us = after(now_us, seconds),
            Command::Deaf { seconds } => self.until.deaf_us = after(now_us, seconds),
            Command::Unplug { seconds } => self.until.unplugged_us = after(now_us, seconds),
            Command::Reset {} => self.boot(now_us),
            Command::Version { version } => {
                self.versions = Versions { min: version, max: version };
                self.boot(now_us);
            }
            Command::Errors { rate } => self.noise.set_rate(rate),
            Command::Panel { line, ref settings } => return self.panel(line, settings),
            Command::Event { line, ref code, ref group, ref zone } => {
                return self.event(line, code, group, zone);
            }
            Command::Unpanel { line } => return lines::answer(self.pull(line)),
            Command::Record { .. } | Command::Play { .. } => {
                return Answer::refused("sound files are opened by who runs the simulator".to_owned());
            }
            Command::Status {} => return Answer { status: Some(self.status(now_us)), ..Answer::done() },
            Command::Quit {} => self.quit = true,
        }
        Answer::done()
    }

    fn flip(&mut self, line: Option<u8>, count: u32, rate: f64, now_us: u64) -> Answer {
        if let Some(flips) = &self.flips {
            return Answer::refused(format!(
                "a flip is under way, {} changes left: wait, or reset",
                flips.left()
            ));
        }
        if let Some(line) = line.filter(|line| self.card.line(*line).is_none()) {
            return Answer::refused(self.no_such_line(line));
        }
        self.flips = Some(Flips::new(line, self.settings.lines, count, rate, now_us));
        self.advance(now_us);
        Answer::done()
    }

    fn no_such_line(&self, line: u8) -> String {
        format!("no line {line}: this card has 0 to {}", self.settings.lines - 1)
    }

    fn garbage(&mut self, count: usize) {
        let random = &mut self.random;
        let room = crate::command::MAX_GARBAGE.saturating_sub(self.outgoing.len());
        self.outgoing.extend((0..count.min(room)).map(|_| random.octet()));
    }

    /// The card starts: everything that a card's memory holds is gone.
    fn boot(&mut self, now_us: u64) {
        self.observe();
        let card_boot = self.random.boot_id();
        let card = Card::new(card_boot, self.settings.lines);
        self.card =
            card.with_serial(&self.settings.serial).with_versions(self.versions).booted_at(now_us / 1_000, 0);
        self.booted_us = now_us;
        self.jacks.boot();
        self.outgoing.clear();
        self.flips = None;
        self.seen = Seen { next_seq: Seq(0), link: LinkStatus::Apart, host_dead: false, events_lost: 0 };
        self.reports.push_back(Report::Boot { card_boot, at_us: now_us });
    }

    fn next_flip(&mut self, now_us: u64) -> Option<(u8, u64)> {
        let room = self.card.status().free > 0;
        self.flips.as_mut().filter(|_| room)?.next(now_us)
    }

    fn hook(&mut self, line: u8, off_hook: bool, at_us: u64) -> HookOutcome {
        let sample = self.sample(at_us);
        self.card.hook(line, off_hook, sample)
    }

    fn tick(&mut self, now_us: u64) {
        let sample = self.sample(now_us);
        self.card.tick(now_us / 1_000, sample);
    }

    /// 8 kHz since the card's boot.
    fn sample(&self, at_us: u64) -> u32 {
        (at_us.saturating_sub(self.booted_us) / 125) as u32
    }

    /// Reports what the card shows since the last look. An event stays in the card until it was sent
    /// and acknowledged, so none slips through between two looks.
    fn observe(&mut self) {
        let status = self.card.status();
        while self.seen.next_seq != self.card.next_seq() {
            self.report_hook(self.seen.next_seq, status.boot_id);
            self.seen.next_seq = self.seen.next_seq.next();
        }
        if self.seen.link != status.link {
            self.seen.link = status.link;
            self.reports.push_back(Report::Link { to: link_word(status.link).to_owned() });
        }
        if self.seen.host_dead != status.host_dead {
            self.seen.host_dead = status.host_dead;
            self.reports.push_back(Report::HostDead { dead: status.host_dead });
        }
        if self.seen.events_lost != status.events_lost {
            self.seen.events_lost = status.events_lost;
            self.reports.push_back(Report::Lost { events_lost: status.events_lost });
        }
        self.observe_lines();
    }

    fn report_hook(&mut self, seq: Seq, card_boot: u32) {
        let event = self.card.event(seq).expect("an event is observed before it can be acknowledged");
        let EventKind::HookChange { off_hook } = event.kind else { return };
        self.hooks += 1;
        let (line, sample) = (event.line, event.sample);
        self.reports.push_back(Report::Hook { line, off_hook, sample, card_boot, card_seq: seq.0 });
    }

    fn status(&mut self, now_us: u64) -> Status {
        let CardStatus { boot_id, link, host_dead, queued, events_lost, counters, .. } = self.card.status();
        let lines = 0..u8::try_from(MAX_LINES).expect("8");
        Status {
            card_boot: boot_id,
            link: link_word(link).to_owned(),
            host_dead,
            off_hook: lines.filter_map(|line| self.card.line(line)).map(|state| state.off_hook).collect(),
            queued,
            events_lost,
            next_seq: self.card.next_seq().0,
            hooks: self.hooks,
            flips_left: self.flips.as_ref().map_or(0, Flips::left),
            damaged: counters.damaged,
            unknown: counters.unknown,
            error_rate: self.noise.rate(),
            plugged: self.is_plugged(now_us),
            panels: self.jacks.panels(),
        }
    }
}

fn link_word(link: LinkStatus) -> &'static str {
    match link {
        LinkStatus::Apart => "apart",
        LinkStatus::Greeted => "greeted",
        LinkStatus::Linked => "linked",
    }
}

fn after(now_us: u64, seconds: f64) -> u64 {
    now_us + (seconds * 1e6) as u64
}

/// Keeps boot ids apart from the damage drawn from the same seed.
const SEED_OF_BOOTS: u64 = 0x0bad_5eed_0000_0001;
