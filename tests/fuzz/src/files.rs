//! What comes as text: the evidence, the NOC's messages, questions, the installer's files.

use std::io;
use std::path::Path;

use board_configs::{load_board, load_site, read_board};
use evidence::Verifier;
use noc_messages::{Record, Watermark};
use ports::control::Ask;

/// Lines of a log are judged one by one, whatever they are.
pub(crate) fn evidence_lines(input: &[u8]) -> bool {
    let mut verifier = Verifier::default();
    let mut audit = evidence::Audit::default();
    for line in input.split(|octet| *octet == b'\n') {
        audit.line(line);
        if let Ok(text) = core::str::from_utf8(line) {
            // Either is an answer.
            let _judged = verifier.line(text);
        }
    }
    audit.entries() > 0
}

/// A watermark or a record that can be read says the same when it is written again.
pub(crate) fn noc_messages(input: &[u8]) -> bool {
    let mut any = false;
    if let Ok(watermark) = serde_json::from_slice::<Watermark>(input) {
        any = true;
        let text = serde_json::to_string(&watermark).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<Watermark>(&text).expect("and read again"), watermark);
    }
    if let Ok(record) = serde_json::from_slice::<Record>(input) {
        any = true;
        let text = serde_json::to_string(&record).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("and read again"), record);
    }
    any
}

/// A question over the local socket.
pub(crate) fn control_lines(input: &[u8]) -> bool {
    let Ok(ask) = serde_json::from_slice::<Ask>(input) else { return false };
    let text = serde_json::to_string(&ask).expect("what was read can be written");
    assert_eq!(serde_json::from_str::<Ask>(&text).expect("and read again"), ask);
    true
}

/// A site file is taken or refused with words that name it.
pub(crate) fn site_files(input: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(input) else { return false };
    let reader = |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
        Some("lab.toml") => Ok(LAB.to_owned()),
        Some("site.toml") => Ok(text.to_owned()),
        Some(_) | None => Err(io::ErrorKind::NotFound.into()),
    };
    let board = load_board("lab", Path::new("boards"), &reader).expect("the board of the lab is good");
    let Err(errors) = load_site(Path::new("site.toml"), &board, &reader) else { return true };
    assert!(!errors.problems().is_empty());
    assert!(errors.to_string().contains("site.toml"));
    false
}

/// A board file is taken or refused with words.
pub(crate) fn board_files(input: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(input) else { return false };
    let reader = |_: &Path| Ok(text.to_owned());
    let Err(errors) = read_board("board", Path::new("boards"), &reader) else { return true };
    assert!(!errors.problems().is_empty());
    false
}

/// The board that the repository ships for the lab.
const LAB: &str = include_str!("../../../board-configs/boards/lab.toml");
