//! The real program on evidence that is whole, changed, cut and missing.

#![allow(clippy::unwrap_used, reason = "tests may")]

use std::path::Path;
use std::process::{Command, Output};

use evidence::{At, Chain};
use serde_json::{Value, json};

const AT: At = At { boot: 1, tick_ms: 5, wall_ms: None };

#[test]
fn a_whole_log_is_whole_with_each_of_its_heads() {
    let (dir, heads) = log(3);
    let whole = run(dir.path(), &[]);
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let text = String::from_utf8(whole.stdout).unwrap();
    assert!(text.starts_with("whole\n12 entries, 1 to 12, in 3 files\nhead "), "{text}");

    for head in &heads {
        assert_eq!(run(dir.path(), &["--head", head]).status.code(), Some(0), "{head}");
    }
    let strange = "00".repeat(32);
    let other = run(dir.path(), &["--head", &strange, "--json"]);
    assert_eq!((other.status.code(), &json_of(&other)["head_found"]), (Some(1), &json!(false)));
}

#[test]
fn one_segment_alone_is_verified_from_its_first_line() {
    let (dir, _) = log(3);
    let found = run(&dir.path().join("00000002.log"), &["--json"]);
    let found = json_of(&found);
    assert_eq!([&found["whole"], &found["first"], &found["newest"]], [&json!(true), &json!(5), &json!(8)]);
}

type Hands<'a> = &'a dyn Fn(&mut Vec<String>);

#[test]
fn what_hands_or_decay_did_is_found_with_its_line() {
    let change = |lines: &mut Vec<String>| lines[1] = lines[1].replace("entry 1", "entry X");
    let take_out = |lines: &mut Vec<String>| drop(lines.remove(1));
    let swap = |lines: &mut Vec<String>| lines.swap(1, 2);
    let cases: [(Hands, &str, &str); 3] = [
        (&change, "00000001.log, line 2: the line is damaged", "1 faults"),
        (&take_out, "00000001.log, line 2: entry 2 is missing", "1 faults"),
        (&swap, "00000001.log, line 2: entry 2 is missing", "3 faults"),
    ];
    for (hands, first, count) in cases {
        let (dir, _) = log(2);
        let path = dir.path().join("00000001.log");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
        hands(&mut lines);
        std::fs::write(&path, lines.concat()).unwrap();

        let found = run(dir.path(), &[]);

        assert_eq!(found.status.code(), Some(1));
        let text = String::from_utf8(found.stdout).unwrap();
        assert!(text.contains(first) && text.contains(count) && text.starts_with("NOT WHOLE"), "{text}");
    }
}

#[test]
fn a_segment_taken_away_is_missed_wherever_it_stood() {
    for (gone, what) in [("00000001.log", "begins with entry 5"), ("00000002.log", "entry 5 is missing")] {
        let (dir, heads) = log(3);
        std::fs::remove_file(dir.path().join(gone)).unwrap();
        let found = run(dir.path(), &[]);
        let text = String::from_utf8(found.stdout).unwrap();
        assert!(found.status.code() == Some(1) && text.contains(what), "{gone}: {text}");

        // The newest one is missed only by whoever knows a hash of it.
        let (dir, _) = log(3);
        std::fs::remove_file(dir.path().join("00000003.log")).unwrap();
        assert_eq!(run(dir.path(), &[]).status.code(), Some(0));
        assert_eq!(run(dir.path(), &["--head", &heads[2]]).status.code(), Some(1));
    }
}

#[test]
fn a_drop_that_the_box_told_is_no_fault_and_an_unfinished_line_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain { newest: 40, ..Chain::default() };
    let dropped =
        json!({ "kind": "dropped", "first": 1, "last": 40, "entries": 40, "why": "more than 64 segments" });
    let line = chain.append(AT, &dropped).unwrap();
    std::fs::write(dir.path().join("00000009.log"), format!("{line}9f3c01aa {{\"n\"")).unwrap();

    let found = run(dir.path(), &["--json"]);

    let told = json_of(&found);
    assert_eq!(found.status.code(), Some(0), "{told}");
    assert_eq!((&told["told"], &told["unfinished_bytes"]), (&json!([dropped]), &json!(13)));
}

#[test]
fn what_cannot_be_read_is_neither_whole_nor_broken() {
    let empty = tempfile::tempdir().unwrap();
    for path in [Path::new("/nowhere"), empty.path()] {
        let found = run(path, &[]);
        assert_eq!(found.status.code(), Some(2), "{found:?}");
        assert!(!found.stderr.is_empty() && found.stdout.is_empty());
    }
    let (dir, _) = log(1);
    assert_eq!(run(dir.path(), &["--head", "abc"]).status.code(), Some(2));
}

/// Segments of four entries each, and the hash of each segment's last.
fn log(segments: u32) -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::default();
    let mut heads = Vec::new();
    for segment in 1..=segments {
        let lines: String =
            (0..4).map(|n| chain.append(AT, &json!({ "kind": format!("entry {n}") })).unwrap()).collect();
        std::fs::write(dir.path().join(format!("{segment:08}.log")), lines).unwrap();
        heads.push(chain.head.to_string());
    }
    (dir, heads)
}

fn run(path: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holdfast-noc")).arg("verify").arg(path).args(more).output().unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}
