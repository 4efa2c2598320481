//! One signal on its way: which station, which path, which try.

use core::time::Duration;
use std::collections::BTreeMap;

use hal::{LinkId, Now, Tick, Wall};
use serde::{Deserialize, Serialize};
use station_wire::{Address, Content, Request, Sequence, Timestamp};

use crate::action::Submission;
use crate::config::{PathId, StationConfig, StationId};

/// A panel repeats after 1.25 s: the other path must have been tried by then.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Later tries are further apart, but never further than this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A station that does not want a signal is asked again so late.
const REFUSED_WAIT: Duration = Duration::from_secs(60);
/// A signal older than this carries its own time (`H`), so that nobody takes it for news.
const LATE_AFTER: Duration = Duration::from_secs(10);

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) submission: Submission,
    pub(crate) submitted: Tick,
    /// Place of the station that is tried.
    station: usize,
    /// Tries at this station so far.
    tries: u32,
    /// When the next try is due; `None`: no link is usable.
    pub(crate) due: Option<Tick>,
    /// The path of the latest try.
    by: Option<PathId>,
    /// What was sent, by station: any of them may still be acknowledged.
    sent: BTreeMap<StationId, Request>,
}

impl Delivery {
    pub(crate) const fn new(submission: Submission, now: Tick) -> Self {
        Self {
            submission,
            submitted: now,
            station: 0,
            tries: 0,
            due: Some(now),
            by: None,
            sent: BTreeMap::new(),
        }
    }

    /// The station to try now.
    pub(crate) fn station(&self) -> StationId {
        StationId(u8::try_from(self.station).unwrap_or(u8::MAX))
    }

    /// How often it was tried at this station.
    pub(crate) const fn tries(&self) -> u32 {
        self.tries
    }

    /// The request that was sent to a station.
    pub(crate) fn sent_to(&self, station: StationId) -> Option<&Request> {
        self.sent.get(&station)
    }

    /// The next try leaves by this path.
    pub(crate) const fn leaves_by(&mut self, path: PathId) {
        self.by = Some(path);
    }

    /// The path of the latest try, whose answer did not come in time.
    pub(crate) const fn last_path(&self) -> Option<PathId> {
        self.by
    }

    /// The link is gone: what it carried last cannot be answered, so the next try is due at once.
    pub(crate) fn link_gone(&mut self, link: LinkId, now: Tick) {
        if self.by.is_some_and(|path| path.link == link) {
            self.by = None;
            self.due = self.due.map(|due| due.min(now));
        }
    }

    /// The frame of the next try: a retry keeps its sequence, `fresh` is for the first one.
    pub(crate) fn request(
        &mut self,
        config: &StationConfig,
        stamp: Timestamp,
        fresh: impl FnOnce() -> Sequence,
        now: Now,
    ) -> Request {
        let station = self.station();
        let sequence = self.sent.get(&station).map_or_else(fresh, |sent| sent.sequence);
        let late = self.is_late(now);
        let s = &self.submission;
        let request = Request {
            sequence,
            address: Address { account: s.account.clone(), ..config.address.clone() },
            content: Content::ContactId {
                account: s.account.clone(),
                event: s.event.clone(),
                partition: s.partition.clone(),
                zone: s.zone.clone(),
                occurred: s.occurred.filter(|_| late).map(|wall: Wall| Timestamp::of(wall)),
            },
            timestamp: Some(stamp),
        };
        self.sent.insert(station, request.clone());
        self.tries = self.tries.saturating_add(1);
        self.due = Some(now.tick + wait_after(self.tries));
        request
    }

    /// It waited here, or it was heard long before it came here: before a restart, for example.
    fn is_late(&self, now: Now) -> bool {
        let age = now.wall.zip(self.submission.occurred);
        let age = age.map(|(now, then)| Duration::from_millis(now.0.saturating_sub(then.0)));
        now.tick.since(self.submitted) >= LATE_AFTER || age.is_some_and(|age| age >= LATE_AFTER)
    }

    /// This station is asked from here on.
    pub(crate) fn ask(&mut self, station: StationId) {
        if station != self.station() {
            self.station = usize::from(station.0);
            self.tries = 0;
        }
    }

    /// Not this station: the next one, round and round.
    fn give_up_station(&mut self, stations: usize) {
        self.station = (self.station + 1) % stations.max(1);
        self.tries = 0;
    }

    /// The station said that it will never take it.
    pub(crate) fn refused(&mut self, stations: usize, now: Tick) {
        self.give_up_station(stations);
        let all_refused = stations <= 1 || self.station == 0;
        self.due = Some(if all_refused { now + REFUSED_WAIT } else { now });
    }
}

fn wait_after(tries: u32) -> Duration {
    (FIRST_WAIT * (1 << (tries.saturating_sub(1).min(8) / 2))).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_paths_are_tried_within_two_seconds_and_tries_never_stop() {
        let waits: Vec<_> = (1..=8).map(|tries| wait_after(tries).as_secs()).collect();
        assert_eq!(waits, [1, 1, 2, 2, 4, 4, 5, 5]);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }
}
