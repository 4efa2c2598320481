//! The line card's simulator as the lab drives it: commands in, the truth of what happened out.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::program::Program;

/// A simulator that does not listen by then does not start.
const START_WITHIN: Duration = Duration::from_secs(5);

/// A command is taken at once or not at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

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

    /// Sends one command of `ata-sim` and returns its answer: `off 0`, `flip all 100 50`, `reset`.
    pub fn command(&self, words: &str) -> Result<String> {
        ask(&self.control, words).with_context(|| format!("tell ata-sim {words:?}"))
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

fn ask(socket: &Path, words: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    writeln!(stream, "{words}")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}
