//! The writer's loop: gather, write, report; wait where the disk refuses.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use appliance::{Entry, EvidenceReport};
use evidence::At;
use tokio::sync::mpsc;

use super::Pressure;
use super::log::{Log, LogError};

/// Entries that share an fdatasync; also by how much a segment can outgrow its size.
const MAX_BATCH: usize = 64;

/// Between two attempts on a disk that refuses.
const RETRY_SHORTEST: Duration = Duration::from_millis(250);
const RETRY_LONGEST: Duration = Duration::from_secs(15);

/// Owns the log.
pub(super) struct Writer {
    log: Log,
    reports: mpsc::Sender<EvidenceReport>,
    pressure: Arc<Pressure>,
    /// Why entries are being lost, if they are.
    why: Option<String>,
    retry_after: Duration,
}

impl Writer {
    pub(super) fn new(log: Log, reports: mpsc::Sender<EvidenceReport>, pressure: Arc<Pressure>) -> Self {
        Self { log, reports, pressure, why: None, retry_after: RETRY_SHORTEST }
    }

    /// Until the last handle is gone. `true`: all that it gave is stored.
    pub(super) fn serve(mut self, entries: &Receiver<(At, Entry)>) -> bool {
        if let Some(Entry::Unreadable { lines, .. }) = self.log.note() {
            let why = "lines of the evidence cannot be read; check the flash, and see `holdfast-noc verify`";
            self.report(EvidenceReport::Failed { lost: *lines, why: why.to_owned() });
        }
        while let Ok(first) = entries.recv() {
            let more = entries.try_iter().take(MAX_BATCH - 1);
            let mut batch: Vec<_> = core::iter::once(first).chain(more).collect();
            self.enter_lost(&mut batch);
            if !self.store(&batch) {
                return false;
            }
        }
        true
    }

    /// What found the queue full is an entry of its own.
    fn enter_lost(&self, batch: &mut Vec<(At, Entry)>) {
        let lost = self.pressure.lost.swap(0, Ordering::Relaxed);
        let Some((at, _)) = batch.last().filter(|_| lost > 0) else { return };
        let why = self.why.clone().unwrap_or_else(|| "the disk does not keep up".to_owned());
        batch.push((*at, Entry::Lost { entries: lost, why: why.clone() }));
        self.report(EvidenceReport::Failed { lost, why });
    }

    /// Until it is done; `false`: there is nobody left to wait for.
    fn store(&mut self, batch: &[(At, Entry)]) -> bool {
        loop {
            let last_attempt = self.pressure.closing.load(Ordering::Acquire);
            match self.log.write(batch) {
                Ok(dropped) => {
                    self.stored(dropped);
                    return true;
                }
                Err(error) => self.refused(&error),
            }
            if last_attempt {
                return false;
            }
            std::thread::park_timeout(self.retry_after);
            self.retry_after = (self.retry_after * 2).min(RETRY_LONGEST);
        }
    }

    fn stored(&mut self, dropped: u64) {
        if self.why.take().is_some() {
            self.retry_after = RETRY_SHORTEST;
            tracing::info!("evidence is written again");
        }
        if dropped > 0 {
            self.report(EvidenceReport::Dropped { entries: dropped });
        }
        let chain = self.log.chain();
        self.report(EvidenceReport::Stored { newest: chain.newest, head: chain.head });
    }

    /// Told once for each reason; nothing is lost yet.
    fn refused(&mut self, error: &LogError) {
        let why = error.to_string();
        if self.why.as_ref() != Some(&why) {
            tracing::warn!(%error, "evidence waits");
            self.report(EvidenceReport::Failed { lost: 0, why: why.clone() });
            self.why = Some(why);
        }
    }

    fn report(&self, report: EvidenceReport) {
        // Fails only when the daemon has stopped listening.
        self.reports.blocking_send(report).ok();
    }
}
