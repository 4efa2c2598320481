//! The line card's simulator as the lab drives it: commands in, the truth of what happened out.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::line_socket;
use crate::program::Program;

/// A simulator that does not listen by then does not start.
const START_WITHIN: Duration = Duration::from_secs(5);

/// A running line card.
#[derive(Debug)]
pub struct Card {
    /// The simulator's process.
    pub program: Program,
    control: PathBuf,
}

impl Card {
    pub(crate) fn over(mut program: Program, control: PathBuf) -> Result<Self> {
        let deadline = Instant::now() + START_WITHIN;
        while UnixStream::connect(&control).is_err() {
            program.expect_running()?;
            if Instant::now() >= deadline {
                bail!("ata-sim does not listen on {}:\n{}", control.display(), program.tail(20));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(Self { program, control })
    }

    /// Sends one command of `ata-sim` and returns its answer, JSON: `off 0`, `flip all 100 50`,
    /// `reset`. A refusal is an error with the reason.
    pub fn command(&self, words: &str) -> Result<Value> {
        let answer = line_socket::ask(&self.control, words)?;
        let answer: Value =
            serde_json::from_str(&answer).with_context(|| format!("read ata-sim's answer {answer:?}"))?;
        ensure!(answer["ok"] == true, "ata-sim refuses {words:?}: {}", answer["error"]);
        Ok(answer)
    }

    /// What happened on the card so far, as it tells it: one JSON object each.
    pub fn happened(&self) -> Result<Vec<Value>> {
        let mut lines = self.program.lines()?;
        let mut all = Vec::new();
        while let Some(line) = lines.next_ready()? {
            all.push(serde_json::from_str(&line).with_context(|| format!("read ata-sim's line {line:?}"))?);
        }
        Ok(all)
    }
}
