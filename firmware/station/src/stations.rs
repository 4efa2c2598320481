//! The machine: submissions, replies and links in; frames and deliveries out.

use std::collections::{BTreeMap, VecDeque};

use hal::{LinkId, Now, Tick};
use serde::{Deserialize, Serialize};
use station_wire::{Content, Doubt, Reply, ReplyKind, Request, Sequence};

use crate::action::{Action, Event, SignalKey, Trouble};
use crate::clock::MessageClock;
use crate::config::{PathId, StationConfig, StationId, StationsConfig};
use crate::path::{Path, Works};
use crate::queue::Queue;

/// Sequences are reserved in blocks: one write to flash for so many frames.
const RESERVE: u16 = 100;
/// At one station a signal is tried so often on each path before the next station is asked.
const TRIES_PER_PATH: usize = 2;

/// See the crate's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stations {
    config: StationsConfig,
    stations: BTreeMap<StationId, StationState>,
    #[serde(with = "crate::pairs")]
    paths: BTreeMap<PathId, Path>,
    queue: Queue,
    actions: VecDeque<Action>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StationState {
    next: Sequence,
    /// Sequences that may be used before the next block must be reserved.
    left: u16,
    clock: MessageClock,
}

/// All of it, for people and tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationsStatus {
    /// Every path.
    pub paths: Vec<PathStatus>,
    /// Signals that no station has taken over yet.
    pub undelivered: usize,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStatus {
    /// The station's name.
    pub station: String,
    /// The link.
    pub link: LinkId,
    /// `Some(true)`: acknowledged lately; `Some(false)`: does not work; `None`: nothing heard yet.
    pub works: Option<bool>,
}

impl Stations {
    /// A machine that has heard nothing of any path.
    #[must_use]
    pub fn new(config: StationsConfig, now: Now) -> Self {
        let ids = (0..).map(StationId).zip(&config.stations);
        let state = |s: &StationConfig| StationState {
            next: s.first_sequence,
            left: 0,
            clock: MessageClock::default(),
        };
        let stations: BTreeMap<_, _> = ids.map(|(id, s)| (id, state(s))).collect();
        let path = |station: StationId, link: LinkId| {
            let every = config.stations[usize::from(station.0)].supervise_every;
            (PathId { station, link }, Path::new(every, now.tick))
        };
        let paths = stations.keys().flat_map(|s| config.links.iter().map(move |l| (*s, *l)));
        let paths = paths.map(|(station, link)| path(station, link)).collect();
        Self { stations, paths, queue: Queue::default(), actions: VecDeque::new(), config }
    }

    /// Something happened. Drain [`Self::poll_action`] before the next call.
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Submit(submission) => {
                let signal = submission.signal;
                if !self.queue.push(submission, now.tick) {
                    self.actions.push_back(Action::Tell(Trouble::Full { signal }));
                }
            }
            Event::Reply { path, reply } => self.take_reply(path, &reply, now),
            Event::SendFailed { path, sequence } => self.send_failed(path, sequence, now),
            Event::Link { link, usable } => self.take_link(link, usable, now),
        }
        self.settle(now);
    }

    /// A deadline has come.
    pub fn handle_timeout(&mut self, now: Now) {
        self.settle(now);
    }

    /// The next action, until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.paths.values().filter_map(Path::deadline).chain(self.queue.deadline()).min()
    }

    /// Can a signal be delivered, as far as is known? A path that nothing was heard of yet counts, so
    /// that a restart raises no trouble at the panels.
    #[must_use]
    pub fn any_path_works(&self) -> bool {
        self.paths.values().any(|path| path.works != Works::No)
    }

    /// All of it, for people and tools.
    #[must_use]
    pub fn status(&self) -> StationsStatus {
        let paths = self.paths.iter().map(|(id, path)| PathStatus {
            station: self.station(id.station).name.clone(),
            link: id.link,
            works: match path.works {
                Works::Unknown => None,
                Works::Yes => Some(true),
                Works::No => Some(false),
            },
        });
        StationsStatus { paths: paths.collect(), undelivered: self.queue.len() }
    }

    fn take_link(&mut self, link: LinkId, usable: bool, now: Now) {
        let mut failed = Vec::new();
        for (id, path) in self.paths.iter_mut().filter(|(id, _)| id.link == link) {
            if path.link(usable, now.tick) {
                failed.push(*id);
            }
        }
        for path in failed {
            self.tell_path(path, false);
        }
        for delivery in &mut self.queue.on_the_way {
            if usable {
                delivery.due = delivery.due.or(Some(now.tick));
            } else {
                delivery.link_gone(link, now.tick);
            }
        }
    }

    /// What cannot have arrived need not be waited for.
    fn send_failed(&mut self, path: PathId, sequence: Sequence, now: Now) {
        let carried = |r: &Request| r.sequence == sequence;
        for delivery in &mut self.queue.on_the_way {
            if delivery.sent_to(path.station).is_some_and(carried) && delivery.station() == path.station {
                // Not at once: a path that refuses for ever must not make a loop.
                delivery.due =
                    delivery.due.map(|due| due.min(now.tick + core::time::Duration::from_millis(200)));
            }
        }
    }

    fn take_reply(&mut self, path: PathId, reply: &Reply, now: Now) {
        let Some(station) = self.stations.get(&path.station) else { return };
        let clock = station.clock.stamp(now);
        let encrypted = self.station(path.station).encrypted;
        if let Some(ahead) = reply.clock_correction(clock) {
            self.correct_clock(path, ahead, now);
            return;
        }
        let mut doubt = None;
        for request in self.waiting_requests(path) {
            match reply.acknowledges(&request.0, encrypted, clock) {
                Ok(()) => return self.acknowledged(path, request, now),
                Err(Doubt::NotAnAck)
                    if reply.kind == ReplyKind::Duh && reply.sequence == request.0.sequence.number() =>
                {
                    return self.refused(path, request.1, now);
                }
                Err(Doubt::Sequence) => doubt = doubt.or(Some(Doubt::Sequence)),
                Err(other) => doubt = Some(other),
            }
        }
        let doubt = doubt.unwrap_or(Doubt::Sequence);
        self.actions.push_back(Action::Tell(Trouble::Doubtful { path, doubt }));
    }

    /// Every request that a reply by this path may answer, with its signal.
    fn waiting_requests(&self, path: PathId) -> Vec<(Request, Option<SignalKey>)> {
        let deliveries = self.queue.on_the_way.iter().filter_map(|delivery| {
            Some((delivery.sent_to(path.station)?.clone(), Some(delivery.submission.signal)))
        });
        let sign_of_life = self.paths.get(&path).and_then(Path::waits_for);
        let sign_of_life = sign_of_life.map(|sequence| (self.sign_of_life(path.station, sequence), None));
        deliveries.chain(sign_of_life).collect()
    }

    fn acknowledged(&mut self, path: PathId, (request, signal): (Request, Option<SignalKey>), now: Now) {
        if self.paths.get_mut(&path).is_some_and(|p| p.answered(now.tick)) {
            self.tell_path(path, true);
        }
        if let Some(delivery) = signal.and_then(|signal| self.queue.remove(signal)) {
            let took = now.tick.since(delivery.submitted);
            let signal = delivery.submission.signal;
            self.actions.push_back(Action::Delivered { signal, path, sequence: request.sequence, took });
        }
    }

    fn refused(&mut self, path: PathId, signal: Option<SignalKey>, now: Now) {
        let stations = self.config.stations.len();
        let refused = self.queue.on_the_way.iter_mut().find(|d| Some(d.submission.signal) == signal);
        if let (Some(delivery), Some(signal)) = (refused, signal) {
            if delivery.station() == path.station {
                delivery.refused(stations, now.tick);
            }
            self.actions.push_back(Action::Tell(Trouble::Refused { signal, station: path.station }));
        }
    }

    /// NAK: the same sequences again, with a stamp that the station can believe.
    fn correct_clock(&mut self, path: PathId, ahead: i64, now: Now) {
        let station = path.station;
        let corrected = self.stations.get_mut(&station).and_then(|s| s.clock.correct(ahead, now.tick));
        let Some(ahead) = corrected else { return };
        self.actions.push_back(Action::Tell(Trouble::Clock { station, ahead }));
        for delivery in self.queue.on_the_way.iter_mut().filter(|d| d.sent_to(station).is_some()) {
            delivery.due = Some(now.tick);
        }
    }

    fn settle(&mut self, now: Now) {
        self.queue.start(now.tick);
        let due = |at: Option<Tick>| at.is_some_and(|at| at <= now.tick);
        for place in 0..self.queue.on_the_way.len() {
            if due(self.queue.on_the_way.get(place).and_then(|d| d.due)) {
                self.try_delivery(place, now);
            }
        }
        let paths: Vec<PathId> =
            self.paths.iter().filter(|(_, p)| due(p.deadline())).map(|(id, _)| *id).collect();
        for path in paths {
            self.supervise(path, now);
        }
    }

    fn try_delivery(&mut self, place: usize, now: Now) {
        let stations = self.config.stations.len();
        let Some(mut delivery) = self.queue.on_the_way.get(place).cloned() else { return };
        let unanswered = delivery.last_path();
        if let Some(path) = unanswered.and_then(|path| self.paths.get_mut(&path)) {
            path.doubt(now.tick);
        }
        let enough = (self.usable_paths(delivery.station()).len() * TRIES_PER_PATH).max(TRIES_PER_PATH);
        let exhausted = stations > 1 && delivery.tries() as usize >= enough;
        if let Some(station) = self.station_to_ask(delivery.station(), exhausted) {
            delivery.ask(station);
        }
        let paths = self.usable_paths(delivery.station());
        if paths.is_empty() {
            delivery.due = None;
        } else {
            let path = paths[delivery.tries() as usize % paths.len()];
            let stamp = self.stamp(path.station, now);
            let config = self.station(path.station).clone();
            let request = delivery.request(&config, stamp, || self.next_sequence(path.station), now);
            delivery.leaves_by(path);
            let signal = Some(delivery.submission.signal);
            self.actions.push_back(Action::Send { path, request, signal });
        }
        self.queue.on_the_way[place] = delivery;
    }

    /// The next in the circle that is not known to be dead, else the next that can be sent to at all.
    /// `None`: none can, so the order of the site file holds when one can again.
    fn station_to_ask(&self, at: StationId, exhausted: bool) -> Option<StationId> {
        let count = u8::try_from(self.config.stations.len()).unwrap_or(u8::MAX);
        let circle = (0..count).map(|n| StationId((at.0 + n + u8::from(exhausted)) % count));
        let reached = circle.filter_map(|id| {
            let paths = self.usable_paths(id);
            let alive = paths.iter().any(|path| self.paths.get(path).is_some_and(|p| p.works != Works::No));
            (!paths.is_empty()).then_some((id, alive))
        });
        let reached: Vec<_> = reached.collect();
        reached.iter().find(|(_, alive)| *alive).or(reached.first()).map(|(id, _)| *id)
    }

    /// Paths over usable links: those that work first, then those nobody knows, then the rest.
    fn usable_paths(&self, station: StationId) -> Vec<PathId> {
        let by_link = self.config.links.iter().map(|link| PathId { station, link: *link });
        let usable =
            by_link.filter_map(|id| self.paths.get(&id).filter(|p| p.link_usable).map(|p| (id, p.works)));
        let (mut first, rest): (Vec<_>, Vec<_>) = usable.partition(|(_, works)| *works == Works::Yes);
        let (unknown, failing): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|(_, works)| *works == Works::Unknown);
        first.extend(unknown);
        first.extend(failing);
        first.into_iter().map(|(id, _)| id).collect()
    }

    fn supervise(&mut self, id: PathId, now: Now) {
        let Some(path) = self.paths.get_mut(&id) else { return };
        let failed = path.silent_too_long();
        let repeated = path.waits_for();
        if failed {
            self.tell_path(id, false);
        }
        let sequence = repeated.unwrap_or_else(|| self.next_sequence(id.station));
        let mut request = self.sign_of_life(id.station, sequence);
        request.timestamp = Some(self.stamp(id.station, now));
        self.actions.push_back(Action::Send { path: id, request, signal: None });
        if let Some(path) = self.paths.get_mut(&id) {
            path.asked(sequence, now.tick);
        }
    }

    fn sign_of_life(&self, station: StationId, sequence: Sequence) -> Request {
        let config = self.station(station);
        let content = Content::Supervision(config.supervision);
        Request { sequence, address: config.address.clone(), content, timestamp: None }
    }

    fn next_sequence(&mut self, id: StationId) -> Sequence {
        let Some(station) = self.stations.get_mut(&id) else { return Sequence::FIRST };
        if station.left == 0 {
            station.left = RESERVE;
            let next = (0..RESERVE).fold(station.next, |sequence, _| sequence.next());
            self.actions.push_back(Action::Reserve { station: id, next });
        }
        station.left -= 1;
        let sequence = station.next;
        station.next = sequence.next();
        sequence
    }

    fn stamp(&self, station: StationId, now: Now) -> station_wire::Timestamp {
        self.stations.get(&station).map_or_else(Default::default, |s| s.clock).stamp(now)
    }

    fn station(&self, id: StationId) -> &StationConfig {
        &self.config.stations[usize::from(id.0)]
    }

    fn tell_path(&mut self, path: PathId, works: bool) {
        self.actions.push_back(Action::Tell(Trouble::Path { path, works }));
    }
}
