//! Where a site's spool begins, seen from the order in which its records arrive.
//!
//! A site publishes from the oldest record that it still has: whenever it connects, and again when
//! the watermark stands still though all was acknowledged. Such a run begins with the head of its
//! spool, unless the broker dropped that very record; so one run alone proves nothing that counts.

use noc_messages::Position;

/// Runs that begin alike before a told loss of unknown place is believed to lie before the head.
pub(super) const WHEN_TOLD: u8 = 1;

/// Runs that begin alike before the head is taken as the base of a site of which nothing is held.
pub(super) const AT_FIRST_CONTACT: u8 = 2;

/// Runs that begin alike before a gap that nobody told is given up: what the site does not publish
/// three times over it does not have, and waiting on would only fill its spool.
pub(super) const WHEN_UNTOLD: u8 = 3;

/// The order of arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    last: Option<Position>,
    head: Option<Position>,
    agreed: u8,
    begins: bool,
}

impl Run {
    pub(super) const fn expect_head(&mut self) {
        self.begins = true;
    }

    pub(super) fn follow(&mut self, position: Position) {
        if self.begins || self.last >= Some(position) {
            self.begins = false;
            self.agreed = if self.head == Some(position) { self.agreed.saturating_add(1) } else { 1 };
            self.head = Some(position);
        }
        self.last = Some(position);
    }

    /// How many runs began with this record, one after the other.
    pub(super) fn agreed(&self, first: Position) -> u8 {
        if self.head == Some(first) { self.agreed } else { 0 }
    }
}
