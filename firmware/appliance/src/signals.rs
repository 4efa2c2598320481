//! Signals, the panels' and the box's own: kept as evidence, told to the NOC, handed to the stations.

use hal::{Now, Wall};
use line::SignalId;
use noc_messages::{Body, Class, SignalBody};
use panel_wire::{Category, EventCode, Message};
use station::{Event, Submission};

use crate::alarm::{Flight, MAX_UNDELIVERED};
use crate::counter::Counter;
use crate::{Appliance, Entry, SignalEntry};

/// The box's own signals go behind every panel's.
const OWN_URGENCY: u8 = 100;

/// A signal before it has a name.
pub(crate) struct NewSignal {
    /// The panel's; `None`: the box's own.
    pub(crate) heard: Option<SignalId>,
    pub(crate) account: String,
    /// Qualifier and event, for example `1131`.
    pub(crate) event: String,
    pub(crate) partition: String,
    pub(crate) zone: String,
    pub(crate) occurred: Option<Wall>,
}

impl Appliance {
    pub(crate) fn panel_signal(&mut self, heard: SignalId, message: &Message, now: Now) {
        let taken = self.submit(
            NewSignal {
                heard: Some(heard),
                account: message.account.to_string(),
                event: format!("{}{}", message.qualifier.value(), message.event),
                partition: message.partition.to_string(),
                zone: message.zone.to_string(),
                occurred: now.wall,
            },
            now,
        );
        if taken.is_none() {
            self.tell_line(heard.line, line::Event::NotTaken { signal: heard }, now);
        }
    }

    /// Names a signal, keeps it, tells it and hands it to the stations; `None` when there is no room.
    pub(crate) fn submit(&mut self, new: NewSignal, now: Now) -> Option<station::SignalKey> {
        if self.alarm.stations.is_none() || self.alarm.kept.undelivered.len() >= MAX_UNDELIVERED {
            self.counters.add(Counter::SignalsNotTaken, 1);
            return None;
        }
        let entry = self.entry_of(new);
        let signal = entry.signal;
        self.keep(Entry::Signal(Box::new(entry.clone())), now);
        let body = Body::Signal(SignalBody {
            signal: signal.0,
            line: entry.heard.map(|heard| heard.line.0),
            account: entry.account.clone(),
            event: entry.event.clone(),
            partition: entry.partition.clone(),
            zone: entry.zone.clone(),
            words: entry.words.clone(),
            silent: entry.silent,
            on_test: entry.on_test,
        });
        self.record_signal(body, entry.silent, now);
        self.hand_to_stations(&entry, now);
        Some(signal)
    }

    /// What an earlier run left undelivered goes out again.
    pub(crate) fn resubmit(&mut self, now: Now) {
        for entry in self.alarm.kept.undelivered.clone() {
            self.hand_to_stations(&entry, now);
        }
    }

    fn hand_to_stations(&mut self, entry: &SignalEntry, now: Now) {
        let Some(stations) = &mut self.alarm.stations else { return };
        self.alarm.flights.insert(entry.signal, Flight { since: now.tick, attempts: 0 });
        let submission = Submission {
            signal: entry.signal,
            account: entry.account.clone(),
            event: entry.event.clone(),
            partition: entry.partition.clone(),
            zone: entry.zone.clone(),
            urgency: entry.urgency,
            occurred: entry.occurred_ms.map(Wall),
        };
        stations.handle(Event::Submit(submission), now);
    }

    fn entry_of(&self, new: NewSignal) -> SignalEntry {
        let code = new.event.get(1..).and_then(|code| code.parse::<EventCode>().ok());
        let described = code.map(EventCode::describe);
        let category = described.map_or(Category::Other, |d| d.category);
        let own = if new.heard.is_some() { 0 } else { OWN_URGENCY };
        SignalEntry {
            signal: station::SignalKey(self.alarm.kept.next_signal),
            heard: new.heard,
            on_test: self.alarm.accounts.on_test(&new.account),
            account: new.account,
            event: new.event,
            partition: new.partition,
            zone: new.zone,
            urgency: own + urgency(category),
            occurred_ms: new.occurred.map(|wall| wall.0),
            words: described.map_or("unlisted event", |d| d.words).to_owned(),
            silent: described.is_some_and(|d| d.silent),
        }
    }

    /// What is silent is the NOC's to know, and nobody's on the premises.
    pub(crate) fn record_signal(&mut self, body: Body, silent: bool, now: Now) {
        if silent {
            self.record_unlogged(Class::Signal, body, now);
        } else {
            self.record(Class::Signal, body, now);
        }
    }
}

/// The order in which events of several lines go out.
const fn urgency(category: Category) -> u8 {
    match category {
        Category::Fire => 0,
        Category::Personal => 1,
        Category::Burglary => 2,
        Category::Supervisory => 3,
        Category::Trouble => 4,
        Category::Access => 5,
        Category::Bypass => 6,
        Category::Test => 7,
        Category::Other => 8,
    }
}
