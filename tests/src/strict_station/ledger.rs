//! What the log amounts to: events, each counted once, and rules that the sender broke.

use std::collections::BTreeMap;
use std::time::Instant;

use super::serve::Received;

/// What a sender reported, however often it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The account in front of the bracket.
    pub account: String,
    /// Its sequence.
    pub sequence: u16,
    /// What it says, for example `#1234|1131 01 015`.
    pub data: String,
    /// When the first of its frames came.
    pub first: Instant,
    /// How many frames carried it.
    pub copies: usize,
}

/// Further back than this a sequence belongs to another round of 9999.
const ROUND: usize = 5_000;

/// Signals by account and sequence, in the order of their first frames.
#[must_use]
pub fn events(log: &[Received]) -> Vec<Event> {
    let mut places: BTreeMap<(&str, u16), (usize, usize)> = BTreeMap::new();
    let mut events: Vec<Event> = Vec::new();
    let signals = log.iter().enumerate().filter_map(|(place, received)| {
        received.frame.as_ref().ok().filter(|frame| frame.is_signal()).map(|frame| (place, received, frame))
    });
    for (place, received, frame) in signals {
        let known = places.get(&(frame.account.as_str(), frame.sequence)).copied();
        let event = match known {
            Some((event, at)) if place - at < ROUND && events[event].data == frame.data => event,
            Some(_) | None => {
                events.push(Event {
                    account: frame.account.clone(),
                    sequence: frame.sequence,
                    data: frame.data.clone(),
                    first: received.at,
                    copies: 0,
                });
                events.len() - 1
            }
        };
        places.insert((&frame.account, frame.sequence), (event, place));
        events[event].copies += 1;
    }
    events
}

/// Every rule that was broken, in words.
#[must_use]
pub fn faults(log: &[Received]) -> Vec<String> {
    let broken = log.iter().filter_map(|received| {
        let why = received.frame.as_ref().err()?;
        Some(format!("{why}: {}", received.octets.escape_ascii()))
    });
    let cut = log
        .iter()
        .filter(|received| received.cut)
        .map(|received| format!("a frame in more than one segment: {}", received.octets.escape_ascii()));
    broken.chain(cut).chain(reused(log)).collect()
}

/// A sequence names one message: a retry says the same.
fn reused(log: &[Received]) -> Vec<String> {
    let mut said: BTreeMap<u16, (usize, &str, &str)> = BTreeMap::new();
    let mut faults = Vec::new();
    for (place, received) in log.iter().enumerate() {
        let Ok(frame) = &received.frame else { continue };
        if let Some((at, account, data)) = said.get(&frame.sequence) {
            if place - at < ROUND && (*account, *data) != (&frame.account, &frame.data) {
                faults.push(format!(
                    "sequence {:04} said {data:?} of {account} and then {:?} of {}",
                    frame.sequence, frame.data, frame.account
                ));
            }
        }
        said.insert(frame.sequence, (place, &frame.account, &frame.data));
    }
    faults
}
