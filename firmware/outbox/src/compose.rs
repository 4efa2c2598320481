//! From a body to the JSON of a record, and from that to what is published.

use core::time::Duration;

use hal::Now;
use noc_messages::{Body, LossBody, MAX_MESSAGE, Position, Record, Stamp};
use serde::Deserialize;

use crate::StoredRecord;

/// Published later than this after it was made, a record is history.
pub(crate) const HISTORICAL_AFTER: Duration = Duration::from_secs(10);
const HISTORICAL: &str = "\"historical\":true,";
/// The largest JSON of a record or document, so that topic and marks still fit into a message.
pub(crate) const MAX_JSON: usize = MAX_MESSAGE - 1024;

/// The record as it is stored. One that no message could carry is replaced, at its own place, by
/// the word that it was lost: it would stop its class for ever.
pub(crate) fn compose(mut record: Record) -> (StoredRecord, bool) {
    let mut json = json_of(&record);
    let oversized = json.len() > MAX_JSON;
    if oversized {
        let place = Some(record.position);
        record.body = Body::Loss(LossBody {
            class: record.class,
            count: 1,
            first: place,
            last: place,
            why: format!("too large: {} bytes", json.len()),
        });
        json = json_of(&record);
    }
    (StoredRecord { class: record.class, position: record.position, json }, oversized)
}

fn json_of(record: &Record) -> String {
    serde_json::to_string(record).expect("a record has only string keys")
}

/// The record as it is published: marked if it tells of the past.
pub(crate) fn payload(record: &StoredRecord, boot: u32, now: Now) -> String {
    match record.json.strip_prefix('{') {
        Some(rest) if is_historical(record.position, &record.json, boot, now) => {
            format!("{{{HISTORICAL}{rest}")
        }
        Some(_) | None => record.json.clone(),
    }
}

/// The record of the same class before this one, as far as it says so.
pub(crate) fn prev_of(record: &StoredRecord) -> Option<Position> {
    serde_json::from_str::<Linked>(&record.json).ok()?.prev
}

#[derive(Deserialize)]
struct Linked {
    prev: Option<Position>,
}

#[derive(Deserialize)]
struct Made {
    at: Stamp,
}

fn is_historical(position: Position, json: &str, boot: u32, now: Now) -> bool {
    let limit_ms = u64::try_from(HISTORICAL_AFTER.as_millis()).unwrap_or(u64::MAX);
    let Ok(Made { at }) = serde_json::from_str::<Made>(json) else { return true };
    if position.boot == boot {
        return now.tick.0.saturating_sub(at.tick_ms) > limit_ms;
    }
    // Ticks of another start may be of another kernel boot: only believed wall time compares.
    match (at.wall_ms, now.wall) {
        (Some(made), Some(wall)) => wall.0.saturating_sub(made) > limit_ms,
        (Some(_) | None, Some(_) | None) => true,
    }
}

#[cfg(test)]
mod tests {
    use hal::{Tick, Wall};
    use noc_messages::{CardBody, Class};

    use super::*;

    fn made_at(boot: u32, at: Now, detail: &str) -> (StoredRecord, bool) {
        compose(Record {
            site: "a".parse().unwrap(),
            position: Position { boot, seq: 1 },
            prev: None,
            class: Class::State,
            at: at.into(),
            body: Body::Card(CardBody { to: "ready".to_owned(), detail: detail.to_owned() }),
        })
    }

    fn at(tick: u64, wall: Option<u64>) -> Now {
        Now { tick: Tick(tick), wall: wall.map(Wall) }
    }

    #[test]
    fn what_is_published_late_says_so_in_front() {
        for (boot, made, published, historical) in [
            (2, at(1_000, None), at(11_000, None), false),
            (2, at(1_000, None), at(11_001, None), true),
            (1, at(1_000, None), at(1_001, None), true),
            (1, at(90_000, Some(5_000)), at(10, Some(15_000)), false),
            (1, at(90_000, Some(5_000)), at(10, Some(15_001)), true),
            (1, at(90_000, Some(5_000)), at(10, None), true),
        ] {
            let (record, _) = made_at(boot, made, "x");
            let payload = payload(&record, 2, published);
            assert_eq!(payload.starts_with(r#"{"historical":true,"site":"a","#), historical, "{payload}");
            assert!(serde_json::from_str::<Record>(&payload).is_ok(), "{payload}");
        }
    }

    #[test]
    fn a_record_too_large_for_a_message_becomes_a_loss_at_its_own_place() {
        let (record, oversized) = made_at(1, at(0, None), &"x".repeat(MAX_MESSAGE));

        let told: Record = serde_json::from_str(&record.json).unwrap();

        assert!(oversized && record.json.len() < 1024);
        let Body::Loss(loss) = told.body else { panic!("{:?}", told.body) };
        assert_eq!((loss.count, loss.first, loss.last), (1, Some(told.position), Some(told.position)));
    }
}
