//! Writing: lines into the newest segment, a new segment when it is full, the oldest dropped.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use appliance::{Entry, Recovery};
use evidence::{At, Audit, Chain, Hash};

use super::recover::Recovered;
use super::segments;

/// How large the log may become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) segment_bytes: u64,
    pub(super) segments: usize,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[error("evidence cannot be written to {}: {source}; {}", .path.display(), remedy(.source))]
pub(super) struct LogError {
    path: PathBuf,
    source: io::Error,
}

/// Owns the segments. After an error everything is as it was before.
#[derive(Debug)]
pub(super) struct Log {
    dir: PathBuf,
    limits: Limits,
    segments: VecDeque<u32>,
    file: Option<File>,
    /// What is known to be durable of the newest segment.
    bytes: u64,
    /// The newest segment is full, damaged, or its fdatasync failed once: nothing is added to it.
    closed: bool,
    chain: Chain,
    recovery: Recovery,
    /// To be told in the log with the next entries.
    note: Option<Entry>,
}

impl Log {
    pub(super) fn new(dir: PathBuf, limits: Limits, recovered: Recovered) -> Self {
        Self {
            dir,
            limits,
            closed: recovered.segments.is_empty() || recovered.unreadable.is_some(),
            segments: recovered.segments.into(),
            file: None,
            bytes: recovered.newest_bytes,
            chain: recovered.chain,
            recovery: recovered.recovery,
            note: recovered.unreadable,
        }
    }

    /// What cannot be read of the log, until it has been told in the log.
    pub(super) const fn note(&self) -> Option<&Entry> {
        self.note.as_ref()
    }

    /// The end of what is durable.
    pub(super) const fn chain(&self) -> Chain {
        self.chain
    }

    /// Writes a batch and makes it durable; answers how many old entries gave way.
    pub(super) fn write(&mut self, batch: &[(At, Entry)]) -> Result<u64, LogError> {
        let Some((at, _)) = batch.first() else { return Ok(0) };
        let mut dropped = 0;
        if self.closed || self.bytes >= self.limits.segment_bytes {
            dropped = self.begin_segment(*at)?;
        }
        let entries = self.note.iter().map(|note| (*at, note)).chain(batch.iter().map(|(at, e)| (*at, e)));
        let mut chain = self.chain;
        let text = text(&mut chain, entries);
        let path = self.newest_path();
        self.add(text.as_bytes()).map_err(|source| LogError { path, source })?;
        self.chain = chain;
        self.note = None;
        batch.iter().for_each(|(at, entry)| self.recovery.take(entry, at.wall_ms));
        Ok(dropped)
    }

    fn newest_path(&self) -> PathBuf {
        segments::path(&self.dir, self.segments.back().copied().unwrap_or_default())
    }

    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => reopened(&self.newest_path(), self.bytes).inspect_err(|_| self.closed = true)?,
        };
        if let Err(error) = file.write_all(bytes) {
            // A part may have been written; it must not stand before what comes next.
            self.closed = file.set_len(self.bytes).is_err();
            return Err(error);
        }
        if let Err(error) = file.sync_data() {
            // The kernel may have forgotten the pages and call the next fdatasync a success.
            self.closed = true;
            file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes += bytes.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    /// The drop is told before it happens: after a power cut between the two the oldest is told twice.
    fn begin_segment(&mut self, at: At) -> Result<u64, LogError> {
        let number = self.segments.back().map_or(1, |newest| newest.saturating_add(1));
        let path = segments::path(&self.dir, number);
        let refused = |source| LogError { path: path.clone(), source };
        let surplus = (self.segments.len() + 1).saturating_sub(self.limits.segments);
        let oldest: Vec<u32> = self.segments.iter().copied().take(surplus).collect();
        let (told, dropped) = self.told_drop(&oldest).map_or((None, 0), |(told, n)| (Some(told), n));

        let checkpoint = Entry::Checkpoint(Box::new(self.recovery.clone()));
        let mut chain = self.chain;
        let text = text(&mut chain, [&checkpoint].into_iter().chain(told.as_ref()).map(|entry| (at, entry)));
        if self.segments.is_empty() {
            self.make_directory().map_err(refused)?;
        }
        let file = created(&self.dir, &path, text.as_bytes()).map_err(refused)?;
        self.file = Some(file);
        self.bytes = text.len() as u64;
        self.chain = chain;
        self.closed = false;
        self.segments.push_back(number);
        self.remove(&oldest);
        Ok(dropped)
    }

    /// The directory may come after the daemon; a log that comes with it has not been read.
    fn make_directory(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.dir)?;
        if segments::list(&self.dir)?.is_empty() {
            return Ok(());
        }
        Err(io::Error::other("a log is here that was not there at the start; restart the daemon to read it"))
    }

    fn told_drop(&self, oldest: &[u32]) -> Option<(Entry, u64)> {
        let mut audit = Audit::default();
        let mut tail = None;
        for number in oldest {
            let bytes = segments::read(&self.dir, *number).unwrap_or_default();
            for line in segments::lines(&bytes) {
                if audit.line(line).entry.is_some() {
                    tail.get_or_insert_with(|| hash_of(line));
                }
            }
        }
        let (last, entries) = (audit.chain(), audit.entries());
        let why = format!("more than {} segments", self.limits.segments);
        let dropped = Entry::Dropped {
            first: audit.first(),
            last: last.newest,
            entries,
            head: last.head,
            tail: tail?,
            why,
        };
        Some((dropped, entries))
    }

    /// What cannot be removed is tried again when the next segment begins.
    fn remove(&mut self, oldest: &[u32]) {
        for number in oldest {
            let path = segments::path(&self.dir, *number);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, path = %path.display(), "an old segment cannot be removed");
                    return;
                }
                Ok(()) | Err(_) => _ = self.segments.pop_front(),
            }
        }
    }
}

/// The lines of some entries. Our own types can always be written; one that could not is left out.
fn text<'a>(chain: &mut Chain, entries: impl Iterator<Item = (At, &'a Entry)>) -> String {
    entries.filter_map(|(at, entry)| chain.append(at, entry).ok()).collect()
}

/// The JSON text of a line is what stands between its first blank and its line feed.
fn hash_of(line: &[u8]) -> Hash {
    let text = String::from_utf8_lossy(line);
    Hash::of(text.trim_end_matches('\n').split_once(' ').map_or("", |(_, json)| json))
}

fn reopened(path: &Path, bytes: u64) -> io::Result<File> {
    let file = OpenOptions::new().append(true).open(path)?;
    if file.metadata()?.len() != bytes {
        file.set_len(bytes)?;
    }
    Ok(file)
}

/// Durable with its name, or not there.
fn created(dir: &Path, path: &Path, text: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).create_new(true).open(path)?;
    let written = file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| segments::sync(dir));
    if let Err(error) = written {
        std::fs::remove_file(path)?;
        return Err(error);
    }
    Ok(file)
}

fn remedy(error: &io::Error) -> &'static str {
    use io::ErrorKind::{
        AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull,
    };
    let remedies = [
        (StorageFull, "make room on that file system; it is tried again by itself"),
        (ReadOnlyFilesystem, "mount it read-write; if it became read-only by itself, check the flash"),
        (PermissionDenied, "give the directory to the daemon's user"),
        (AlreadyExists, "move away the file that stands in its place"),
        (NotADirectory, "move away the file that stands where the directory should be"),
        (NotFound, "make the directory, or mount what holds it"),
    ];
    let known = remedies.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or("check the file system; it is tried again by itself", |(_, remedy)| remedy)
}
