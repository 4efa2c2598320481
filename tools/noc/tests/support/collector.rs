//! The real collector as a child; what it tells is kept line by line.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::PATIENCE;

pub(crate) struct Collector {
    child: Child,
    lines: Receiver<Value>,
    /// Everything it told that was looked at.
    pub(crate) told: Vec<Value>,
}

impl Collector {
    /// In clear.
    pub(crate) fn start(broker: &str, store: &Path) -> Self {
        Self::start_with(broker, store, &["--insecure-plain"])
    }

    pub(crate) fn start_with(broker: &str, store: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(["collect", "--json", "--broker", broker, "--store"]).arg(store).args(more);
        Self::from(command)
    }

    pub(crate) fn from(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                if tell.send(value).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, told: Vec::new() }
    }

    /// Reads on until a line fits.
    pub(crate) fn until(&mut self, what: &str, mut fits: impl FnMut(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(value) => {
                    self.told.push(value.clone());
                    if fits(&value) {
                        return value;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{what} was not told in {PATIENCE:?}: {:#?}", self.tail())
                }
                Err(RecvTimeoutError::Disconnected) => panic!("ended before {what}: {:#?}", self.tail()),
            }
        }
    }

    pub(crate) fn says_nothing_for(&mut self, time: Duration) {
        let said = self.lines.recv_timeout(time);
        assert!(said.is_err(), "unexpected: {said:?}");
    }

    pub(crate) fn event(&mut self, event: &str) -> Value {
        self.until(event, |value| value["event"] == event)
    }

    /// Reads on until the connection stands.
    pub(crate) fn connected(mut self) -> Self {
        self.event("connected");
        self
    }

    /// How often something was told so far.
    pub(crate) fn count(&mut self, event: &str) -> usize {
        self.told.extend(self.lines.try_iter());
        self.told.iter().filter(|value| value["event"] == event).count()
    }

    /// SIGTERM; waits for the end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.child.wait().unwrap()
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn tail(&self) -> &[Value] {
        &self.told[self.told.len().saturating_sub(12)..]
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_holdfast-noc")
}

/// The answer of a question to the store, as JSON lines.
pub(crate) fn ask(words: &[&str], store: &Path) -> Vec<Value> {
    let output = Command::new(program()).args(words).args(["--json", "--store"]).arg(store).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}
