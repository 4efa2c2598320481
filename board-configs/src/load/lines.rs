//! Analogue lines.

use std::collections::BTreeMap;

use hal::LineId;

use crate::section::Section;
use crate::{Board, LineConfig, LineProfile};

/// All lines of the file, those that could be understood.
pub(super) fn lines(file: &Section<'_>, board: &Board) -> Vec<LineConfig> {
    let sections = file.sections("line");
    if !sections.is_empty() && board.card.is_none() {
        let what = format!("board {:?} has no line card, so it has no lines", board.name);
        file.problem("line", what, "Remove the lines, or use a board with a line card.");
    }
    let mut users: BTreeMap<u8, String> = BTreeMap::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for section in &sections {
        let (line, profile, name) = (place(section, board), section.word("profile"), section.text("name"));
        let user = section.place.key.clone();
        if let Some(other) = line.and_then(|line| users.insert(line, user.clone())) {
            let what = format!("this line is used by [{other}] already");
            section.problem("line", what, "Give each its own line.");
        }
        if let Some(other) = name.as_ref().and_then(|name| names.insert(name.value.clone(), user)) {
            let what = format!("[{other}] has this name already");
            section.problem("name", what, "Give each its own name: people tell lines apart by it.");
        }
        let (Some(line), Some(profile), Some(name)) = (line, profile, name) else { continue };
        let profile = of(profile.value);
        lines.push(LineConfig { line: LineId(line), profile, name: name.value, withdraw_after: None });
    }
    lines
}

fn place(section: &Section<'_>, board: &Board) -> Option<u8> {
    let line = section.whole_number("line").and_then(|at| u8::try_from(at.value).ok())?;
    let Some(card) = &board.card else { return Some(line) };
    if line < card.lines {
        return Some(line);
    }
    let what =
        format!("board {:?} has {} lines, counted from 0: {line} is not one of them", board.name, card.lines);
    section.problem("line", what, format!("Write 0 to {}.", card.lines - 1));
    None
}

fn of(word: &str) -> LineProfile {
    let profile = LineProfile::ALL.into_iter().find(|profile| profile.word() == word);
    profile.expect("the key has these words and no others")
}
