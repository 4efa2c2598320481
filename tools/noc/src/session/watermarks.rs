//! Which box has to hear which watermark: the newest of each site, a bounded number at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use noc_messages::{SiteId, Watermark};
use tokio::time::Instant;

/// Watermarks are published at most this often: in between they rise unseen.
const APART: Duration = Duration::from_millis(200);

/// Without PUBACK.
const WINDOW: usize = 64;

#[derive(Debug)]
pub(super) struct Watermarks {
    known: BTreeMap<SiteId, Watermark>,
    due: BTreeSet<SiteId>,
    /// What may be published in this round, before the next begins.
    round: BTreeSet<SiteId>,
    next_round: Instant,
    in_flight: usize,
    connected: bool,
}

impl Watermarks {
    pub(super) fn new(known: Vec<(SiteId, Watermark)>) -> Self {
        Self {
            known: known.into_iter().collect(),
            due: BTreeSet::new(),
            round: BTreeSet::new(),
            next_round: Instant::now(),
            in_flight: 0,
            connected: false,
        }
    }

    pub(super) fn changed(&mut self, watermarks: BTreeMap<SiteId, Watermark>) {
        self.due.extend(watermarks.keys().cloned());
        self.known.extend(watermarks);
    }

    /// The broker may have forgotten what it kept for us.
    pub(super) fn connected(&mut self) {
        self.connected = true;
        self.due.extend(self.known.keys().cloned());
    }

    pub(super) fn lost(&mut self) {
        self.connected = false;
        self.in_flight = 0;
        self.due.append(&mut self.round);
    }

    pub(super) const fn published(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The last round begins at once.
    pub(super) fn hurry(&mut self) {
        self.next_round = Instant::now();
    }

    /// When something can be published without anything else happening.
    pub(super) fn due(&self) -> Option<Instant> {
        let waits = self.connected && self.in_flight < WINDOW && !self.due.is_empty();
        waits.then_some(self.next_round)
    }

    /// The next to be published.
    pub(super) fn next(&mut self, now: Instant) -> Option<(SiteId, Watermark)> {
        if !self.connected || self.in_flight >= WINDOW {
            return None;
        }
        if self.round.is_empty() && !self.due.is_empty() && now >= self.next_round {
            self.round = core::mem::take(&mut self.due);
            self.next_round = now + APART;
        }
        let site = self.round.pop_first()?;
        let watermark = self.known.get(&site)?.clone();
        self.in_flight += 1;
        Some((site, watermark))
    }

    pub(super) fn not_sent(&mut self, site: SiteId) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.due.insert(site);
    }
}

#[cfg(test)]
mod tests {
    use noc_messages::{Class, Position};

    use super::*;

    fn rise(watermarks: &mut Watermarks, site: &str, seq: u64) {
        let upto = [(Class::State, Position { boot: 1, seq })].into();
        watermarks.changed([(site.parse().unwrap(), Watermark { upto })].into());
    }

    fn published(watermarks: &mut Watermarks, now: Instant) -> Vec<(String, u64)> {
        let all = core::iter::from_fn(|| watermarks.next(now));
        all.map(|(site, mark)| (site.to_string(), mark.upto[&Class::State].seq)).collect()
    }

    #[test]
    fn a_watermark_goes_at_once_and_the_next_ones_of_the_site_go_together() {
        let mut watermarks = Watermarks::new(Vec::new());
        watermarks.connected();
        let now = Instant::now();
        rise(&mut watermarks, "a", 1);
        assert_eq!(published(&mut watermarks, now), [("a".to_owned(), 1)]);
        rise(&mut watermarks, "a", 2);
        rise(&mut watermarks, "a", 3);
        assert!(published(&mut watermarks, now).is_empty());
        assert_eq!(watermarks.due(), Some(now + APART));
        assert_eq!(published(&mut watermarks, now + APART), [("a".to_owned(), 3)]);
        assert_eq!(watermarks.due(), None);
    }

    #[test]
    fn with_every_connection_all_are_told_again_a_window_at_a_time() {
        let mut watermarks = Watermarks::new(Vec::new());
        for i in 0..100 {
            rise(&mut watermarks, &format!("s{i}"), 1);
        }
        let now = Instant::now();
        assert!(published(&mut watermarks, now).is_empty(), "nobody to tell");
        for _ in 0..2 {
            watermarks.connected();
            let mut told = 0;
            for round in 0..100 {
                told += published(&mut watermarks, now + APART * (round + 1)).len();
                assert!(watermarks.in_flight <= WINDOW);
                (0..watermarks.in_flight).for_each(|_| watermarks.published());
            }
            assert_eq!(told, 100);
            watermarks.lost();
        }
    }
}
