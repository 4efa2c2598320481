//! The thread's loop: gather, execute, commit, report.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use noc_messages::Position;
use outbox::{Recovered, StoreReport, StoreRequest};
use tokio::sync::mpsc;

use super::lock::Lock;
use super::open::{self, Opened};
use super::spool::{Spool, SpoolError};
use super::witness::{Newest, Witness};
use super::{boot, positions_of};

/// Records without `sync` share an fdatasync with others, at most so many milliseconds apart; the
/// first after a quiet time goes at once.
const COMMITS_APART: Duration = Duration::from_millis(200);
/// Requests of one commit.
const MAX_COMMIT: usize = 256;
/// Between two attempts to open a spool that refuses.
const REOPEN_SHORTEST: Duration = Duration::from_secs(1);
const REOPEN_LONGEST: Duration = Duration::from_secs(30);

/// Owns the spool.
pub(super) struct Worker {
    dir: PathBuf,
    _lock: Lock,
    reports: mpsc::Sender<StoreReport>,
    boot: u32,
    spool: Option<Spool>,
    /// The spool was never open in this process.
    fresh: bool,
    why_closed: String,
    reopen_at: Instant,
    reopen_after: Duration,
    /// What was written and is not yet durable: answers in the order of the requests, so that no
    /// deletion overtakes the word that the deleted was stored.
    uncommitted: Vec<StoreReport>,
    dirty: bool,
    newest: Newest,
    witness: Option<Witness>,
    last_commit: Option<Instant>,
}

impl Worker {
    pub(super) fn open(dir: PathBuf, lock: Lock, reports: mpsc::Sender<StoreReport>) -> (Self, Recovered) {
        let (spool, recovered, why_closed) = match open::at_start(&dir) {
            Ok(Opened { spool, recovered }) => (Some(spool), recovered, String::new()),
            Err(error) => (None, without_a_spool(&dir, &error), error.to_string()),
        };
        let worker = Self {
            boot: recovered.boot,
            fresh: spool.is_none(),
            dir,
            _lock: lock,
            reports,
            spool,
            why_closed,
            reopen_at: Instant::now() + REOPEN_SHORTEST,
            reopen_after: REOPEN_SHORTEST,
            uncommitted: Vec::new(),
            dirty: false,
            newest: newest_of(&recovered),
            witness: None,
            last_commit: None,
        };
        (worker, recovered)
    }

    /// Until the last handle is gone; then what was written is committed.
    pub(super) fn serve(mut self, requests: &Receiver<StoreRequest>) {
        if self.spool.is_none() {
            self.report(StoreReport::Failed { positions: Vec::new(), why: self.why_closed.clone() });
        }
        loop {
            match self.next(requests) {
                Ok(first) => self.execute(first, requests),
                Err(RecvTimeoutError::Timeout) => self.commit(),
                Err(RecvTimeoutError::Disconnected) => {
                    self.commit();
                    return;
                }
            }
        }
    }

    fn next(&self, requests: &Receiver<StoreRequest>) -> Result<StoreRequest, RecvTimeoutError> {
        if !self.dirty {
            return requests.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        let due =
            self.last_commit.map_or(Duration::ZERO, |last| COMMITS_APART.saturating_sub(last.elapsed()));
        requests.recv_timeout(due)
    }

    /// One request and all that wait behind it, one commit.
    fn execute(&mut self, first: StoreRequest, requests: &Receiver<StoreRequest>) {
        self.reopen_if_due();
        let mut answers = Vec::new();
        let mut batch = vec![first];
        while batch.len() < MAX_COMMIT {
            match requests.try_recv() {
                Ok(request) => batch.push(request),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        let sync = batch.iter().any(|request| matches!(request, StoreRequest::Append { sync: true, .. }));
        let written = self.write(&batch, &mut answers);
        let (reads, changes) = answers.into_iter().partition(|a| matches!(a, StoreReport::Read { .. }));
        let (reads, mut changes): (Vec<_>, Vec<_>) = (reads, changes);
        reads.into_iter().for_each(|answer| self.report(answer));
        self.uncommitted.append(&mut changes);
        match written {
            Ok(()) => self.remember_newest(&batch),
            Err(error) => return self.give_up(&error, batch.iter().flat_map(positions_of).collect()),
        }
        if sync || self.last_commit.is_none_or(|last| last.elapsed() >= COMMITS_APART) {
            self.commit();
        }
    }

    fn remember_newest(&mut self, batch: &[StoreRequest]) {
        for request in batch {
            let StoreRequest::Append { records, .. } = request else { continue };
            for record in records {
                let newest = self.newest.entry(record.class).or_insert(record.position);
                *newest = record.position.max(*newest);
            }
        }
    }

    fn write(&mut self, batch: &[StoreRequest], answers: &mut Vec<StoreReport>) -> Result<(), SpoolError> {
        let path = &self.dir;
        let Some(spool) = &self.spool else {
            return Err(SpoolError::Closed(self.why_closed.clone()));
        };
        self.dirty |= batch.iter().any(|request| !matches!(request, StoreRequest::Read { .. }));
        open::guarded(path, || {
            for request in batch {
                answers.push(answer(spool, request)?);
            }
            if self.dirty { spool.flush() } else { Ok(()) }
        })
    }

    /// After this, what was written survives a power cut, and is called stored.
    fn commit(&mut self) {
        if !core::mem::take(&mut self.dirty) {
            return;
        }
        self.last_commit = Some(Instant::now());
        let Some(spool) = &self.spool else { return };
        match spool.sync() {
            Ok(()) => {
                self.note_newest();
                merged(core::mem::take(&mut self.uncommitted)).for_each(|answer| self.report(answer));
            }
            Err(error) => self.give_up(&error, Vec::new()),
        }
    }

    fn note_newest(&mut self) {
        if self.witness.is_none() {
            self.witness = Witness::open(&self.dir).ok();
        }
        let Some(witness) = &self.witness else { return };
        if let Err(error) = witness.note(&self.newest) {
            tracing::debug!(%error, "the newest places are not noted");
        }
    }

    /// sled does not recover from an error: the spool is closed and opened again later.
    fn give_up(&mut self, error: &SpoolError, mut positions: Vec<Position>) {
        if let Some(spool) = self.spool.take() {
            tracing::warn!(%error, "the spool failed and is closed");
            open::close(&self.dir, spool);
            self.why_closed = error.to_string();
            self.reopen_at = Instant::now() + self.reopen_after;
        }
        self.dirty = false;
        for answer in core::mem::take(&mut self.uncommitted) {
            if let StoreReport::Stored(mut written) = answer {
                positions.append(&mut written);
            } else {
                self.report(answer);
            }
        }
        self.report(StoreReport::Failed { positions, why: error.to_string() });
    }

    fn reopen_if_due(&mut self) {
        if self.spool.is_some() || Instant::now() < self.reopen_at {
            return;
        }
        match open::again(&self.dir, self.boot, self.fresh) {
            Ok((spool, damage)) => {
                tracing::info!(dir = %self.dir.display(), ?damage, "the spool works again");
                self.spool = Some(spool);
                self.fresh = false;
                self.reopen_after = REOPEN_SHORTEST;
            }
            Err(error) => {
                self.why_closed = error.to_string();
                self.reopen_after = (self.reopen_after * 2).min(REOPEN_LONGEST);
                self.reopen_at = Instant::now() + self.reopen_after;
            }
        }
    }

    fn report(&self, report: StoreReport) {
        // Fails only when the daemon has stopped listening.
        self.reports.blocking_send(report).ok();
    }
}

/// Executes a request; its answer is true once the work is durable.
fn answer(spool: &Spool, request: &StoreRequest) -> Result<StoreReport, SpoolError> {
    match request {
        StoreRequest::Append { records, .. } => {
            for class in noc_messages::Class::DURABLE {
                let of_class: Vec<_> = records.iter().filter(|r| r.class == class).cloned().collect();
                if !of_class.is_empty() {
                    spool.append(class, &of_class)?;
                }
            }
            Ok(StoreReport::Stored(records.iter().map(|r| r.position).collect()))
        }
        StoreRequest::Read { class, after, limit } => {
            let records = spool.read(*class, *after, usize::from(*limit))?;
            Ok(StoreReport::Read { class: *class, after: *after, records })
        }
        StoreRequest::Delete { class, upto } => {
            let gone = spool.delete_while(*class, |_, next| next <= *upto)?;
            let oldest = spool.oldest(*class)?;
            Ok(StoreReport::Deleted { class: *class, records: gone.records, bytes: gone.bytes, oldest })
        }
        StoreRequest::Evict { class, records, bytes } => {
            let gone = spool.delete_while(*class, |g, _| g.records < *records || g.bytes < *bytes)?;
            let (records, bytes, range) = (gone.records, gone.bytes, gone.range);
            let oldest = spool.oldest(*class)?;
            Ok(StoreReport::Evicted { class: *class, records, bytes, range, oldest })
        }
    }
}

/// The same with neighbouring words of storing as one.
fn merged(answers: Vec<StoreReport>) -> impl Iterator<Item = StoreReport> {
    let mut merged: Vec<StoreReport> = Vec::new();
    for answer in answers {
        match (merged.last_mut(), answer) {
            (Some(StoreReport::Stored(all)), StoreReport::Stored(mut more)) => all.append(&mut more),
            (_, answer) => merged.push(answer),
        }
    }
    merged.into_iter()
}

fn newest_of(recovered: &Recovered) -> Newest {
    recovered.classes.iter().filter_map(|(class, held)| Some((*class, held.newest?))).collect()
}

/// Nothing can be read or written: records live in RAM and say so.
fn without_a_spool(dir: &std::path::Path, error: &SpoolError) -> Recovered {
    tracing::warn!(%error, "no spool; records are kept in memory only");
    Recovered { boot: boot::remembered(dir).saturating_add(1), ..Recovered::default() }
}
