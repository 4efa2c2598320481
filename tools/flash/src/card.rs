//! One card while it is written.
//!
//! ```text
//!  blank --unseal--> written --verify--> proven --seal--> done
//!                       ^        |                  |
//!                       '--bad---'  3 rounds, then: bad
//! ```
//!
//! From the first byte on its partition table is gone, and the image's own is written when everything
//! else was read back as it should be: a card that was pulled out, or that lies, does not boot.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::pieces::{Piece, digest_of};
use crate::plan::{PIECE, Plan};
use crate::target::Target;

/// How often a bad place is written again.
pub const RETRIES: u32 = 3;

/// Data on its way between memory and medium: progress that is not told before it is true.
const FLUSH_EVERY: u64 = 32 * PIECE;

/// At the end of a disk stands the copy of its partition table.
const COPY_OF_TABLE: u64 = PIECE;

/// What a card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Its data is written.
    Writing,
    /// All is read back.
    Verifying,
    /// Its bad places are written again.
    Rewriting,
    /// Its partition table is written.
    Sealing,
}

/// How a card ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Written and read back.
    Done,
    /// Something broke off; it does not boot.
    Failed(String),
    /// Somebody wished it to stop; it does not boot.
    Interrupted,
    /// These places do not keep what is written to them, in bytes; it does not boot.
    Bad(Vec<Range<u64>>),
}

/// Who is told how far a card is: bytes done of the phase.
pub type Tell<'a> = dyn FnMut(Phase, u64) + Send + 'a;

/// One card while it is written.
pub struct Card<'a> {
    target: Box<dyn Target>,
    plan: &'a Plan,
    stop: &'a AtomicBool,
    tell: Box<Tell<'a>>,
    /// What has to be read back, by piece.
    written: BTreeMap<u64, [u8; 32]>,
    /// Pieces with a partition table in them.
    held: Vec<Arc<Piece>>,
    bad: BTreeSet<u64>,
    round: u32,
    unflushed: u64,
    done: u64,
}

impl<'a> Card<'a> {
    /// Nothing is written yet.
    pub fn new(target: Box<dyn Target>, plan: &'a Plan, stop: &'a AtomicBool, tell: Box<Tell<'a>>) -> Self {
        Self {
            target,
            plan,
            stop,
            tell,
            written: BTreeMap::new(),
            held: Vec::new(),
            bad: BTreeSet::new(),
            round: 0,
            unflushed: 0,
            done: 0,
        }
    }

    /// Takes the partition table away, both copies. Nothing is told before it is gone.
    pub fn unseal(&mut self) -> Result<(), Outcome> {
        let bytes = self.target.bytes();
        let zeros = vec![0; PIECE as usize];
        for place in [0..PIECE.min(bytes), bytes.saturating_sub(COPY_OF_TABLE)..bytes] {
            let length = (place.end - place.start) as usize;
            self.target
                .write_at(place.start, &zeros[..length])
                .map_err(|e| failed("writing", place.start, &e))?;
        }
        self.target.flush().map_err(|error| failed("writing", 0, &error))?;
        (self.tell)(Phase::Writing, 0);
        Ok(())
    }

    /// Writes a piece, or keeps it for later; in later rounds only what was bad.
    pub fn write(&mut self, piece: &Arc<Piece>) -> Result<(), Outcome> {
        self.check_stop()?;
        if self.round > 0 && !self.bad.contains(&piece.index) {
            return Ok(());
        }
        if self.has_table(piece) {
            self.held.retain(|held| held.index != piece.index);
            self.held.push(Arc::clone(piece));
            return Ok(());
        }
        self.put(piece)?;
        self.written.insert(piece.index, piece.sha256);
        self.count(if self.round > 0 { Phase::Rewriting } else { Phase::Writing }, &piece.extents);
        self.unflushed += piece.bytes.len() as u64;
        if self.unflushed >= FLUSH_EVERY {
            self.unflushed = 0;
            self.target.flush().map_err(|error| failed("writing", piece.index * PIECE, &error))?;
        }
        Ok(())
    }

    /// Reads all back. True when it is as it should be, false when another round is needed.
    pub fn verify(&mut self) -> Result<bool, Outcome> {
        self.settle()?;
        self.done = 0;
        self.bad.clear();
        let mut buffer = vec![0; PIECE as usize];
        for (index, sha256) in std::mem::take(&mut self.written) {
            self.check_stop()?;
            let extents = self.plan.extents(index);
            if !self.is_kept(index, &extents, &sha256, &mut buffer) {
                self.bad.insert(index);
            }
            self.count(Phase::Verifying, &extents);
            self.written.insert(index, sha256);
        }
        self.round += 1;
        self.done = 0;
        match self.bad.is_empty() {
            false if self.round > RETRIES => Err(Outcome::Bad(self.bad_places())),
            verdict => Ok(verdict),
        }
    }

    /// Writes the partition table, the one at the beginning last.
    pub fn seal(&mut self) -> Outcome {
        (self.tell)(Phase::Sealing, 0);
        for _ in 0..=RETRIES {
            match self.try_seal() {
                Ok(true) => return Outcome::Done,
                Ok(false) => {}
                Err(outcome) => return outcome,
            }
        }
        let places = self.held.iter().map(|piece| place_of(piece.index)).collect();
        // A card with half a table has none; one that fails even this is called bad all the same.
        self.unseal().map_or_else(|outcome| outcome, |()| Outcome::Bad(places))
    }

    fn try_seal(&mut self) -> Result<bool, Outcome> {
        let mut held = std::mem::take(&mut self.held);
        held.sort_by_key(|piece| std::cmp::Reverse(piece.index));
        for piece in &held {
            self.put(piece)?;
            self.target.flush().map_err(|error| failed("writing", piece.index * PIECE, &error))?;
        }
        self.settle()?;
        let mut buffer = vec![0; PIECE as usize];
        let kept =
            held.iter().all(|piece| self.is_kept(piece.index, &piece.extents, &piece.sha256, &mut buffer));
        self.held = held;
        Ok(kept)
    }

    fn put(&mut self, piece: &Piece) -> Result<(), Outcome> {
        for extent in &piece.extents {
            let at = piece.index * PIECE + extent.start as u64;
            self.target
                .write_at(at, &piece.bytes[extent.clone()])
                .map_err(|error| failed("writing", at, &error))?;
        }
        Ok(())
    }

    /// A place that cannot be read is as bad as one that reads wrong.
    fn is_kept(
        &mut self,
        index: u64,
        extents: &[Range<usize>],
        sha256: &[u8; 32],
        buffer: &mut [u8],
    ) -> bool {
        let mut read = |extent: &Range<usize>| {
            self.target.read_at(index * PIECE + extent.start as u64, &mut buffer[extent.clone()])
        };
        extents.iter().try_for_each(&mut read).is_ok() && digest_of(buffer, extents) == *sha256
    }

    /// On the medium, and nowhere else.
    fn settle(&mut self) -> Result<(), Outcome> {
        self.unflushed = 0;
        let settled = self.target.flush().and_then(|()| self.target.forget());
        settled.map_err(|error| failed("waiting until all is written", self.done, &error))
    }

    fn has_table(&self, piece: &Piece) -> bool {
        let end = piece.index * PIECE + piece.bytes.len() as u64;
        piece.index == 0 || end > self.target.bytes().saturating_sub(COPY_OF_TABLE)
    }

    fn count(&mut self, phase: Phase, extents: &[Range<usize>]) {
        self.done += extents.iter().map(|extent| extent.len() as u64).sum::<u64>();
        (self.tell)(phase, self.done);
    }

    fn check_stop(&self) -> Result<(), Outcome> {
        if self.stop.load(Ordering::Relaxed) { Err(Outcome::Interrupted) } else { Ok(()) }
    }

    fn bad_places(&self) -> Vec<Range<u64>> {
        self.bad.iter().map(|index| place_of(*index)).collect()
    }
}

impl Outcome {
    /// For the program's end: 0 done, 2 broken off, 3 bad card.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed(_) | Self::Interrupted => 2,
            Self::Bad(_) => 3,
        }
    }
}

fn place_of(index: u64) -> Range<u64> {
    index * PIECE..(index + 1) * PIECE
}

fn failed(doing: &str, at: u64, error: &io::Error) -> Outcome {
    Outcome::Failed(format!("{doing} at byte {at}: {error}; try another reader, then another card"))
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;
