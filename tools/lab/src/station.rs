//! The lab's station as the lab drives it: how slow it is, and what it has taken.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::lab::Lab;
use crate::line_socket;
use crate::plan;
use crate::program::{Program, binary};

/// Where it listens.
pub const STATION_PORT: u16 = 9000;

/// A station that does not listen by then does not start.
const START_WITHIN: Duration = Duration::from_secs(5);

/// A running station in the internet.
#[derive(Debug)]
pub struct Station {
    /// Its process.
    pub program: Program,
    control: PathBuf,
}

impl Station {
    /// Starts it and waits until it listens.
    pub fn start(lab: &Lab) -> Result<Self> {
        let control = lab.folder().join("station.control");
        let listen = SocketAddr::new(plan::STATION[0].address, STATION_PORT);
        let mut command = Command::new(binary("holdfast-lab")?);
        command.args(["station", "--listen", &listen.to_string(), "--control"]).arg(&control);
        let mut program = Program::start(lab.internet(), "station", command, &lab.logs())?;
        let deadline = Instant::now() + START_WITHIN;
        while UnixStream::connect(&control).is_err() {
            program.expect_running()?;
            if Instant::now() >= deadline {
                bail!("the station does not listen on {}:\n{}", control.display(), program.tail(20));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(Self { program, control })
    }

    /// It acknowledges so long after it has read a frame.
    pub fn delay(&self, delay: Duration) -> Result<()> {
        let answer = line_socket::ask(&self.control, &format!("delay {}", delay.as_millis()))?;
        let answer: Value = serde_json::from_str(&answer).context("read the station's answer")?;
        ensure!(answer["ok"] == true, "the station refuses: {}", answer["error"]);
        Ok(())
    }

    /// Everything that it has said: `frame`, `acknowledged`, `refused`, one JSON object each.
    pub fn said(&self) -> Result<Vec<Value>> {
        let mut lines = self.program.lines()?;
        let mut all = Vec::new();
        while let Some(line) = lines.next_ready()? {
            all.push(
                serde_json::from_str(&line).with_context(|| format!("read the station's line {line:?}"))?,
            );
        }
        Ok(all)
    }
}
