//! What the box knows of its line card, and which of the card's events still want an acknowledgement.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use hal::Tick;
use noc_messages::Position;
use serde::{Deserialize, Serialize};

use crate::{CardCommand, CardHello};

/// A slow store may hold an acknowledgement back for so long; after that a line is worth more
/// than its record.
const ACK_AT_THE_LATEST: Duration = Duration::from_millis(250);

/// The card keeps at most 64 events; twice that covers a restart of the card in between.
const MAX_UNACKED: usize = 128;

/// The card as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) present: bool,
    /// Firmware and serial number, or why it is absent.
    pub(crate) detail: String,
    pub(crate) boot: Option<u32>,
    /// `true`: off-hook; empty until a card said hello.
    pub(crate) hooks: Vec<bool>,
    unacked: VecDeque<Unacked>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Unacked {
    card_boot: u32,
    card_seq: u16,
    /// Its record; `None`: there is nothing to store.
    position: Option<Position>,
    deadline: Tick,
    stored: bool,
}

/// An acknowledgement that is due.
pub(crate) struct Due {
    pub(crate) command: CardCommand,
    /// It was given up waiting for the store.
    pub(crate) before_stored: bool,
}

impl Card {
    /// The hello of a card; tells whether the card restarted since the last hello.
    pub(crate) fn ready(&mut self, hello: &CardHello) -> bool {
        let restarted = self.boot.is_some_and(|boot| boot != hello.card_boot);
        self.present = true;
        self.detail = format!("{} serial {}", hello.firmware, hello.serial);
        self.boot = Some(hello.card_boot);
        self.hooks.clone_from(&hello.off_hook);
        restarted
    }

    /// Hook changes that no event will ever report: the card forgot them, or restarted.
    ///
    /// Otherwise the card still holds every change as an event and will deliver it.
    pub(crate) fn missed_changes(&self, hello: &CardHello) -> Vec<(u8, bool)> {
        let forgotten = hello.events_lost > 0 || self.boot.is_some_and(|boot| boot != hello.card_boot);
        if !forgotten {
            return Vec::new();
        }
        let both = (0u8..).zip(self.hooks.iter().zip(&hello.off_hook));
        both.filter(|(_, (known, told))| known != told).map(|(line, (_, told))| (line, *told)).collect()
    }

    pub(crate) fn lost(&mut self, why: &str) {
        self.present = false;
        why.clone_into(&mut self.detail);
    }

    pub(crate) fn hook(&mut self, line: u8, off_hook: bool) {
        if let Some(hook) = self.hooks.get_mut(usize::from(line)) {
            *hook = off_hook;
        }
    }

    /// This event is taken up and recorded at `position`, if at all; it wants an acknowledgement.
    pub(crate) fn taken(&mut self, card_boot: u32, card_seq: u16, position: Option<Position>, now: Tick) {
        if self.unacked.len() == MAX_UNACKED {
            self.unacked.pop_front();
        }
        let deadline = now + ACK_AT_THE_LATEST;
        self.unacked.push_back(Unacked {
            card_boot,
            card_seq,
            position,
            deadline,
            stored: position.is_none(),
        });
    }

    pub(crate) fn stored(&mut self, positions: &[Position]) {
        if self.unacked.is_empty() {
            return;
        }
        let positions: BTreeSet<_> = positions.iter().copied().collect();
        for event in &mut self.unacked {
            event.stored |= event.position.is_some_and(|position| positions.contains(&position));
        }
    }

    /// Acknowledgements are cumulative, so they leave in order.
    pub(crate) fn next_due(&mut self, now: Tick) -> Option<Due> {
        let first = self.unacked.front()?;
        if !first.stored && first.deadline > now {
            return None;
        }
        let event = self.unacked.pop_front()?;
        let command = CardCommand::Acknowledge { card_boot: event.card_boot, card_seq: event.card_seq };
        Some(Due { command, before_stored: !event.stored })
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.unacked.front().map(|event| event.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn position(seq: u64) -> Position {
        Position { boot: 1, seq }
    }

    fn acked(card: &mut Card, now: Tick) -> Vec<(u16, bool)> {
        core::iter::from_fn(|| card.next_due(now))
            .map(|due| match due.command {
                CardCommand::Acknowledge { card_seq, .. } => (card_seq, due.before_stored),
                other @ (CardCommand::Play { .. }
                | CardCommand::Silence { .. }
                | CardCommand::Feed { .. }) => {
                    panic!("{other:?}")
                }
            })
            .collect()
    }

    #[test]
    fn an_event_is_acknowledged_once_it_is_stored_and_in_order() {
        let mut card = Card::default();
        card.taken(7, 1, Some(position(1)), Tick(0));
        card.taken(7, 2, Some(position(2)), Tick(0));

        card.stored(&[position(2)]);
        assert_eq!(acked(&mut card, Tick(1)), []);
        card.stored(&[position(1)]);
        assert_eq!(acked(&mut card, Tick(1)), [(1, false), (2, false)]);
    }

    #[test]
    fn a_hello_reports_a_change_only_when_no_event_will() {
        let hello = |card_boot, events_lost| CardHello {
            card_boot,
            firmware: "sim".to_owned(),
            serial: "1".to_owned(),
            sample: 0,
            off_hook: vec![true, false],
            fed: vec![true, true],
            events_lost,
        };
        let card = Card { boot: Some(7), hooks: vec![false, false], ..Card::default() };

        assert_eq!(card.missed_changes(&hello(7, 0)), []);
        assert_eq!(card.missed_changes(&hello(7, 1)), [(0, true)]);
        assert_eq!(card.missed_changes(&hello(8, 0)), [(0, true)]);
        assert_eq!(Card::default().missed_changes(&hello(8, 0)), []);
    }

    #[test]
    fn a_slow_store_holds_no_line_for_longer_than_a_quarter_second() {
        let mut card = Card::default();
        card.taken(7, 1, Some(position(1)), Tick(0));

        assert_eq!(card.deadline(), Some(Tick(250)));
        assert_eq!(acked(&mut card, Tick(249)), []);
        assert_eq!(acked(&mut card, Tick(250)), [(1, true)]);
    }
}
