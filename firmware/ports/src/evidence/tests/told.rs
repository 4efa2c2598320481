//! What is told of calls, and of a log that somebody changed.

use std::time::{Duration, Instant};

use appliance::{Entry, EvidenceReport};
use hal::LineId;
use line::{CallId, SignalId, Step};
use serde_json::Value;
use station::SignalKey;
use station_wire::Sequence;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::super::reader::Reader;
use super::super::segments;
use super::stand::{Kept, Stand, acknowledged, at, signal};

#[test]
fn a_call_is_told_with_its_signal_its_delivery_and_what_the_panel_heard() {
    let stand = Stand::new();
    let kept = stand.open();
    burglary(&kept, 0, true);
    kept.close();

    let calls = ask(&stand, 5);

    assert_eq!(calls["complete"], true);
    let call = &calls["calls"][0];
    assert_eq!(
        [&call["call"], &call["line_name"], &call["over"]],
        ["line0-0", "front", "true"].map(json_of).each_ref()
    );
    let steps: Vec<_> = call["steps"].as_array().unwrap().iter().map(|s| s["after_ms"].as_u64()).collect();
    assert_eq!(steps, [Some(0), Some(4_000), Some(4_250), Some(5_500)], "by the card's samples");
    let told = &call["signals"][0];
    assert_eq!(
        [&told["words"], &told["panel"]],
        ["burglary, perimeter", "kissed_off"].map(json_of).each_ref()
    );
    assert_eq!(told["sent"][0]["after_ms"], 4_003, "by the box's clock");
    assert_eq!(told["sent"][0]["content"], "[#1234|1131 01 015]");
    assert_eq!(told["acknowledged"]["took_ms"], 57);
}

#[test]
fn a_signal_that_the_panel_was_not_told_of_says_so() {
    let stand = Stand::new();
    let kept = stand.open();
    burglary(&kept, 0, false);
    kept.close();
    assert_eq!(ask(&stand, 1)["calls"][0]["signals"][0]["panel"], "not_told");
}

#[test]
fn the_latest_calls_are_found_across_segments() {
    let stand = Stand::of(3_000, 64);
    for number in 0..30 {
        let kept = stand.open();
        burglary(&kept, number, true);
        kept.close();
    }
    assert!(segments::list(&stand.dir()).unwrap().len() > 5);

    for last in [1_u64, 7, 30] {
        let told = ask(&stand, usize::try_from(last).unwrap());
        let numbers: Vec<_> =
            told["calls"].as_array().unwrap().iter().map(|c| c["number"].as_u64()).collect();
        assert_eq!(numbers, (30 - last..30).map(Some).collect::<Vec<_>>());
        let whole =
            told["calls"].as_array().unwrap().iter().all(|c| c["steps"].as_array().unwrap().len() == 4);
        assert!(whole, "{told}");
    }
}

#[test]
fn a_quiet_box_with_a_full_log_answers_within_the_patience_of_a_client() {
    let stand = Stand::new();
    std::fs::create_dir_all(stand.dir()).unwrap();
    let mut chain = evidence::Chain::default();
    let path = Entry::Path { station: "north".to_owned(), link: "fibre".to_owned(), works: true };
    let mut segment = String::new();
    while segment.len() < 1 << 20 {
        segment.push_str(&chain.append(at(1), &path).unwrap());
    }
    for number in 1..=64 {
        std::fs::write(segments::path(&stand.dir(), number), &segment).unwrap();
    }

    let begun = std::time::Instant::now();
    let told = super::super::calls::last(&stand.dir(), 10).unwrap();

    assert_eq!(told, serde_json::json!({ "calls": [], "complete": true }));
    assert!(begun.elapsed() < crate::control::PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn a_writer_that_ends_alone_is_noticed() {
    let stand = Stand::new();
    let mut kept = stand.open();
    kept.handle.let_go();
    let until = Instant::now() + Duration::from_secs(20);
    while kept.reports.try_recv() != Err(TryRecvError::Disconnected) {
        assert!(Instant::now() < until, "the reader still holds the way open");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_log_that_somebody_changed_is_found_out_behind_the_work() {
    let stand = Stand::of(2_000, 64);
    for number in 0..10 {
        let kept = stand.open();
        burglary(&kept, number, true);
        kept.close();
    }
    let all = segments::list(&stand.dir()).unwrap();
    assert_eq!(verified(&stand, &all), None);

    let path = segments::path(&stand.dir(), all[1]);
    let lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    let taken_out = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    std::fs::write(&path, taken_out).unwrap();

    let why = verified(&stand, &all).expect("an entry is missing");
    assert!(why.contains("line 3: entry") && why.contains("is missing"), "{why}");
}

/// What the reader reports once it has verified everything.
fn verified(stand: &Stand, all: &[u32]) -> Option<String> {
    let (sender, mut reports) = mpsc::channel(4);
    let mut reader = Reader::new(stand.dir(), all.to_vec(), sender.downgrade());
    all.iter().for_each(|_| reader.verify_next());
    match reports.try_recv().ok()? {
        EvidenceReport::Failed { why, .. } => Some(why),
        other @ (EvidenceReport::Stored { .. } | EvidenceReport::Dropped { .. }) => panic!("{other:?}"),
    }
}

fn ask(stand: &Stand, last: usize) -> Value {
    let kept = stand.open();
    let answer = kept.handle.last_calls(last).blocking_recv().expect("an answer");
    kept.close();
    answer
}

fn json_of(text: &str) -> Value {
    if text == "true" { Value::Bool(true) } else { Value::from(text) }
}

fn burglary(kept: &Kept, number: u64, kissed_off: bool) {
    let line = LineId(0);
    let id = SignalId { line, number };
    let step = |after_ms: u64, step: Step| {
        let sample = u32::MAX.wrapping_add(u32::try_from(after_ms * 8).expect("a short call"));
        let call = CallId { line, number };
        let entry = Entry::Call { call, line_name: "front".to_owned(), sample: Some(sample), step };
        kept.handle.append(at(number * 10_000 + after_ms + 2), entry);
    };
    step(0, Step::OffHook);
    step(4_000, Step::Message { digits: "1234181131010158".to_owned(), signal: id, repeat: 1 });
    kept.handle.append(at(number * 10_000 + 4_003), signal(number));
    let sent = Entry::Sent {
        signal: SignalKey(number),
        station: "north".to_owned(),
        link: "fibre".to_owned(),
        sequence: Sequence::FIRST,
        attempt: 1,
        content: "[#1234|1131 01 015]".to_owned(),
        encrypted: true,
    };
    kept.handle.append(at(number * 10_000 + 4_005), sent);
    kept.handle.append(at(number * 10_000 + 4_060), acknowledged(number));
    let after = core::time::Duration::from_millis(250);
    step(
        4_250,
        if kissed_off { Step::KissedOff { signal: id, after } } else { Step::NotKissedOff { signal: id } },
    );
    step(5_500, Step::HungUp { not_kissed_off: u8::from(!kissed_off) });
}
