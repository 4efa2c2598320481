//! The evidence's wire: one thread that owns the log's segments, one beside it that reads them.
//!
//! ```text
//!   append ──(bounded)──> writer ──> DIR/00000017.log ──> fdatasync ──> EvidenceReport
//!   last_calls ─────────> reader <── all segments, also to verify them once, slowly
//! ```
//! An entry is called stored only after an fdatasync; what waits in the channel shares one. A segment
//! begins with a checkpoint, so the oldest may be dropped without losing a signal that no station has
//! taken over; the drop is an entry of its own. At the opening only the last line may be cut, if it
//! has no line feed: it was never called stored. Lines that cannot be read stay where they are, are
//! told, and the chain goes on behind them.
//!
//! It refuses to make anybody wait: a disk that is full or read-only is told and tried again, what
//! does not fit meanwhile is counted, told, and entered when the disk takes entries again.

mod calls;
mod log;
mod reader;
mod recover;
mod segments;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Thread;
use std::time::Duration;

use appliance::{Entry, EvidenceReport, Recovery};
use evidence::At;
use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use log::{Limits, Log};
use reader::{Question, Reader};
use writer::Writer;

/// Entries that wait for the thread: two minutes of eight panels that all speak.
const QUEUE: usize = 4_096;

/// Questions that wait for the reader; as many as there can be clients of the control socket.
const QUESTIONS: usize = 8;

/// Where the log lives and how large it may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceConfig {
    /// Its directory; made if missing. Nothing else may live in it.
    pub dir: PathBuf,
    /// A segment that has reached this size is closed.
    pub segment_bytes: u64,
    /// So many segments are kept, at least 2; the oldest is dropped.
    pub segments: usize,
}

impl EvidenceConfig {
    /// 64 segments of 1 MiB: some ten thousand calls.
    #[must_use]
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir, segment_bytes: 1 << 20, segments: 64 }
    }
}

/// Why the daemon cannot start with this directory.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// Another process holds it.
    #[error(
        "the evidence in {0} is in use by another daemon: stop that one first, or give this one another directory"
    )]
    InUse(PathBuf),
    /// There is a log, and it must not be continued unread: signals in it may wait for a station.
    #[error(
        "the evidence {path} cannot be read: {source}; give it to the daemon's user, or move the directory aside to begin another log"
    )]
    Unreadable {
        /// File or directory.
        path: PathBuf,
        /// The kernel's words.
        source: io::Error,
    },
    /// No thread could be started.
    #[error(
        "a thread of the evidence could not be started: {0}; raise the limit of tasks (systemd: TasksMax)"
    )]
    Thread(#[source] io::Error),
}

/// Takes entries and questions; dropping it lets the writer finish what it has.
#[derive(Debug)]
pub struct EvidenceHandle {
    entries: Option<SyncSender<(At, Entry)>>,
    questions: SyncSender<Question>,
    pressure: Arc<Pressure>,
    writer: Thread,
    finished: Receiver<()>,
}

/// What the handle tells the writer past the queue.
#[derive(Debug, Default)]
struct Pressure {
    /// Entries that found the queue full.
    lost: AtomicU64,
    /// The last handle is gone: no more waiting for a disk to come back.
    closing: AtomicBool,
}

/// Opens the log (blocking, at start; reads back to the last checkpoint only) and begins to keep it.
/// A directory that cannot be made or written is told by `Failed` and tried again.
///
/// # Errors
/// Another daemon in the directory, a log that cannot be read, or no thread.
pub fn open(
    config: EvidenceConfig,
    reports: mpsc::Sender<EvidenceReport>,
) -> Result<(EvidenceHandle, Recovery), EvidenceError> {
    let lock = lock(&config)?;
    let recovered = recover::recover(&config.dir)?;
    let recovery = recovered.recovery.clone();
    let (questions, asked) = sync_channel(QUESTIONS);
    let reader = Reader::new(config.dir.clone(), recovered.segments.clone(), reports.downgrade());
    spawn("evidence-reader", move || reader.serve(&asked))?;

    let pressure = Arc::new(Pressure::default());
    let limits = Limits { segment_bytes: config.segment_bytes, segments: config.segments.max(2) };
    let writer = Writer::new(Log::new(config.dir, limits, recovered), reports, Arc::clone(&pressure));
    let (entries, receiver) = sync_channel(QUEUE);
    let (done, finished) = sync_channel(1);
    let thread = spawn("evidence", move || {
        let all_stored = writer.serve(&receiver);
        drop(lock);
        if all_stored {
            // Nobody may be waiting for it.
            done.try_send(()).ok();
        }
    })?;
    let handle = EvidenceHandle { entries: Some(entries), questions, pressure, writer: thread, finished };
    Ok((handle, recovery))
}

impl EvidenceHandle {
    /// Never waits. What finds the queue full is counted, told by `Failed` and entered as lost.
    pub fn append(&self, at: At, entry: Entry) {
        let taken = self.entries.as_ref().is_some_and(|entries| entries.try_send((at, entry)).is_ok());
        if !taken {
            self.pressure.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The latest calls, newest last, as `{"calls": […], "complete": bool}`; the head of `calls.rs` has
    /// the form. Never waits itself; the receiver fails if too many ask at once.
    #[must_use]
    pub fn last_calls(&self, last: usize) -> oneshot::Receiver<Value> {
        let (answer, receiver) = oneshot::channel();
        // A full queue drops the question, and with it the way back: whoever asked sees that.
        self.questions.try_send(Question { last, answer }).ok();
        receiver
    }

    /// Lets the writer store what it has, for at most so long. `true`: all is stored.
    #[must_use]
    pub fn close(mut self, at_most: Duration) -> bool {
        self.let_go();
        self.finished.recv_timeout(at_most).is_ok()
    }

    fn let_go(&mut self) {
        self.entries = None;
        self.pressure.closing.store(true, Ordering::Release);
        self.writer.unpark();
    }
}

impl Drop for EvidenceHandle {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Held by the writer. `None` where there is no directory, or no locks: nothing can be protected.
fn lock(config: &EvidenceConfig) -> Result<Option<Flock<std::fs::File>>, EvidenceError> {
    if let Err(error) = std::fs::create_dir_all(&config.dir) {
        tracing::debug!(%error, dir = %config.dir.display(), "no directory for the evidence");
    }
    let Ok(dir) = std::fs::File::open(&config.dir) else { return Ok(None) };
    match Flock::lock(dir, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(EvidenceError::InUse(config.dir.clone())),
        Err((_, error)) => {
            tracing::debug!(%error, "this file system has no locks");
            Ok(None)
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<Thread, EvidenceError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(|joined| joined.thread().clone()).map_err(EvidenceError::Thread)
}
