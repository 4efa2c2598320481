//! The world around the box in virtual time: a card with panels, links, one station, a store, an
//! evidence log. It checks on every turn what must hold in every test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write as _;
use std::time::Duration;

use appliance::{
    Appliance, CardCommand, CardEvent, Command, Entry, Event, NetEvent, RecordedLine, Recovery, Setup,
    StationCommand, StationEvent, Turn, replay, turn,
};
use dsp::tones::Sequence;
use hal::{LinkId, Now, Tick, Wall};
use outbox::{Recovered, StoreReport, StoreRequest};
use wan::{ProbeOutcome, ProbeResult, RoutesApplied};

use crate::card::{Card, Happening};
use crate::panel::{Panel, ms};
use crate::site;
use crate::station::Station;

/// More turns at one instant are a livelock.
const MAX_TURNS_AT_ONCE: u32 = 10_000;

pub(crate) struct World {
    pub(crate) appliance: Appliance,
    pub(crate) now: Tick,
    /// The wall clock at tick 0; `None`: not believed.
    pub(crate) wall: Option<u64>,
    pub(crate) card: Card,
    pub(crate) panels: Vec<Panel>,
    pub(crate) station: Station,
    /// Links that carry nothing, although their carrier is there.
    pub(crate) dead_links: BTreeSet<LinkId>,
    carriers: BTreeMap<LinkId, bool>,
    pub(crate) seen: Vec<(Tick, Command)>,
    pub(crate) evidence: Vec<Entry>,
    /// The wall time of each entry.
    stamps: Vec<Option<u64>>,
    /// Everything published or stored, as records.
    pub(crate) records: Vec<outbox::StoredRecord>,
    setup: Setup,
    boot: u32,
    later: BTreeMap<(Tick, u64), Event>,
    made: u64,
    recording: Vec<RecordedLine>,
}

impl World {
    pub(crate) fn new(lines: u8) -> Self {
        Self::with(site::setup(lines))
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let panels: Vec<Panel> = (0..8).map(Panel::new).take(setup.lines.len()).collect();
        let now = Tick(1_000);
        let wall = Some(1_790_000_000_000);
        let mut world = Self {
            appliance: start(&setup, Recovery::default(), 1, at(wall, now)),
            now,
            wall,
            card: Card::new(panels.len()),
            panels,
            station: Station::new(),
            dead_links: BTreeSet::new(),
            carriers: site::links().map(|link| (link, true)).into(),
            seen: vec![],
            evidence: vec![],
            stamps: vec![],
            records: vec![],
            setup,
            boot: 1,
            later: BTreeMap::new(),
            made: 0,
            recording: vec![],
        };
        world.begin();
        world
    }

    /// The daemon is killed and starts again with what the evidence holds.
    pub(crate) fn restart(&mut self) {
        self.boot += 1;
        let now = self.clock();
        self.appliance = start(&self.setup, self.recovery(), self.boot, now);
        self.later.clear();
        self.recording.clear();
        self.begin();
    }

    fn begin(&mut self) {
        // The commands of the start belong to no turn: the recording begins behind them.
        let commands: Vec<Command> = core::iter::from_fn(|| self.appliance.poll_command()).collect();
        self.recording = vec![RecordedLine::Snapshot(Box::new(self.appliance.clone()))];
        let mut events = VecDeque::new();
        self.carry_out(commands, &mut events);
        events.into_iter().for_each(|event| self.tell(event));
        for (link, there) in self.carriers.clone() {
            self.tell(Event::Net(NetEvent::Facts(site::facts(link, there))));
        }
        let hello = self.card.hello(self.now, &self.panels);
        if self.card.present {
            self.tell(Event::Card(CardEvent::Ready(hello)));
        }
    }

    pub(crate) fn recovery(&self) -> Recovery {
        let mut recovery = Recovery::default();
        self.evidence.iter().zip(&self.stamps).for_each(|(entry, wall_ms)| recovery.take(entry, *wall_ms));
        recovery
    }

    pub(crate) fn clock(&self) -> Now {
        at(self.wall, self.now)
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.turn(Some(event));
    }

    fn turn(&mut self, event: Option<Event>) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = self.clock();
            let commands = turn(&mut self.appliance, event.clone(), now);
            self.recording.push(RecordedLine::Turn(Turn { now, event, commands: commands.clone() }));
            let mut answers = VecDeque::new();
            self.carry_out(commands, &mut answers);
            events.extend(answers.into_iter().map(Some));
        }
    }

    fn carry_out(&mut self, commands: Vec<Command>, answers: &mut VecDeque<Event>) {
        for command in commands {
            match &command {
                Command::ApplyRoutes(plan) => {
                    let applied = RoutesApplied { generation: plan.generation, v4: true, v6: true };
                    answers.push_back(Event::Net(NetEvent::RoutesApplied(applied)));
                }
                Command::SendProbe(probe) if !self.dead_links.contains(&probe.link) => {
                    let result = ProbeResult::Answered { rtt_us: 800 };
                    let (link, target, sequence) = (probe.link, probe.target, probe.sequence);
                    let outcome = ProbeOutcome { link, target, sequence, result };
                    self.after(1, Event::Net(NetEvent::Probe(outcome)));
                }
                Command::Store(StoreRequest::Append { records, .. }) => {
                    self.records.extend(records.iter().cloned());
                    let positions = records.iter().map(|r| r.position).collect();
                    answers.push_back(Event::Store(StoreReport::Stored(positions)));
                }
                Command::Card(card) => self.command_card(card),
                Command::Station(StationCommand::Send { path, source, request }) => {
                    assert_eq!(*source, site::address(path.link), "bound to the link's own address");
                    if !self.dead_links.contains(&path.link) {
                        for (delay, reply) in self.station.take(*path, request, self.clock()) {
                            self.after(delay, Event::Station(StationEvent::Reply { path: *path, reply }));
                        }
                    }
                }
                Command::Evidence { at, entry } => {
                    self.evidence.push((**entry).clone());
                    self.stamps.push(at.wall_ms);
                }
                Command::SendProbe(_)
                | Command::FlushFlows { .. }
                | Command::Mqtt(_)
                | Command::Store(_)
                | Command::Station(StationCommand::Close { .. })
                | Command::Log(_) => {}
            }
            self.seen.push((self.now, command));
        }
    }

    fn command_card(&mut self, command: &CardCommand) {
        if let CardCommand::Play { line, sequence: Sequence::KissOff, window, .. } = command {
            assert!(window.is_some(), "a kiss-off has a window");
            let said = self.panels[usize::from(line.0)].messages.front().expect("the panel reports");
            self.is_acked(said.get(..16).expect("a kiss-off answers sixteen digits"));
        }
        if self.card.present {
            self.card.take(command, self.now);
        }
    }

    /// The law: what the panel said last, the station has acknowledged.
    fn is_acked(&self, said: &str) {
        assert!(self.station.acked.contains(&site::frame(said)), "{said} is kissed off without an ACK");
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.made += 1;
        self.later.insert((self.now + ms(delay), self.made), event);
    }

    /// Lets time pass, serving whatever comes first.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
    }

    /// Until it is so; `false` when the time is over first.
    pub(crate) fn until(&mut self, seconds: u64, is: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + Duration::from_secs(seconds);
        self.run_until(end, is)
    }

    fn run_until(&mut self, end: Tick, is: impl Fn(&Self) -> bool) -> bool {
        let mut at_once = 0;
        while !is(self) {
            let Some(next) = self.next().filter(|next| *next <= end) else {
                self.now = end;
                return is(self);
            };
            at_once = if next <= self.now { at_once + 1 } else { 0 };
            assert!(at_once < MAX_TURNS_AT_ONCE, "a livelock at {}", self.now);
            self.now = self.now.max(next);
            self.step();
        }
        true
    }

    fn next(&self) -> Option<Tick> {
        let panels = self.panels.iter().filter_map(Panel::wake);
        let later = self.later.keys().next().map(|(at, _)| *at);
        panels.chain(later).chain(self.card.wake()).chain(self.appliance.poll_timeout()).min()
    }

    /// One thing that is due: what arrives goes before what the box itself wants.
    fn step(&mut self) {
        let due = self.later.keys().next().copied().filter(|(at, _)| *at <= self.now);
        if let Some(event) = due.and_then(|key| self.later.remove(&key)) {
            return self.tell(event);
        }
        if let Some(happening) = self.card.turn(self.now) {
            return self.card_happens(happening);
        }
        let boot = self.card.boot;
        let woken = self.panels.iter_mut().find(|panel| panel.wake().is_some_and(|at| at <= self.now));
        if let Some(panel) = woken {
            if let Some(event) = panel.turn(self.now, boot) {
                self.line_tells(event);
            }
            return;
        }
        self.turn(None);
    }

    fn card_happens(&mut self, happening: Happening) {
        let Happening { line, sequence, ended, event } = happening;
        if (sequence, ended) == (Sequence::KissOff, false) {
            let said = &self.panels[usize::from(line.0)].said;
            self.is_acked(said.as_ref().expect("it begins behind a message that was just said"));
        }
        let panel = &mut self.panels[usize::from(line.0)];
        let reaction = panel.hears(sequence, ended, self.now, self.card.boot);
        event.into_iter().for_each(|event| self.line_tells(event));
        reaction.into_iter().for_each(|event| self.line_tells(event));
    }

    fn line_tells(&mut self, event: Event) {
        if let Event::Card(CardEvent::Hook { line, off_hook: false, .. }) = &event {
            self.card.hung_up(*line);
        }
        if self.card.present {
            self.tell(event);
        }
    }

    /// The serial cable is pulled: panels go on, nobody hears them.
    pub(crate) fn unplug(&mut self) {
        self.card.present = false;
        self.tell(Event::Card(CardEvent::Lost { why: "no answer for 1 s".to_owned() }));
    }

    /// It comes back; `reset`: it has lost its memory.
    pub(crate) fn plug(&mut self, reset: bool) {
        self.card.come(reset);
        let hello = self.card.hello(self.now, &self.panels);
        self.tell(Event::Card(CardEvent::Ready(hello)));
    }

    pub(crate) fn line_fault(&mut self, line: u8, present: bool) {
        let event = self.card.fault(line, present);
        self.tell(event);
    }

    pub(crate) fn carrier(&mut self, link: LinkId, there: bool) {
        self.carriers.insert(link, there);
        self.tell(Event::Net(NetEvent::Facts(site::facts(link, there))));
    }

    pub(crate) fn report(&mut self, line: u8, digits: &str) {
        let now = self.now;
        self.panels[usize::from(line)].report(digits, now);
    }

    pub(crate) fn conditions(&self) -> Vec<String> {
        self.appliance.status(self.clock()).conditions.into_iter().map(|c| c.type_id).collect()
    }

    pub(crate) fn kissed(&self, line: u8) -> &[String] {
        &self.panels[usize::from(line)].kissed
    }

    /// The recording of the whole run replays to the same commands.
    pub(crate) fn replays(&self) {
        let mut text = Vec::new();
        for line in &self.recording {
            serde_json::to_writer(&mut text, line).expect("a recorded line is JSON");
            writeln!(text).expect("memory takes it");
        }
        let report = replay(text.as_slice()).expect("a whole recording");
        assert_eq!(report.difference.map(|d| (d.line, d.recorded.event)), None);
        assert_eq!(report.turns + 1, self.recording.len() as u64);
    }
}

fn start(setup: &Setup, recovery: Recovery, boot: u32, now: Now) -> Appliance {
    let recovered = Recovered { boot, ..Recovered::default() };
    Appliance::new(setup.clone(), recovered, recovery, (None, None), 42, now)
}

fn at(wall: Option<u64>, tick: Tick) -> Now {
    Now { tick, wall: wall.map(|wall| Wall(wall + tick.0)) }
}
