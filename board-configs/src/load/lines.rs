//! Analogue lines, and the rule of their voltage: only an alarm panel watches it.

use std::collections::BTreeMap;
use std::time::Duration;

use hal::LineId;

use crate::section::Section;
use crate::units::spell_time;
use crate::{Board, LineConfig, LineProfile};

const WITHDRAW_AFTER: &str = "withdraw_after";

/// Of an alarm line that does not say.
const WITHDRAW: Duration = Duration::from_secs(60);

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
        let Some(profile) = profile.map(|at| of(at.value)) else { continue };
        refuse_a_panel_without_station(section, profile, file);
        let withdraw_after = withdraw_after(section, profile);
        let (Some(line), Some(name)) = (line, name) else { continue };
        lines.push(LineConfig { line: LineId(line), profile, name: name.value, withdraw_after });
    }
    lines
}

fn refuse_a_panel_without_station(section: &Section<'_>, profile: LineProfile, file: &Section<'_>) {
    if profile == LineProfile::Alarm && !file.has("station") {
        let what = "there is no station to report to: an alarm panel here would hear reorder tone";
        let remedy = "Add a section [[station]] with what the alarm receiving centre gave you, or use \
                      profile = \"phone\".";
        section.problem("profile", what, remedy);
    }
}

fn withdraw_after(section: &Section<'_>, profile: LineProfile) -> Option<Duration> {
    let is_alarm = profile == LineProfile::Alarm;
    let Some(written) = section.time_or_never(WITHDRAW_AFTER) else {
        if is_alarm && !section.has(WITHDRAW_AFTER) {
            section.derived(WITHDRAW_AFTER, spell_time(WITHDRAW), "profile alarm");
        }
        return is_alarm.then_some(WITHDRAW);
    };
    if written.value.is_none() && is_alarm {
        let what = "the panel never learns that nothing it reports would arrive";
        section.warning(
            WITHDRAW_AFTER,
            what,
            "Write a time such as \"60s\", or make sure that the station does.",
        );
    }
    if written.value.is_some() && !is_alarm {
        let what = format!("what hangs on a line of profile {} does not watch its voltage", profile.word());
        section.problem(WITHDRAW_AFTER, what, "Remove the line: it is for profile = \"alarm\".");
    }
    written.value
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
