//! Places what a panel did and what the station took on one clock. Pure.

use serde_json::Value;

/// An event that its panel holds for delivered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delivery {
    /// From the end of the first sending's last digit to the frame at the station.
    pub(super) frame_ms: f64,
    /// From there to the begin of the kiss-off.
    pub(super) kiss_off_ms: f64,
    /// The sending that was kissed off.
    pub(super) attempt: f64,
    /// To which of the box's addresses the station acknowledged it first.
    pub(super) from: String,
}

/// The delivery of the event that the station reads as `data`; `None`: not yet.
pub(super) fn delivery(happened: &[Value], said: &[Value], data: &str) -> Option<Delivery> {
    let booted_us = happened.iter().rfind(|event| event["event"] == "boot")?["at_us"].as_f64()?;
    let mine =
        |event: &&Value| event["digits"].as_str().is_some_and(|digits| read(digits).as_deref() == Some(data));
    let of = |what: &'static str| happened.iter().filter(move |event| event["what"] == what).filter(mine);
    let kissed_off = of("kissed_off").next()?;
    let end_ms = |sent: &Value| Some(booted_us / 1e3 + sent["end_sample"].as_f64()? / SAMPLES_PER_MS);
    let first_ms = end_ms(of("sent").next()?)?;
    let last_ms = end_ms(of("sent").find(|sent| sent["attempt"] == kissed_off["attempt"])?)?;
    let taken = |event: &str| said.iter().find(|frame| frame["event"] == event && frame["data"] == data);
    Some(Delivery {
        frame_ms: taken("frame")?["at_us"].as_f64()? / 1e3 - first_ms,
        kiss_off_ms: last_ms + kissed_off["after_ms"].as_f64()? - first_ms,
        attempt: kissed_off["attempt"].as_f64()?,
        from: taken("acknowledged")?["from"].as_str()?.to_owned(),
    })
}

/// 1234 18 1131 01 015 S is read as #1234|1131 01 015.
fn read(digits: &str) -> Option<String> {
    let [account, code, group, zone] = [0..4, 6..10, 10..12, 12..15].map(|part| digits.get(part));
    Some(format!("#{}|{} {} {}", account?, code?, group?, zone?))
}

const SAMPLES_PER_MS: f64 = 8.0;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DATA: &str = "#1234|1131 01 015";

    fn card() -> Vec<Value> {
        let sent = |attempt: u64, end_sample: u64| {
            json!({"event": "panel", "what": "sent", "digits": "1234181131010158", "attempt": attempt,
                   "end_sample": end_sample})
        };
        vec![
            json!({"event": "boot", "at_us": 1_000_000}),
            sent(1, 8_000),
            sent(2, 32_000),
            json!({"event": "panel", "what": "kissed_off", "digits": "1234181131010158", "attempt": 2,
                   "after_ms": 200}),
        ]
    }

    fn station() -> Vec<Value> {
        ["frame", "acknowledged"]
            .map(|event| json!({"event": event, "from": "192.0.2.2:9", "data": DATA, "at_us": 2_030_000}))
            .to_vec()
    }

    #[test]
    fn times_count_from_the_first_sending() {
        let delivery = delivery(&card(), &station(), DATA).unwrap();
        assert_eq!((delivery.frame_ms, delivery.kiss_off_ms, delivery.attempt), (30.0, 3_200.0, 2.0));
        assert_eq!(delivery.from, "192.0.2.2:9");
    }

    #[test]
    fn what_is_not_kissed_off_or_not_taken_is_no_delivery() {
        assert_eq!(delivery(&card()[..3], &station(), DATA), None);
        assert_eq!(delivery(&card(), &station()[..1], DATA), None);
        assert_eq!(delivery(&card(), &station(), "#1234|1131 01 016"), None);
    }
}
