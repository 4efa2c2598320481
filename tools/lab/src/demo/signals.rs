//! Holds what panels did against what the station has taken. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

/// A message that a panel holds for delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KissOff {
    pub(crate) line: u64,
    /// The sixteen digits.
    pub(crate) digits: String,
    pub(crate) attempt: u64,
    /// When the tone began, microseconds of the machine's clock.
    pub(crate) began_us: u64,
    /// Since the end of the last digit.
    pub(crate) after_ms: u64,
}

/// Every kiss-off that the card's simulator tells of, in order.
pub(crate) fn kiss_offs(happened: &[Value]) -> Vec<KissOff> {
    let mut booted_us = 0;
    let mut sent_at = std::collections::BTreeMap::new();
    let mut found = Vec::new();
    for event in happened {
        let number = |key: &str| event[key].as_u64().unwrap_or_default();
        match (event["event"].as_str(), event["what"].as_str()) {
            (Some("boot"), _) => booted_us = number("at_us"),
            (Some("panel"), Some("sent")) => {
                sent_at.insert(number("line"), number("end_sample"));
            }
            (Some("panel"), Some("kissed_off")) => {
                let (line, after_ms) = (number("line"), number("after_ms"));
                let began = sent_at.get(&line).copied().unwrap_or_default() + after_ms * SAMPLES_PER_MS;
                found.push(KissOff {
                    line,
                    digits: event["digits"].as_str().unwrap_or_default().to_owned(),
                    attempt: number("attempt"),
                    began_us: booted_us + began * US_PER_SAMPLE,
                    after_ms,
                });
            }
            _ => {}
        }
    }
    found
}

/// How often a panel's light went to `on`.
pub(crate) fn troubles(happened: &[Value], line: u8, on: bool) -> usize {
    let light = |event: &&Value| event["what"] == "trouble" && event["line"] == line && event["on"] == on;
    happened.iter().filter(light).count()
}

/// The frames with these sixteen digits: every event of the station that carries them.
fn of_signal<'a>(said: &'a [Value], event: &str, digits: &str) -> Vec<&'a Value> {
    // 1234 18 1131 01 015 S is written #1234|1131 01 015.
    let (Some(account), Some(code)) = (digits.get(..4), digits.get(6..10)) else { return Vec::new() };
    let (Some(group), Some(zone)) = (digits.get(10..12), digits.get(12..15)) else { return Vec::new() };
    let data = format!("#{account}|{code} {group} {zone}");
    said.iter().filter(|frame| frame["event"] == event && frame["data"] == data.as_str()).collect()
}

/// How many different signals (by account and sequence) with these digits the station has taken.
pub(crate) fn taken(said: &[Value], digits: &str) -> usize {
    let frames = of_signal(said, "frame", digits);
    let names: BTreeSet<String> =
        frames.iter().map(|frame| format!("{} {}", frame["account"], frame["sequence"])).collect();
    names.len()
}

/// From which addresses the signal came.
pub(crate) fn sources(said: &[Value], digits: &str) -> BTreeSet<String> {
    let frames = of_signal(said, "acknowledged", digits);
    frames.iter().filter_map(|frame| frame["from"].as_str().map(str::to_owned)).collect()
}

/// Kiss-offs that began before the station's acknowledgement left, or without one; by how much.
pub(crate) fn lies(kiss_offs: &[KissOff], said: &[Value]) -> Vec<String> {
    let lie = |kiss_off: &KissOff| {
        let acknowledged = of_signal(said, "acknowledged", &kiss_off.digits);
        let first = acknowledged.iter().filter_map(|frame| frame["at_us"].as_u64()).min();
        let early_us = first.map(|at_us| at_us.saturating_sub(kiss_off.began_us + RESOLUTION_US));
        match early_us {
            Some(0) => None,
            Some(early_us) => {
                Some(format!("{} by {} ms", kiss_off.digits, (early_us + RESOLUTION_US) / 1_000))
            }
            None => Some(format!("{} without any", kiss_off.digits)),
        }
    };
    kiss_offs.iter().filter_map(lie).collect()
}

const SAMPLES_PER_MS: u64 = 8;
const US_PER_SAMPLE: u64 = 125;

/// A tone that is begun at once is counted from the first sample of the 10 ms in which the card was told,
/// and a panel hears in slices of 5 ms.
const RESOLUTION_US: u64 = 15_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DIGITS: &str = "1234181131010158";

    fn card() -> Vec<Value> {
        vec![
            json!({"event": "boot", "card_boot": 7, "at_us": 1_000_000}),
            json!({"event": "panel", "line": 2, "what": "sent", "digits": DIGITS, "attempt": 1, "end_sample": 8_000}),
            json!({"event": "panel", "line": 2, "what": "kissed_off", "digits": DIGITS, "attempt": 1,
                   "after_ms": 200, "tone_ms": 850}),
            json!({"event": "panel", "line": 2, "what": "trouble", "on": true}),
        ]
    }

    fn station(event: &str, sequence: &str, at_us: u64) -> Value {
        json!({"event": event, "from": "192.0.2.2", "id": "ADM-CID", "account": "1234", "sequence": sequence,
               "data": "#1234|1131 01 015", "at_us": at_us})
    }

    #[test]
    fn a_kiss_off_is_placed_on_the_machine_s_clock() {
        let kiss_offs = kiss_offs(&card());
        assert_eq!((kiss_offs.len(), kiss_offs[0].began_us), (1, 2_200_000));
        assert_eq!(
            (troubles(&card(), 2, true), troubles(&card(), 2, false), troubles(&card(), 3, true)),
            (1, 0, 0)
        );
    }

    #[test]
    fn a_kiss_off_before_the_acknowledgement_or_without_one_is_a_lie() {
        let kiss_offs = kiss_offs(&card());
        let told = |said: &[Value]| lies(&kiss_offs, said).len();
        assert_eq!(told(&[station("acknowledged", "0001", 2_215_000)]), 0);
        assert_eq!(told(&[station("acknowledged", "0001", 2_215_001)]), 1);
        assert_eq!(told(&[station("frame", "0001", 1)]), 1);
        let other = json!({"event": "acknowledged", "data": "#1234|1131 01 016", "at_us": 1});
        assert_eq!(told(&[other]), 1);
    }

    #[test]
    fn a_frame_sent_again_is_the_same_event_and_another_sequence_is_another() {
        let again = [station("frame", "0001", 1), station("frame", "0001", 2)];
        assert_eq!(taken(&again, DIGITS), 1);
        assert_eq!(taken(&[again[0].clone(), station("frame", "0002", 2)], DIGITS), 2);
        assert_eq!((taken(&again, "1235181131010157"), taken(&again, "12")), (0, 0));
        assert_eq!(sources(&[station("acknowledged", "0001", 1)], DIGITS).len(), 1);
    }
}
