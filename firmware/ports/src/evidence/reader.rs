//! The reader's loop: answers questions, and verifies the whole log once behind them.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use appliance::EvidenceReport;
use evidence::{Audit, Fault};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::{calls, segments};

/// One segment each time: 256 KiB a second of segments of 1 MiB, a hundredth of a small core.
const VERIFY_EVERY: Duration = Duration::from_secs(4);

/// How many calls, and where to tell them.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) last: usize,
    pub(super) answer: oneshot::Sender<Value>,
}

/// Reads, beside the writer.
pub(super) struct Reader {
    dir: PathBuf,
    /// The way is the writer's: when its thread ends, nobody shall take this one for it.
    reports: mpsc::WeakSender<EvidenceReport>,
    unverified: VecDeque<u32>,
    audit: Audit,
    first_fault: Option<(u32, usize, Fault)>,
}

impl Reader {
    pub(super) fn new(dir: PathBuf, there: Vec<u32>, reports: mpsc::WeakSender<EvidenceReport>) -> Self {
        Self { dir, reports, unverified: there.into(), audit: Audit::default(), first_fault: None }
    }

    /// Until the last handle is gone.
    pub(super) fn serve(mut self, questions: &Receiver<Question>) {
        loop {
            let asked = if self.unverified.is_empty() {
                questions.recv().map_err(RecvTimeoutError::from)
            } else {
                questions.recv_timeout(VERIFY_EVERY)
            };
            match asked {
                Ok(question) => self.answer(question),
                Err(RecvTimeoutError::Timeout) => self.verify_next(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn answer(&self, Question { last, answer }: Question) {
        let told = calls::last(&self.dir, last).unwrap_or_else(|error| {
            let dir = self.dir.display();
            json!({ "error": format!("the evidence in {dir} cannot be read: {error}") })
        });
        // Whoever asked may have gone.
        answer.send(told).ok();
    }

    pub(super) fn verify_next(&mut self) {
        let Some(number) = self.unverified.pop_front() else { return };
        match segments::read(&self.dir, number) {
            Ok(bytes) => self.verify(number, &bytes),
            // Dropped meanwhile: the chain begins behind it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.audit = Audit::default(),
            Err(error) => tracing::warn!(%error, segment = number, "a segment of the evidence is not read"),
        }
        if self.unverified.is_empty() {
            self.tell();
        }
    }

    fn verify(&mut self, number: u32, bytes: &[u8]) {
        for (at, line) in segments::lines(bytes).enumerate() {
            if let Some(fault) = self.audit.line(line).fault {
                self.first_fault.get_or_insert((number, at + 1, fault));
            }
        }
    }

    fn tell(&self) {
        let Some((number, line, fault)) = &self.first_fault else {
            tracing::debug!(entries = self.audit.entries(), "the evidence is whole");
            return;
        };
        let path = segments::path(&self.dir, *number);
        let why = format!(
            "{}, line {line}: {fault}; {} faults in all; `holdfast-noc verify {}` tells more",
            path.display(),
            self.audit.faults(),
            self.dir.display()
        );
        // Fails only when the daemon has stopped listening.
        if let Some(reports) = self.reports.upgrade() {
            reports.blocking_send(EvidenceReport::Failed { lost: self.audit.damaged(), why }).ok();
        }
    }
}
