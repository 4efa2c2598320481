//! The box's own voice at the station: which of its troubles stand, which the station was told of.
//!
//! A trouble is told once it has stood for its hold time, its end once it has been over for as long.
//! One signal of each trouble is under way at most: a flapping path tells no more than the station takes.

use core::time::Duration;

use hal::{LineId, LinkId, Now, Tick, Wall};
use serde::{Deserialize, Serialize};
use station::SignalKey;

use crate::{Recovery, Setup, SignalEntry};

/// A trouble of the box. Codes are DC-05's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// The mains are gone.
    Mains,
    /// The battery will not last.
    Battery,
    /// A line circuit is faulty.
    Line(LineId),
    /// The line card is gone.
    Card,
    /// No station answers over this link.
    Path(LinkId),
    /// No station answers over any link.
    Stations,
    /// A panel's signal is not delivered for too long.
    Undelivered,
}

impl Fault {
    const OF_THE_BOX: [Self; 5] = [Self::Mains, Self::Battery, Self::Card, Self::Stations, Self::Undelivered];

    /// `links` are the paths in their order: the first two have codes of their own.
    pub(crate) fn code(self, links: &[LinkId]) -> &'static str {
        match self {
            Self::Mains => "301",
            Self::Battery => "302",
            Self::Line(_) | Self::Card => "333",
            Self::Path(link) => match links.iter().position(|l| *l == link) {
                Some(0) => "351",
                Some(1) => "352",
                Some(_) | None => "350",
            },
            Self::Stations => "356",
            Self::Undelivered => "354",
        }
    }

    pub(crate) fn zone(self) -> String {
        let number = match self {
            Self::Line(line) => u16::from(line.0) + 1,
            Self::Path(link) => u16::from(link.number()),
            Self::Mains | Self::Battery | Self::Card | Self::Stations | Self::Undelivered => 0,
        };
        format!("{number:03}")
    }

    /// Mains and links come and go in storms and at night; a card restarts in seconds. A signal that
    /// is overdue has waited already.
    const fn hold(self) -> Duration {
        match self {
            Self::Mains | Self::Path(_) | Self::Stations => Duration::from_secs(60),
            Self::Battery | Self::Line(_) => Duration::from_secs(10),
            Self::Card => Duration::from_secs(30),
            Self::Undelivered => Duration::ZERO,
        }
    }
}

/// One trouble and what the station knows of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Watch {
    fault: Fault,
    present: bool,
    since: Tick,
    occurred: Option<Wall>,
    told: bool,
    under_way: Option<SignalKey>,
}

/// A trouble, or its end, to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) fault: Fault,
    pub(crate) present: bool,
    pub(crate) occurred: Option<Wall>,
}

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Voice {
    watches: Vec<Watch>,
    test_every: Option<Duration>,
    next_test: Option<Tick>,
}

impl Voice {
    /// What a station was told of by an earlier run stands until the opposite is known.
    pub(crate) fn recovered(setup: &Setup, evidence: &Recovery, now: Now) -> Self {
        let links = setup.stations.as_ref().map_or(&[][..], |stations| &stations.config.links);
        let lines = setup.lines.iter().map(|line| Fault::Line(line.line));
        let paths = links.iter().copied().map(Fault::Path);
        let faults = Fault::OF_THE_BOX.into_iter().chain(lines).chain(paths);
        let told = faults.filter_map(|fault| {
            let (code, zone) = (fault.code(links), fault.zone());
            evidence.troubles.get(&format!("{code} {zone}"))?;
            let event = format!("1{code}");
            let same = |s: &&SignalEntry| s.heard.is_none() && s.event == event && s.zone == zone;
            let under_way = evidence.undelivered.iter().find(same).map(|signal| signal.signal);
            let (since, occurred) = (now.tick, now.wall);
            Some(Watch { fault, present: true, since, occurred, told: true, under_way })
        });
        let test_every = setup.stations.as_ref().and_then(|stations| stations.test_every);
        let next_test = test_every.map(|every| now.tick + every);
        Self { watches: told.collect(), test_every, next_test }
    }

    /// A trouble stands, or does not.
    pub(crate) fn set(&mut self, fault: Fault, present: bool, now: Now) {
        if let Some(watch) = self.watches.iter_mut().find(|watch| watch.fault == fault) {
            if watch.present != present {
                (watch.present, watch.since, watch.occurred) = (present, now.tick, now.wall);
            }
        } else if present {
            self.watches.push(Watch {
                fault,
                present,
                since: now.tick,
                occurred: now.wall,
                told: false,
                under_way: None,
            });
        }
    }

    pub(crate) fn is_present(&self, fault: Fault) -> bool {
        self.watches.iter().any(|watch| watch.fault == fault && watch.present)
    }

    /// The next trouble, or end of one, to be told; [`Self::told`] must follow.
    pub(crate) fn due(&self, now: Tick) -> Option<Due> {
        let due = self.watches.iter().find(|watch| watch.due_at().is_some_and(|at| at <= now))?;
        Some(Due { fault: due.fault, present: due.present, occurred: due.occurred })
    }

    /// It was submitted under this name; `None`: nobody took it, it is tried again after its hold time.
    pub(crate) fn told(&mut self, due: Due, signal: Option<SignalKey>, now: Tick) {
        let Some(watch) = self.watches.iter_mut().find(|watch| watch.fault == due.fault) else { return };
        match signal {
            Some(signal) => (watch.told, watch.under_way) = (due.present, Some(signal)),
            None => watch.since = now + Duration::from_secs(1),
        }
    }

    pub(crate) fn delivered(&mut self, signal: SignalKey) {
        for watch in self.watches.iter_mut().filter(|watch| watch.under_way == Some(signal)) {
            watch.under_way = None;
        }
    }

    /// The periodic test is due; the next one is counted from here.
    pub(crate) fn test_due(&mut self, now: Tick) -> bool {
        let due = self.next_test.is_some_and(|at| at <= now);
        if due {
            self.next_test = self.test_every.map(|every| now + every);
        }
        due
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.watches.iter().filter_map(Watch::due_at).chain(self.next_test).min()
    }
}

impl Watch {
    fn due_at(&self) -> Option<Tick> {
        (self.present != self.told && self.under_way.is_none()).then(|| self.since + self.fault.hold())
    }
}
