//! Tellings and records as sentences for the person on duty. Times are UTC.

use core::fmt::Write as _;

use noc_messages::{Body, Class, Position, PresenceState, Record};

use crate::chain::{Skip, Why};
use crate::telling::{Gap, RecordTold, Skipped, Telling};

/// `14:02:11`, of milliseconds since 1970 UTC.
#[must_use]
pub fn clock(at_ms: u64) -> String {
    let seconds = at_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The sentence; none for what only programs want to hear: metrics, watermarks.
#[must_use]
pub fn sentence(telling: &Telling) -> Option<String> {
    let text = match telling {
        Telling::Record(told) if told.class == Class::Metric => return None,
        Telling::Watermark { .. } => return None,
        Telling::Record(told) => record_told(told),
        Telling::Started(s) => format!("store {}: {} sites, {} records", s.store, s.sites, s.records),
        Telling::TornTail(t) => {
            format!("{} cut off {} bytes of an unfinished line in {}", t.site, t.bytes, t.file)
        }
        Telling::Damaged(d) => format!("{} DAMAGED: {} lines of {} cannot be read", d.site, d.lines, d.file),
        Telling::Connected { session_present: true } => "connected; the broker kept our session".to_owned(),
        Telling::Connected { session_present: false } => "connected; the broker knew no session".to_owned(),
        Telling::BrokerLost { why, retry_ms } => {
            format!("no broker: {why}; next attempt in {:.1} s", *retry_ms as f64 / 1000.0)
        }
        Telling::SubscriptionRefused => {
            "the broker refuses the subscription: let this client read holdfast/v1/# in its ACL".to_owned()
        }
        Telling::Duplicates(d) => format!("{} {} {} duplicates", d.site, d.class.as_str(), d.count),
        Telling::OutOfOrder(p) => format!("{} {} {} came late", p.site, p.class.as_str(), place(p.position)),
        Telling::Gap(gap) => gap_told(gap),
        Telling::Healed(h) => {
            format!("{} {} gap closed, complete up to {}", h.site, h.class.as_str(), place_or_none(h.upto))
        }
        Telling::Base(s) => format!("{} {} begins at {}", s.site, s.class.as_str(), place(s.skip.before)),
        Telling::Lost(skipped) => lost_told(skipped),
        Telling::Refused(p) => {
            format!(
                "{} {} {} not kept: too many gaps; it will come again",
                p.site,
                p.class.as_str(),
                place(p.position)
            )
        }
        Telling::Renumbered { site, era } => {
            format!("{site} numbers its records anew (numbering {era}): another box, or an emptied one")
        }
        Telling::Presence(p) => format!("{} {}", p.site, presence(p)),
        Telling::StalePresence(p) => format!("{} ignored an old {}", p.site, presence(p)),
        Telling::State { site, document } => {
            format!("{site} {}", crate::state_words::summary(document.get()))
        }
        Telling::StaleState { site } => format!("{site} ignored an old state document"),
        Telling::Junk(j) => format!("ignored {} messages, the last on {:?}: {}", j.count, j.topic, j.why),
        Telling::StoreFailing { why } => format!("STORE FAILING, nothing is acknowledged: {why}"),
        Telling::StoreRecovered => "store works again".to_owned(),
        Telling::Stopped { records, duplicates } => {
            format!("stopped; {records} records, {duplicates} duplicates")
        }
    };
    Some(text)
}

/// `boot:seq`.
#[must_use]
pub fn place(position: Position) -> String {
    format!("{}:{}", position.boot, position.seq)
}

/// `boot:seq`, or `nothing`.
#[must_use]
pub fn place_or_none(position: Option<Position>) -> String {
    position.map_or_else(|| "nothing".to_owned(), place)
}

/// What a record says, from its JSON; the bare kind if this program does not know it.
#[must_use]
pub fn record(json: &str, kind: &str) -> String {
    serde_json::from_str::<Record>(json).map_or_else(|_| kind.to_owned(), |record| body(&record.body))
}

fn record_told(told: &RecordTold) -> String {
    let mut text = format!("{} {}", told.site, record(told.record.get(), &told.kind));
    match told.late_ms {
        Some(late) if told.historical => write!(text, " ({} ago)", span(late)).expect("a String takes it"),
        None if told.historical => text.push_str(" (late)"),
        Some(_) | None => {}
    }
    text
}

fn gap_told(gap: &Gap) -> String {
    let (class, upto) = (gap.class.as_str(), place_or_none(gap.upto));
    let (missing, before) = (place_or_none(gap.missing), place(gap.before));
    format!("{} {class} GAP: {missing} is missing before {before}; watermark waits at {upto}", gap.site)
}

fn lost_told(skipped: &Skipped) -> String {
    let Skip { after, before, why } = skipped.skip;
    let why = match why {
        Why::Told => "the box said so",
        Why::Untold => "the box does not have them and did not say why",
        Why::Restarted => "the box's spool began anew",
        Why::DamagedHere => "a line of this store is damaged",
        Why::Base | Why::EarlierStore => "first contact",
    };
    let (after, before) = (place_or_none(after), place(before));
    format!("{} {} LOST between {after} and {before}: {why}", skipped.site, skipped.class.as_str())
}

/// Whether a site is there.
#[must_use]
pub fn presence(presence: &noc_messages::Presence) -> String {
    let word = match presence.state {
        PresenceState::Online => "online",
        PresenceState::Offline => "OFFLINE",
        PresenceState::Going => "going (told to stop)",
    };
    let link = presence.link.as_ref().map_or_else(String::new, |link| format!(" over {link}"));
    format!("{word}{link}")
}

fn body(body: &Body) -> String {
    match body {
        Body::Start(b) => match &b.adopted {
            Some(link) => format!("started {} on {}, found {link} in use", b.version, b.board),
            None => format!("started {} on {}", b.version, b.board),
        },
        Body::Stop => "stops".to_owned(),
        Body::Verdict(b) => format!("link {} {} {} -> {}: {}", b.link, b.family, b.from, b.to, b.why),
        Body::Switch(b) => {
            let from = b.from.as_deref().unwrap_or("nothing");
            format!("switch {} {from} -> {}: {}", b.family, b.to, b.why)
        }
        Body::Condition(b) => match b.stood_ms.filter(|_| !b.raised) {
            Some(stood) => format!("cleared {} {} after {}", b.resource, b.type_id, span(stood)),
            None if b.raised => format!("{} {} {}: {}", b.severity, b.resource, b.type_id, b.cause),
            None => format!("cleared {} {}", b.resource, b.type_id),
        },
        Body::Line(b) => format!("line {} {}", b.line, b.to),
        Body::Card(b) => format!("card {}: {}", b.to, b.detail),
        Body::Loss(b) => format!("LOST {} {} records: {}", b.count, b.class.as_str(), b.why),
        Body::Signal(b) => {
            let of = b.line.map_or_else(|| "the box".to_owned(), |line| format!("line {line}"));
            let test = if b.on_test { ", ON TEST" } else { "" };
            let silent = if b.silent { ", silent: tell nobody on site" } else { "" };
            format!(
                "signal {} of {of}: {} {} {} {}, {}{silent}{test}",
                b.signal, b.account, b.event, b.partition, b.zone, b.words
            )
        }
        Body::Delivery(b) => {
            let gone = if b.panel_gone { ", the panel had hung up" } else { "" };
            format!(
                "signal {} delivered to {} over {} in {}{gone}",
                b.signal,
                b.station,
                b.link,
                span(b.took_ms)
            )
        }
        Body::OnTest(b) if b.on => {
            let lasts =
                b.lasts_s.map_or_else(String::new, |s| format!(" for {}", span(s.saturating_mul(1000))));
            format!("account {} on test{lasts}, by {}", b.account, b.by)
        }
        Body::OnTest(b) => format!("account {} no longer on test, by {}", b.account, b.by),
        Body::Metrics(b) => format!("metrics, {} records spooled", b.spooled),
    }
}

/// `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 2 h`.
fn span(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0 => format!("{ms} ms"),
        1..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s / 60 % 60),
        86_400.. => format!("{} d {} h", s / 86_400, s / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_reads_like_a_sentence_and_tells_its_age() {
        let json = r#"{"historical":true,"site":"a","boot":1,"seq":2,"prev":null,"class":"state","at":{"tick_ms":5},
            "kind":"switch","body":{"family":"ipv4","from":"fibre","to":"lte","why":"current_down"}}"#;
        let record = serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
        let told = RecordTold {
            site: "clinic-017".parse().unwrap(),
            class: Class::State,
            position: Position { boot: 1, seq: 2 },
            kind: "switch".to_owned(),
            historical: true,
            late_ms: Some(125_000),
            record,
        };
        let text = sentence(&Telling::Record(Box::new(told))).unwrap();
        assert_eq!(text, "clinic-017 switch ipv4 fibre -> lte: current_down (2 min 5 s ago)");
    }

    #[test]
    fn a_signal_and_its_delivery_read_like_sentences() {
        let signal = |more: &str| {
            format!(
                r#""kind":"signal","body":{{"signal":7,"line":0,"account":"1234","event":"1131","partition":"01",
                "zone":"015","words":"burglary, perimeter"{more}}}"#
            )
        };
        let heard = "signal 7 of line 0: 1234 1131 01 015, burglary, perimeter";
        let cases = [
            (signal(r#","silent":false,"on_test":false"#), heard.to_owned()),
            (signal(r#","silent":false,"on_test":true"#), format!("{heard}, ON TEST")),
            (signal(r#","silent":true,"on_test":false"#), format!("{heard}, silent: tell nobody on site")),
            (
                r#""kind":"delivery","body":{"signal":7,"station":"north","link":"fibre","sequence":12,
                "took_ms":57,"panel_gone":true,"silent":false}"#
                    .to_owned(),
                "signal 7 delivered to north over fibre in 57 ms, the panel had hung up".to_owned(),
            ),
        ];
        for (telling, expected) in cases {
            let json = format!(
                r#"{{"site":"a","boot":1,"seq":2,"prev":null,"class":"signal","at":{{"tick_ms":5}},{telling}}}"#
            );
            assert_eq!(record(&json, "unknown"), expected, "{json}");
        }
    }

    #[test]
    fn times_and_spans_are_for_people() {
        assert_eq!(clock(50_531_999), "14:02:11");
        for (ms, text) in [
            (850, "850 ms"),
            (12_999, "12 s"),
            (185_000, "3 min 5 s"),
            (7_800_000, "2 h 10 min"),
            (352_800_000, "4 d 2 h"),
        ] {
            assert_eq!(span(ms), text);
        }
    }
}
