//! The opening: from the newest segment back to the last checkpoint, no further.

use std::io;
use std::path::Path;

use appliance::{Entry, Recovery};
use evidence::{Audit, Chain, Verifier};
use serde_json::Value;

use super::{EvidenceError, segments};

/// What the log says at its opening.
#[derive(Clone, Debug, Default)]
pub(super) struct Recovered {
    /// Numbers of the segments there are, oldest first.
    pub(super) segments: Vec<u32>,
    /// Finished lines of the newest one, bytes; what is behind them is to be cut off.
    pub(super) newest_bytes: u64,
    /// The end of the chain.
    pub(super) chain: Chain,
    /// What a restart needs to know.
    pub(super) recovery: Recovery,
    /// Lines that cannot be read, to be told in the log itself.
    pub(super) unreadable: Option<Entry>,
}

pub(super) fn recover(dir: &Path) -> Result<Recovered, EvidenceError> {
    let numbers = segments::list(dir).map_err(|source| unreadable(dir, source))?;
    let mut kept = Vec::new();
    for number in numbers.iter().rev() {
        let read = segments::read(dir, *number);
        let bytes = read.map_err(|source| unreadable(&segments::path(dir, *number), source))?;
        let begins = begins_with_checkpoint(&bytes);
        kept.push(bytes);
        if begins {
            break;
        }
    }
    kept.reverse();
    Ok(fold(numbers, &kept))
}

fn unreadable(path: &Path, source: io::Error) -> EvidenceError {
    EvidenceError::Unreadable { path: path.to_owned(), source }
}

fn begins_with_checkpoint(segment: &[u8]) -> bool {
    let first = segments::lines(segment).next().and_then(|line| core::str::from_utf8(line).ok());
    let entry = first.and_then(|line| Verifier::default().line(line).ok()).map(|(_, value)| value);
    matches!(entry.and_then(entry_of), Some(Entry::Checkpoint(_)))
}

/// `None`: of a release that knows more kinds.
pub(super) fn entry_of(value: Value) -> Option<Entry> {
    serde_json::from_value(value).map_err(|error| tracing::debug!(%error, "an unknown kind of entry")).ok()
}

fn fold(segments: Vec<u32>, kept: &[Vec<u8>]) -> Recovered {
    let mut audit = Audit::default();
    let mut recovery = Recovery::default();
    let mut unreadable_after = None;
    for line in kept.iter().flat_map(|segment| segments::lines(segment)) {
        let before = audit.chain().newest;
        match audit.line(line).entry {
            Some((_, at, value)) => {
                entry_of(value).iter().for_each(|entry| recovery.take(entry, at.wall_ms));
            }
            None => _ = unreadable_after.get_or_insert(before),
        }
    }
    let unreadable = unreadable_after.map(|after| Entry::Unreadable { after, lines: audit.damaged() });
    let newest_bytes = kept.last().map_or(0, |newest| segments::complete(newest).len() as u64);
    Recovered { segments, newest_bytes, chain: audit.chain(), recovery, unreadable }
}
