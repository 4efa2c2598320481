use super::*;
use crate::message::{Delivery, read};

const LIVE: How = How { at_ms: 1_000, retained: false, redelivered: false };
const RETAINED: How = How { retained: true, ..LIVE };

fn site() -> Site {
    Site::new("a-1".parse().unwrap())
}

fn message(rest: &str, payload: &str) -> Message {
    let topic = format!("holdfast/v1/a-1/{rest}");
    let payload = payload.as_bytes().to_vec();
    read(&Delivery { topic, payload, retained: false, redelivered: false }).unwrap().1
}

fn position(at: (u32, u64)) -> String {
    format!(r#"{{"boot":{},"seq":{}}}"#, at.0, at.1)
}

fn record(class: &str, at: (u32, u64), prev: Option<(u32, u64)>, rest: &str) -> Message {
    let prev = prev.map_or("null".to_owned(), position);
    let (boot, seq) = at;
    let stamp = r#""at":{"tick_ms":1,"wall_ms":400}"#;
    let text = format!(
        r#"{{"site":"a-1","boot":{boot},"seq":{seq},"prev":{prev},"class":"{class}",{stamp},{rest}}}"#
    );
    message(&format!("records/{class}"), &text)
}

fn state_record(at: (u32, u64), prev: Option<(u32, u64)>) -> Message {
    record("state", at, prev, r#""kind":"stop""#)
}

fn presence(state: &str, boot: u32, session: u32) -> Message {
    let text = format!(r#"{{"site":"a-1","state":"{state}","boot":{boot},"session":{session}}}"#);
    message("presence", &text)
}

/// Hears it and answers with the names of what is told; all lines go to `lines`.
fn hear(site: &mut Site, message: Message, how: How, lines: &mut Vec<Entry>) -> Vec<String> {
    let mut out = Outcome::default();
    site.hear(message, how, &mut out);
    site.tell_duplicates(&mut out);
    lines.extend(out.entries);
    let name = |told: &Telling| serde_json::to_value(told).unwrap()["event"].as_str().unwrap().to_owned();
    out.tellings.iter().map(name).collect()
}

/// A site read again from lines that went through bytes.
fn reopened(lines: &[Entry]) -> Site {
    let mut site = site();
    for line in lines {
        let mut bytes = Vec::new();
        line.write(&mut bytes).unwrap();
        let entry = Entry::read(bytes.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(site.replay(&entry).is_none());
    }
    site
}

fn upto(site: &Site, class: Class) -> Option<(u32, u64)> {
    site.watermark().upto.get(&class).map(|p| (p.boot, p.seq))
}

#[test]
fn classes_are_chained_apart_and_metrics_are_only_kept() {
    let (mut site, mut lines) = (site(), Vec::new());
    hear(&mut site, state_record((1, 1), None), LIVE, &mut lines);
    hear(&mut site, record("metric", (1, 2), None, r#""kind":"m""#), LIVE, &mut lines);
    hear(&mut site, record("signal", (1, 3), None, r#""kind":"s""#), LIVE, &mut lines);
    hear(&mut site, record("metric", (1, 9), Some((1, 7)), r#""kind":"m""#), LIVE, &mut lines);
    assert_eq!(upto(&site, Class::State), Some((1, 1)));
    assert_eq!(upto(&site, Class::Signal), Some((1, 3)));
    assert_eq!(upto(&site, Class::Metric), None);
    assert_eq!((site.metrics().held, site.metrics().gaps, site.held()), (2, 1, 4));
}

#[test]
fn a_gap_is_told_and_its_end_is_told() {
    let (mut site, mut lines) = (site(), Vec::new());
    hear(&mut site, state_record((1, 1), None), LIVE, &mut lines);
    assert_eq!(hear(&mut site, state_record((1, 5), Some((1, 3))), LIVE, &mut lines), ["record", "gap"]);
    assert_eq!(
        hear(&mut site, state_record((1, 3), Some((1, 1))), LIVE, &mut lines),
        ["record", "out_of_order", "healed"]
    );
    assert_eq!(hear(&mut site, state_record((1, 5), Some((1, 3))), LIVE, &mut lines), ["duplicates"]);
    assert_eq!(upto(&site, Class::State), Some((1, 5)));
}

#[test]
fn a_loss_told_in_one_class_moves_the_watermark_of_another() {
    let (mut site, mut lines) = (site(), Vec::new());
    hear(&mut site, record("signal", (1, 1), None, r#""kind":"s""#), LIVE, &mut lines);
    hear(&mut site, record("signal", (1, 9), Some((1, 7)), r#""kind":"s""#), LIVE, &mut lines);
    let (first, last) = (position((1, 5)), position((1, 7)));
    let body = format!(r#"{{"class":"signal","count":2,"first":{first},"last":{last},"why":"full"}}"#);
    let told = record("state", (1, 10), None, &format!(r#""kind":"loss","body":{body}"#));
    assert_eq!(hear(&mut site, told, LIVE, &mut lines), ["record", "lost"]);
    assert_eq!(upto(&site, Class::Signal), Some((1, 9)));
    assert_eq!(reopened(&lines).watermark(), site.watermark());
}

#[test]
fn lines_read_again_lead_to_the_same_knowledge() {
    let (mut site, mut lines) = (site(), Vec::new());
    for (at, prev) in [((4, 9), (4, 8)), ((4, 11), (4, 9)), ((4, 9), (4, 8)), ((4, 9), (4, 8))] {
        hear(&mut site, state_record(at, Some(prev)), LIVE, &mut lines);
    }
    assert_eq!(upto(&site, Class::State), Some((4, 11)), "two runs began at (4, 9): the base");
    hear(&mut site, state_record((4, 30), Some((4, 20))), LIVE, &mut lines);
    hear(&mut site, state_record((5, 1), None), LIVE, &mut lines);
    hear(&mut site, state_record((1, 1), None), LIVE, &mut lines);
    let again = reopened(&lines);
    assert_eq!((again.watermark(), again.era()), (site.watermark(), 1));
    let chain = |site: &Site| serde_json::to_value(&site.chains[&Class::State]).unwrap();
    assert_eq!(chain(&again), chain(&site));
}

#[test]
fn a_damaged_line_is_told_and_does_not_hold_the_watermark_back() {
    let (mut site, mut lines) = (site(), Vec::new());
    for seq in 1..=3 {
        hear(
            &mut site,
            state_record((1, seq), seq.checked_sub(1).filter(|s| *s > 0).map(|s| (1, s))),
            LIVE,
            &mut lines,
        );
    }
    lines.remove(1);
    let mut again = Site::new("a-1".parse().unwrap());
    let told: Vec<_> = lines.iter().filter_map(|line| again.replay(line)).collect();
    assert!(matches!(told.as_slice(), [Telling::Lost(_)]), "{told:?}");
    assert_eq!(again.watermark(), site.watermark());
    assert_eq!(hear(&mut again, state_record((1, 4), Some((1, 3))), LIVE, &mut lines), ["record"]);
}

#[test]
fn a_late_will_of_an_old_session_is_ignored() {
    let (mut site, mut lines) = (site(), Vec::new());
    assert_eq!(hear(&mut site, presence("online", 3, 7), LIVE, &mut lines), ["presence"]);
    assert_eq!(hear(&mut site, presence("online", 3, 8), LIVE, &mut lines), ["presence"]);
    assert_eq!(hear(&mut site, presence("offline", 3, 7), LIVE, &mut lines), ["stale_presence"]);
    assert_eq!(hear(&mut site, presence("online", 3, 8), RETAINED, &mut lines), [""; 0]);
    assert_eq!(site.presence().unwrap().state, PresenceState::Online);
    assert_eq!(hear(&mut site, presence("going", 3, 8), LIVE, &mut lines), ["presence"]);
    assert_eq!(hear(&mut site, presence("offline", 3, 8), LIVE, &mut lines), ["presence"]);
    assert_eq!(hear(&mut site, presence("online", 2, 99), LIVE, &mut lines), ["stale_presence"]);
}

#[test]
fn a_box_that_was_swapped_is_heard_from_its_first_record() {
    let (mut site, mut lines) = (site(), Vec::new());
    hear(&mut site, presence("online", 57, 1), LIVE, &mut lines);
    hear(&mut site, state_record((57, 1), None), LIVE, &mut lines);
    hear(&mut site, state_record((57, 2), Some((57, 1))), LIVE, &mut lines);

    hear(&mut site, presence("online", 1, 1), LIVE, &mut lines);
    let told = hear(&mut site, state_record((1, 1), None), LIVE, &mut lines);
    assert_eq!(told, ["renumbered", "record"]);
    assert_eq!(upto(&site, Class::State), Some((1, 1)));
    assert_eq!(site.presence().unwrap().boot, 1);
    assert_eq!(reopened(&lines).watermark(), site.watermark());
}

#[test]
fn an_own_watermark_counts_only_when_the_broker_kept_it_and_the_store_knows_less() {
    let (mut site, mut lines) = (site(), Vec::new());
    let own = || message("noc/watermark", r#"{"upto":{"state":{"boot":2,"seq":40}}}"#);
    assert!(hear(&mut site, own(), LIVE, &mut lines).is_empty());
    assert_eq!(upto(&site, Class::State), None);
    assert_eq!(hear(&mut site, own(), RETAINED, &mut lines), ["base"]);
    hear(&mut site, state_record((2, 44), Some((2, 40))), LIVE, &mut lines);
    assert_eq!(upto(&site, Class::State), Some((2, 44)));
    assert!(hear(&mut site, own(), RETAINED, &mut lines).is_empty());
    assert_eq!(reopened(&lines).watermark(), site.watermark());
}

#[test]
fn an_older_state_document_is_ignored() {
    let (mut site, mut lines) = (site(), Vec::new());
    let document = |boot, generation| {
        message("state", &format!(r#"{{"site":"a-1","boot":{boot},"generation":{generation},"x":[]}}"#))
    };
    assert_eq!(hear(&mut site, document(2, 5), LIVE, &mut lines), ["state"]);
    assert_eq!(hear(&mut site, document(2, 5), RETAINED, &mut lines), [""; 0]);
    assert_eq!(hear(&mut site, document(1, 900), LIVE, &mut lines), ["stale_state"]);
    assert_eq!(hear(&mut site, document(3, 1), LIVE, &mut lines), ["state"]);
}
