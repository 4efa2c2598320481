//! The station machine with its wire, driven in real time: what the daemon's loop does, and no more.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use appliance::{StationCommand, StationEvent};
use hal::{LinkId, Now, Tick, Wall};
use ports::station::{StationHandle, StationPortConfig, StationWire, Transport};
use station::{
    Action, Event, PathId, SignalKey, StationConfig, StationId, Stations, StationsConfig, Submission, Trouble,
};
use station_wire::{Address, Key, Request, Sequence, SupervisionFormat};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, channel};

/// Longer than anything that is waited for, even where the machine is busy.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// The box's account, and the panel's.
pub(crate) const ACCOUNT: &str = "1234";

/// A station as the box knows it.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) key: Option<Key>,
}

/// A frame that was handed to the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) path: PathId,
    pub(crate) request: Request,
    pub(crate) signal: Option<SignalKey>,
}

pub(crate) struct Desk {
    runtime: Runtime,
    machine: Stations,
    pub(crate) port: StationHandle,
    events: Receiver<StationEvent>,
    started: Instant,
    clock_off_ms: i64,
    next_signal: u64,
    pub(crate) sources: BTreeMap<LinkId, IpAddr>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) delivered: Vec<(SignalKey, PathId, Sequence)>,
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) failures: Vec<String>,
    pub(crate) odd: Vec<(Instant, u32, String)>,
}

impl Desk {
    /// Stations in their order, over two links; the box's clock is off by so many seconds.
    pub(crate) fn new(stations: &[Known], clock_off_s: i64) -> Self {
        let wires = stations.iter().map(|known| StationWire {
            address: known.address,
            transport: known.transport,
            key: known.key.clone(),
        });
        let (sender, events) = channel(256);
        let config = StationPortConfig { stations: wires.collect(), seed: 7 };
        let port = ports::station::spawn(config, sender).expect("a thread");
        let links = [link(1), link(2)];
        let sources = (1..).map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 0, n)));
        let config = StationsConfig {
            stations: stations.iter().enumerate().map(|(place, known)| settings(place, known)).collect(),
            links: links.to_vec(),
        };
        let clock_off_ms = clock_off_s * 1_000;
        let started = Instant::now();
        let mut desk = Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"),
            machine: Stations::new(config, now(started, clock_off_ms)),
            port,
            events,
            started,
            clock_off_ms,
            next_signal: 1,
            sources: links.into_iter().zip(sources).collect(),
            sent: Vec::new(),
            delivered: Vec::new(),
            troubles: Vec::new(),
            failures: Vec::new(),
            odd: Vec::new(),
        };
        for link in links {
            desk.tell(Event::Link { link, usable: true });
        }
        desk
    }

    /// A burglary of this zone.
    pub(crate) fn submit(&mut self, zone: u16) -> SignalKey {
        let signal = SignalKey(self.next_signal);
        self.next_signal += 1;
        let submission = Submission {
            signal,
            account: ACCOUNT.to_owned(),
            event: "1131".to_owned(),
            partition: "01".to_owned(),
            zone: format!("{zone:03}"),
            urgency: 1,
            occurred: None,
        };
        self.tell(Event::Submit(submission));
        signal
    }

    pub(crate) fn is_delivered(&self, signal: SignalKey) -> bool {
        self.delivered.iter().any(|(key, ..)| *key == signal)
    }

    /// Serves until it is so.
    pub(crate) fn until(&mut self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + SOON;
        while !so(self) {
            assert!(
                Instant::now() < deadline,
                "never {what}; delivered {:?}, troubles {:?}, failures {:?}, odd {:?}",
                self.delivered,
                self.troubles,
                self.failures,
                self.odd
            );
            self.turn(deadline);
        }
    }

    pub(crate) fn until_delivered(&mut self, signal: SignalKey) {
        self.until("delivered", |desk| desk.is_delivered(signal));
    }

    /// Serves for so long.
    pub(crate) fn serve(&mut self, duration: Duration) {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            self.turn(end);
        }
    }

    /// Frames of a signal, in their order.
    pub(crate) fn tries(&self, signal: SignalKey) -> Vec<Sent> {
        self.sent.iter().filter(|sent| sent.signal == Some(signal)).cloned().collect()
    }

    /// One event or one deadline.
    fn turn(&mut self, end: Instant) {
        let deadline = self.machine.poll_timeout().map(|tick| self.started + Duration::from_millis(tick.0));
        let until = deadline.map_or(end, |deadline| deadline.min(end));
        let events = &mut self.events;
        let event =
            self.runtime.block_on(async { tokio::time::timeout_at(until.into(), events.recv()).await });
        match event {
            Ok(Some(event)) => self.take(event),
            Ok(None) => panic!("the stations' thread has ended"),
            Err(_) => {
                self.machine.handle_timeout(now(self.started, self.clock_off_ms));
                self.act();
            }
        }
    }

    fn take(&mut self, event: StationEvent) {
        match event {
            StationEvent::Reply { path, reply } => self.tell(Event::Reply { path, reply }),
            StationEvent::SendFailed { path, sequence, why } => {
                self.failures.push(why);
                self.tell(Event::SendFailed { path, sequence });
            }
            StationEvent::Odd { count, what, .. } => self.odd.push((Instant::now(), count, what)),
        }
    }

    fn tell(&mut self, event: Event) {
        self.machine.handle(event, now(self.started, self.clock_off_ms));
        self.act();
    }

    fn act(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Send { path, request, signal } => {
                    self.sent.push(Sent { at: Instant::now(), path, request: request.clone(), signal });
                    let source = self.sources[&path.link];
                    let command = StationCommand::Send { path, source, request };
                    self.port.try_send(command).expect("room for a command");
                }
                Action::Delivered { signal, path, sequence, .. } => {
                    self.delivered.push((signal, path, sequence));
                }
                Action::Tell(trouble) => self.troubles.push(trouble),
                Action::Reserve { .. } => {}
            }
        }
    }
}

pub(crate) fn link(number: u8) -> LinkId {
    LinkId::new(number).expect("in range")
}

fn settings(place: usize, known: &Known) -> StationConfig {
    StationConfig {
        name: format!("centre {place}"),
        address: Address::new(1, 0, ACCOUNT).expect("in order"),
        encrypted: known.key.is_some(),
        supervise_every: Duration::from_secs(60),
        supervision: SupervisionFormat::WithAccount,
        first_sequence: Sequence::FIRST,
    }
}

fn now(started: Instant, clock_off_ms: i64) -> Now {
    let since = |duration: Duration| u64::try_from(duration.as_millis()).expect("some centuries");
    let wall = since(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970"));
    let wall = wall.saturating_add_signed(clock_off_ms);
    // Rounded up: when a deadline is over, its tick has come.
    Now { tick: Tick(since(started.elapsed()) + 1), wall: Some(Wall(wall)) }
}

/// What a station's place means.
pub(crate) fn station_of(path: PathId) -> u8 {
    let StationId(place) = path.station;
    place
}
