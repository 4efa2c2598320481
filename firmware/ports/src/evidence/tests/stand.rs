//! A log in a directory of its own, and what its writer reports.

use std::path::PathBuf;
use std::time::Duration;

use appliance::{Entry, EvidenceReport, Recovery, SignalEntry};
use evidence::{At, Audit, Chain};
use hal::LineId;
use line::SignalId;
use station::SignalKey;
use station_wire::Sequence;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::super::{EvidenceConfig, EvidenceError, EvidenceHandle, open, segments};

/// Longer than anything takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Stand {
    root: TempDir,
    segment_bytes: u64,
    segments: usize,
}

/// A log that is being kept.
pub(super) struct Kept {
    pub(super) handle: EvidenceHandle,
    pub(super) recovery: Recovery,
    pub(super) reports: mpsc::Receiver<EvidenceReport>,
}

impl Stand {
    pub(super) fn new() -> Self {
        Self::of(1 << 20, 64)
    }

    pub(super) fn of(segment_bytes: u64, segments: usize) -> Self {
        let root = tempfile::tempdir().expect("a directory for the test");
        Self { root, segment_bytes, segments }
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.root.path().join("evidence")
    }

    pub(super) fn try_open(&self) -> Result<Kept, EvidenceError> {
        let (sender, reports) = mpsc::channel(20_000);
        let Self { segment_bytes, segments, .. } = *self;
        let (handle, recovery) = open(EvidenceConfig { dir: self.dir(), segment_bytes, segments }, sender)?;
        Ok(Kept { handle, recovery, reports })
    }

    pub(super) fn open(&self) -> Kept {
        self.try_open().expect("the log opens")
    }

    /// The whole log as its files say it.
    pub(super) fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        for number in segments::list(&self.dir()).expect("a directory") {
            let bytes = segments::read(&self.dir(), number).expect("a segment");
            segments::lines(&bytes).for_each(|line| drop(audit.line(line)));
        }
        audit
    }

    pub(super) fn entries(&self) -> Vec<serde_json::Value> {
        let mut audit = Audit::default();
        let mut entries = Vec::new();
        for number in segments::list(&self.dir()).expect("a directory") {
            let bytes = segments::read(&self.dir(), number).expect("a segment");
            entries.extend(segments::lines(&bytes).filter_map(|line| Some(audit.line(line).entry?.2)));
        }
        entries
    }

    /// Size of all segments, bytes.
    pub(super) fn bytes(&self) -> u64 {
        let sizes = segments::list(&self.dir()).expect("a directory").into_iter();
        sizes.map(|n| segments::path(&self.dir(), n).metadata().expect("a segment").len()).sum()
    }
}

impl Kept {
    /// Waits until everything is stored; answers with the head.
    pub(super) fn close(self) -> (Chain, Vec<EvidenceReport>) {
        let Self { handle, mut reports, .. } = self;
        assert!(handle.close(PATIENCE), "the writer ends");
        let all: Vec<_> = core::iter::from_fn(|| reports.try_recv().ok()).collect();
        let newest = all.iter().rev().find_map(|report| match report {
            EvidenceReport::Stored { newest, head } => Some(Chain { newest: *newest, head: *head }),
            EvidenceReport::Failed { .. } | EvidenceReport::Dropped { .. } => None,
        });
        (newest.unwrap_or_default(), all)
    }
}

pub(super) fn at(tick_ms: u64) -> At {
    At { boot: 1, tick_ms, wall_ms: Some(1_700_000_000_000 + tick_ms) }
}

pub(super) fn signal(number: u64) -> Entry {
    Entry::Signal(Box::new(SignalEntry {
        signal: SignalKey(number),
        heard: Some(SignalId { line: LineId(0), number }),
        account: "1234".to_owned(),
        event: "1131".to_owned(),
        partition: "01".to_owned(),
        zone: "015".to_owned(),
        urgency: 2,
        occurred_ms: None,
        words: "burglary, perimeter".to_owned(),
        silent: false,
        on_test: false,
    }))
}

pub(super) fn acknowledged(number: u64) -> Entry {
    Entry::Acknowledged {
        signal: SignalKey(number),
        station: "north".to_owned(),
        link: "fibre".to_owned(),
        sequence: Sequence::FIRST,
        took_ms: 57,
        panel_gone: false,
    }
}

/// Signals without acknowledgement, by name.
pub(super) fn undelivered(recovery: &Recovery) -> Vec<u64> {
    recovery.undelivered.iter().map(|signal| signal.signal.0).collect()
}
