//! The spool's wire: one thread that owns sled, the lock and the directory.
//!
//! ```text
//!   StoreHandle::send --(bounded)--> worker --> spool (sled) --> fdatasync --> StoreReport
//! ```
//! A record is given to the kernel at once, so that a killed daemon loses nothing it handed over,
//! and is called stored only after an fdatasync of our own: sled's flush is not one. What waits in
//! the channel becomes one commit. A directory that cannot be used is a condition, told by
//! `Failed` and tried again; it is never a reason not to start. Only a second daemon on the same
//! directory is refused.
//!
//! It refuses to throw a damaged spool away: what is readable is carried over, the rest is moved to
//! `quarantine` for whoever wants to look.

mod boot;
mod files;
mod lock;
mod open;
mod salvage;
mod spool;
mod sync_file_range;
mod witness;
mod worker;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use outbox::{Recovered, StoreReport, StoreRequest};
use tokio::sync::mpsc;

use lock::Lock;
use worker::Worker;

/// Requests that wait for the thread. The outbox has at most some 1,600 records outstanding, in
/// appends of 1 to 64; a channel that is full means a flash that hangs.
const REQUESTS: usize = 2048;

/// Where the spool lives.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Its directory; made if missing. Nothing else may live in it.
    pub dir: PathBuf,
}

/// Why the daemon cannot start with this directory.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds it.
    #[error(
        "the spool {dir} is in use by process {pid}: stop that daemon first, or give this one another data directory"
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who, as far as it said.
        pid: String,
    },
    /// No thread could be started.
    #[error("the spool's thread could not be started: {0}; raise the limit of tasks (systemd: TasksMax)")]
    Thread(#[source] std::io::Error),
}

/// Gives requests to the store's thread; dropping it lets the thread finish what it has.
pub struct StoreHandle {
    requests: Option<SyncSender<StoreRequest>>,
    reports: mpsc::Sender<StoreReport>,
    finished: Receiver<()>,
}

/// Opens the spool (blocking, at start) and begins to serve it.
///
/// # Errors
/// A second daemon on the same directory, or no thread.
pub fn spawn(
    config: StoreConfig,
    reports: mpsc::Sender<StoreReport>,
) -> Result<(StoreHandle, Recovered), StoreError> {
    let lock = Lock::take(&config.dir)?;
    let (worker, recovered) = Worker::open(config.dir, lock, reports.clone());
    let (requests, receiver) = sync_channel(REQUESTS);
    let (done, finished) = sync_channel(1);
    std::thread::Builder::new()
        .name("spool".to_owned())
        .spawn(move || {
            worker.serve(&receiver);
            // Nobody may be waiting for it.
            done.try_send(()).ok();
        })
        .map_err(StoreError::Thread)?;
    Ok((StoreHandle { requests: Some(requests), reports, finished }, recovered))
}

impl StoreHandle {
    /// Never waits. What does not fit is answered by `Failed`, as if the flash had refused it.
    pub fn send(&self, request: StoreRequest) {
        let Some(requests) = &self.requests else { return };
        let refused = match requests.try_send(request) {
            Ok(()) => return,
            Err(TrySendError::Full(request) | TrySendError::Disconnected(request)) => request,
        };
        let why = "the spool's thread does not keep up".to_owned();
        // If even the answer does not fit, the outbox takes silence for a failure after 10 s.
        self.reports.try_send(StoreReport::Failed { positions: positions_of(&refused), why }).ok();
    }

    /// Lets the thread commit what it has, for at most so long. `true`: it did.
    #[must_use]
    pub fn close(mut self, at_most: Duration) -> bool {
        self.requests = None;
        self.finished.recv_timeout(at_most).is_ok()
    }
}

fn positions_of(request: &StoreRequest) -> Vec<noc_messages::Position> {
    match request {
        StoreRequest::Append { records, .. } => records.iter().map(|r| r.position).collect(),
        StoreRequest::Read { .. } | StoreRequest::Delete { .. } | StoreRequest::Evict { .. } => Vec::new(),
    }
}
