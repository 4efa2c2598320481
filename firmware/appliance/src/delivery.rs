//! Between the stations and the rest: frames out, acknowledgements to the panels, troubles to evidence
//! and conditions.

use core::net::IpAddr;
use core::time::Duration;

use hal::Now;
use noc_messages::{Body, DeliveryBody};
use station::{Action, Event, PathId, SignalKey, StationId, Trouble};
use station_wire::{Content, Request, Sequence};

use crate::counter::Counter;
use crate::{Appliance, Command, Entry, StationCommand, StationEvent};

/// The first tries of a signal are each kept as evidence; of later ones every try whose number is a
/// power of two, so that a long outage does not push out what was before it.
const ATTEMPTS_KEPT: u32 = 8;

impl Appliance {
    pub(crate) fn take_station(&mut self, event: StationEvent, now: Now) {
        let event = match event {
            StationEvent::Reply { path, reply } => Event::Reply { path, reply },
            StationEvent::SendFailed { path, sequence, why: _ } => {
                self.counters.add(Counter::StationSendFailures, 1);
                Event::SendFailed { path, sequence }
            }
            StationEvent::Odd { path: _, count, what: _ } => {
                return self.counters.add(Counter::StationOddFrames, u64::from(count));
            }
        };
        self.tell_stations(event, now);
    }

    pub(crate) fn tell_stations(&mut self, event: Event, now: Now) {
        if let Some(stations) = &mut self.alarm.stations {
            stations.handle(event, now);
        }
    }

    /// Carries out what the stations want; `false` when they wanted nothing.
    pub(crate) fn settle_stations(&mut self, now: Now) -> bool {
        let Some(stations) = &mut self.alarm.stations else { return false };
        let actions: Vec<Action> = core::iter::from_fn(|| stations.poll_action()).collect();
        let any = !actions.is_empty();
        for action in actions {
            match action {
                Action::Send { path, request, signal } => self.send(path, request, signal, now),
                Action::Delivered { signal, path, sequence, took } => {
                    self.delivered(signal, path, (sequence, took), now);
                }
                Action::Reserve { station, next } => {
                    self.keep(Entry::Reserved { station: station.0, next }, now);
                }
                Action::Tell(trouble) => self.tell_trouble(trouble, now),
            }
        }
        any
    }

    fn send(&mut self, path: PathId, request: Request, signal: Option<SignalKey>, now: Now) {
        let Some(source) = self.source_of(path) else {
            return self.tell_stations(Event::SendFailed { path, sequence: request.sequence }, now);
        };
        if let Some(signal) = signal {
            self.keep_attempt(signal, path, &request, now);
        }
        self.commands.push_back(Command::Station(StationCommand::Send { path, source, request }));
    }

    fn keep_attempt(&mut self, signal: SignalKey, path: PathId, request: &Request, now: Now) {
        let Some(flight) = self.alarm.flights.get_mut(&signal) else { return };
        flight.attempts = flight.attempts.saturating_add(1);
        let attempt = flight.attempts;
        if attempt > ATTEMPTS_KEPT && !attempt.is_power_of_two() {
            return;
        }
        let (station, link) = self.names_of(path);
        let entry = Entry::Sent {
            signal,
            station,
            link,
            sequence: request.sequence,
            attempt,
            content: content(request),
            encrypted: self.station_config(path.station).is_some_and(|s| s.encrypted),
        };
        self.keep(entry, now);
    }

    fn delivered(&mut self, signal: SignalKey, path: PathId, how: (Sequence, Duration), now: Now) {
        self.alarm.flights.remove(&signal);
        let Some(entry) = self.alarm.undelivered(signal) else { return };
        let (heard, silent) = (entry.heard, entry.silent);
        let listens = |id: line::SignalId| self.alarm.lines.get(&id.line).is_some_and(|l| l.listens_for(id));
        let panel_gone = heard.is_some_and(|id| !listens(id));
        let (sequence, took) = how;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (station, link) = self.names_of(path);
        let body = DeliveryBody {
            signal: signal.0,
            station: station.clone(),
            link: link.clone(),
            sequence: sequence.number(),
            took_ms,
            panel_gone,
            silent,
        };
        self.keep(Entry::Acknowledged { signal, station, link, sequence, took_ms, panel_gone }, now);
        self.record_signal(Body::Delivery(body), silent, now);
        self.alarm.voice.delivered(signal);
        if let Some(signal) = heard {
            self.tell_line(signal.line, line::Event::Delivered { signal }, now);
        }
    }

    fn tell_trouble(&mut self, trouble: Trouble, now: Now) {
        match trouble {
            Trouble::Path { path, works } => {
                let (station, link) = self.names_of(path);
                self.keep(Entry::Path { station, link, works }, now);
                self.path_changed(path, works, now);
            }
            Trouble::Refused { signal, station } => {
                self.counters.add(Counter::StationRefusals, 1);
                let station = self.station_name(station);
                self.keep(Entry::Refused { signal, station }, now);
            }
            Trouble::Doubtful { path, doubt } => {
                self.counters.add(Counter::StationDoubtfulReplies, 1);
                if self.alarm.paths.may_keep_doubt(path, now.tick) {
                    let (station, link) = self.names_of(path);
                    self.keep(Entry::Doubtful { station, link, why: doubt.to_string() }, now);
                }
            }
            Trouble::Clock { station, ahead } => {
                let station = self.station_name(station);
                self.keep(Entry::Clock { station, ahead_s: ahead }, now);
            }
            // Cannot be: less is submitted than the machine keeps.
            Trouble::Full { signal: _ } => self.counters.add(Counter::SignalsNotTaken, 1),
        }
    }

    fn source_of(&self, path: PathId) -> Option<IpAddr> {
        let family = self.setup.stations.as_ref()?.families.get(usize::from(path.station.0))?;
        self.wan.reaches(*family).find(|reach| reach.link == path.link).map(|reach| reach.source)
    }

    pub(crate) fn names_of(&self, path: PathId) -> (String, String) {
        (self.station_name(path.station), self.name_of(path.link))
    }

    fn station_name(&self, id: StationId) -> String {
        self.station_config(id).map_or_else(|| id.to_string(), |s| s.name.clone())
    }

    fn station_config(&self, id: StationId) -> Option<&station::StationConfig> {
        self.setup.stations.as_ref()?.config.stations.get(usize::from(id.0))
    }
}

/// What a frame says, as the receiver's operator would read it.
fn content(request: &Request) -> String {
    match &request.content {
        Content::ContactId { account, event, partition, zone, occurred } => {
            let late = occurred.map(|at| format!("[H{at}]")).unwrap_or_default();
            format!("[#{account}|{event} {partition} {zone}]{late}")
        }
        Content::Supervision(_) => "[]".to_owned(),
    }
}
