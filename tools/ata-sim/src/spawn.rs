//! A simulator on a thread of its own, for tests that want a card and nothing else.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::command::{Answer, Status};
use crate::control::Control;
use crate::report::Report;
use crate::run::{Options, Sink, Telephones, run_with};

/// A running simulator. Dropping it ends the simulator.
#[derive(Debug)]
pub struct Handle {
    commands: BufReader<UnixStream>,
    reports: Receiver<Report>,
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Starts a simulator.
pub fn spawn(options: Options) -> io::Result<Handle> {
    spawn_with(options, Telephones::new())
}

/// Starts a simulator with telephones plugged into its lines.
pub fn spawn_with(options: Options, telephones: Telephones) -> io::Result<Handle> {
    let (ours, theirs) = UnixStream::pair()?;
    let (stop, stopped) = UnixStream::pair()?;
    let (sender, reports) = sync_channel(MAX_REPORTS);
    let control = Control::nobody().with_client(theirs)?;
    let body = move || run_with(&options, telephones, control, &stopped, &mut Channel(sender));
    let thread = std::thread::Builder::new().name("ata-sim".to_owned()).spawn(body)?;
    Ok(Handle { commands: BufReader::new(ours), reports, stop: Some(stop), thread: Some(thread) })
}

impl Handle {
    /// Says a command and waits for its answer.
    pub fn command(&mut self, words: &str) -> io::Result<Answer> {
        writeln!(self.commands.get_mut(), "{words}")?;
        let mut answer = String::new();
        self.commands.read_line(&mut answer)?;
        serde_json::from_str(&answer).map_err(io::Error::from)
    }

    /// How the card is.
    pub fn status(&mut self) -> io::Result<Status> {
        self.command("status")?.status.ok_or_else(|| io::Error::other("a status answer without status"))
    }

    /// What happened, as it happens; unread reports beyond 100,000 end the simulator.
    #[must_use]
    pub fn reports(&self) -> &Receiver<Report> {
        &self.reports
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

struct Channel(SyncSender<Report>);

impl Sink for Channel {
    fn report(&mut self, report: &Report) -> io::Result<()> {
        self.0.try_send(report.clone()).map_err(|error| io::Error::other(format!("report not read: {error}")))
    }

    fn answer(&mut self, _: &Answer) -> io::Result<()> {
        Ok(())
    }
}

/// Reports that nobody has read yet.
const MAX_REPORTS: usize = 100_000;
