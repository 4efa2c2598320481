//! The flight recorder: every turn of the loop, in a bounded ring of two files on tmpfs.
//!
//! A fault copies the ring to flash, where `cargo xtask replay` finds it. Recording never stops the
//! box: a full or missing tmpfs ends it until the next segment.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use appliance::{Appliance, RecordedLine, Turn};

/// A segment; the ring holds the one being written and the one before it.
const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;

/// What a turn counts for while nothing can be written, so that a new segment is tried some day.
const SKIPPED_TURN_BYTES: u64 = 256;

/// Faults kept on flash; the oldest goes first.
const MAX_FAULTS: usize = 5;

/// Writes turns.
#[derive(Debug)]
pub struct Recorder {
    dir: PathBuf,
    fault_dir: PathBuf,
    file: Option<BufWriter<File>>,
    written: u64,
}

impl Recorder {
    /// Records into `dir` (tmpfs); faults are kept in `fault_dir` (flash).
    #[must_use]
    pub fn new(dir: &Path, fault_dir: &Path) -> Self {
        Self { dir: dir.to_owned(), fault_dir: fault_dir.to_owned(), file: None, written: SEGMENT_BYTES }
    }

    /// The ring of a run that did not end by [`Self::finish`] is evidence: it is kept.
    ///
    /// # Errors
    /// When flash does not take it.
    pub fn keep_unclean_end(&mut self, boot: u32) -> io::Result<Option<PathBuf>> {
        let clean = std::fs::remove_file(self.clean_mark()).is_ok();
        if clean || !self.current().exists() {
            return Ok(None);
        }
        self.keep(&format!("unclean-end-before-boot-{boot}")).map(Some)
    }

    /// The run ends in order.
    pub fn finish(&mut self) {
        self.file = None;
        if let Err(error) = File::create(self.clean_mark()) {
            tracing::debug!(%error, "the recording will be kept as if the run had crashed");
        }
    }

    /// A new segment is due: give [`Self::begin_segment`] the box as it is before the next turn.
    #[must_use]
    pub const fn wants_snapshot(&self) -> bool {
        self.written >= SEGMENT_BYTES
    }

    /// Starts a segment; the one before the last is forgotten.
    pub fn begin_segment(&mut self, appliance: &Appliance) {
        self.file = None;
        self.written = 0;
        let rotated = std::fs::rename(self.current(), self.previous());
        if let Err(error) = rotated {
            tracing::debug!(%error, "no earlier recording to keep");
        }
        match File::create(self.current()) {
            Ok(file) => {
                self.file = Some(BufWriter::new(file));
                self.write(&RecordedLine::Snapshot(Box::new(appliance.clone())));
            }
            Err(error) => tracing::warn!(%error, dir = %self.dir.display(), "the flight recorder is off"),
        }
    }

    /// Records a turn.
    pub fn turn(&mut self, turn: Turn) {
        self.write(&RecordedLine::Turn(turn));
    }

    /// Copies the ring to flash under a name that tells the fault; answers where.
    ///
    /// # Errors
    /// When flash does not take it; the ring itself is left as it is.
    pub fn keep(&mut self, fault: &str) -> io::Result<PathBuf> {
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        std::fs::create_dir_all(&self.fault_dir)?;
        self.forget_oldest_fault()?;
        let kept = self.fault_dir.join(format!("{fault}.jsonl"));
        let mut out = File::create(&kept)?;
        for part in [self.previous(), self.current()] {
            if let Ok(mut part) = File::open(part) {
                io::copy(&mut part, &mut out)?;
            }
        }
        out.sync_all()?;
        Ok(kept)
    }

    fn write(&mut self, line: &RecordedLine) {
        let Some(file) = &mut self.file else {
            self.written += SKIPPED_TURN_BYTES;
            return;
        };
        let result = serde_json::to_vec(line).map_err(io::Error::other).and_then(|mut text| {
            text.push(b'\n');
            file.write_all(&text).map(|()| text.len())
        });
        match result {
            Ok(bytes) => self.written += u64::try_from(bytes).unwrap_or(u64::MAX),
            Err(error) => {
                tracing::warn!(%error, "the flight recorder skips the rest of this segment");
                self.file = None;
                self.written = 0;
            }
        }
    }

    fn forget_oldest_fault(&self) -> io::Result<()> {
        let mut kept: Vec<_> = std::fs::read_dir(&self.fault_dir)?
            .filter_map(Result::ok)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        kept.sort();
        let surplus = (kept.len() + 1).saturating_sub(MAX_FAULTS);
        for (_, path) in kept.into_iter().take(surplus) {
            std::fs::remove_file(path)?;
        }
        Ok(())
    }

    fn clean_mark(&self) -> PathBuf {
        self.dir.join("recording.clean")
    }

    fn current(&self) -> PathBuf {
        self.dir.join("recording.jsonl")
    }

    fn previous(&self) -> PathBuf {
        self.dir.join("recording.1.jsonl")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_of_a_run_without_an_end_is_kept_and_faults_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let faults = dir.path().join("faults");
        let mut recorder = Recorder::new(dir.path(), &faults);
        assert_eq!(recorder.keep_unclean_end(1).unwrap(), None);

        std::fs::write(dir.path().join("recording.jsonl"), "{}\n").unwrap();
        for boot in 2..10 {
            let kept = recorder.keep_unclean_end(boot).unwrap().expect("no clean mark");
            assert_eq!(std::fs::read_to_string(kept).unwrap(), "{}\n");
        }
        assert_eq!(std::fs::read_dir(&faults).unwrap().count(), MAX_FAULTS);

        recorder.finish();
        assert_eq!(recorder.keep_unclean_end(10).unwrap(), None);
    }
}
