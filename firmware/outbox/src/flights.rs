//! Publications of one class that the broker has yet to acknowledge.

use std::collections::VecDeque;

use noc_messages::Position;
use serde::{Deserialize, Serialize};

/// A broker that never acknowledges the oldest must not make this list grow: at most so many stand
/// behind it, acknowledged or not.
const MAX_FLIGHTS: usize = 2 * crate::WINDOW;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Flight {
    position: Position,
    acknowledged: bool,
}

/// In the order of publication.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flights {
    flights: VecDeque<Flight>,
}

impl Flights {
    pub(crate) fn has_room(&self) -> bool {
        self.flights.len() < MAX_FLIGHTS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    pub(crate) fn holds(&self, position: Position) -> bool {
        self.flights.iter().any(|f| f.position == position)
    }

    pub(crate) fn push(&mut self, position: Position) {
        self.flights.push_back(Flight { position, acknowledged: false });
    }

    /// PUBACK: answers with the place up to which, by this, everything published is acknowledged.
    pub(crate) fn acknowledge(&mut self, position: Position) -> Option<Position> {
        if let Some(flight) = self.flights.iter_mut().find(|f| f.position == position) {
            flight.acknowledged = true;
        }
        let mut upto = None;
        while self.flights.front().is_some_and(|f| f.acknowledged) {
            upto = self.flights.pop_front().map(|f| f.position);
        }
        upto
    }

    pub(crate) fn forget(&mut self) {
        self.flights.clear();
    }
}
