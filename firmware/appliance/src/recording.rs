//! Recordings: every turn of the loop as a JSON line, and their replay on a desk.
//!
//! A recording starts with a snapshot, so that a ring that has forgotten its beginning still replays.

use std::io::BufRead;

use hal::Now;
use serde::{Deserialize, Serialize};

use crate::{Appliance, Command, Event};

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedLine {
    /// The box as it was before the next turn.
    Snapshot(Box<Appliance>),
    /// One turn.
    Turn(Turn),
}

/// One turn: what happened, when, and what the box asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// When.
    pub now: Now,
    /// What; `None`: a deadline came.
    pub event: Option<Event>,
    /// The commands that left.
    pub commands: Vec<Command>,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// Turns replayed.
    pub turns: u64,
    /// The first turn that went another way, if any.
    pub difference: Option<Difference>,
}

/// A turn that went another way than recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The line of the recording, from 1.
    pub line: u64,
    /// The turn as recorded.
    pub recorded: Turn,
    /// The commands of the replay.
    pub replayed: Vec<Command>,
}

/// Why a recording could not be replayed.
#[derive(Debug)]
pub enum ReplayError {
    /// It could not be read.
    Read(std::io::Error),
    /// A line is not a recorded line; its number from 1.
    Line(u64, serde_json::Error),
    /// A turn came before any snapshot; the line's number from 1.
    NoSnapshot(u64),
}

impl core::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the recording cannot be read: {error}"),
            Self::Line(line, error) => write!(
                f,
                "line {line} is not a line of a recording ({error}); was it written by another version?"
            ),
            Self::NoSnapshot(line) => write!(f, "line {line} is a turn, but no snapshot came before it"),
        }
    }
}

impl core::error::Error for ReplayError {}

/// One turn of the loop on a snapshot: the event or the deadline, then all commands.
pub fn turn(appliance: &mut Appliance, event: Option<Event>, now: Now) -> Vec<Command> {
    match event {
        Some(event) => appliance.handle(event, now),
        None => appliance.handle_timeout(now),
    }
    core::iter::from_fn(|| appliance.poll_command()).collect()
}

/// Replays a recording and stops at the first difference.
///
/// # Errors
/// When the recording is damaged or begins in the middle. A last line that was cut off is no error:
/// that is how a recording of a crash ends.
pub fn replay(recording: impl BufRead) -> Result<ReplayReport, ReplayError> {
    let mut report = ReplayReport::default();
    let mut appliance: Option<Box<Appliance>> = None;
    let mut damaged: Option<ReplayError> = None;
    for (number, text) in (1..).zip(recording.lines()) {
        if let Some(error) = damaged {
            return Err(error);
        }
        let text = text.map_err(ReplayError::Read)?;
        match serde_json::from_str(&text) {
            Err(error) => damaged = Some(ReplayError::Line(number, error)),
            Ok(RecordedLine::Snapshot(snapshot)) => appliance = Some(snapshot),
            Ok(RecordedLine::Turn(recorded)) => {
                let appliance = appliance.as_mut().ok_or(ReplayError::NoSnapshot(number))?;
                let replayed = turn(appliance, recorded.event.clone(), recorded.now);
                report.turns += 1;
                if replayed != recorded.commands {
                    report.difference = Some(Difference { line: number, recorded, replayed });
                    return Ok(report);
                }
            }
        }
    }
    Ok(report)
}
