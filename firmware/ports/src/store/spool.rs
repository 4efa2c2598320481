//! sled, and nothing of it beyond this file.
//!
//! One tree per class, keys are boot and sequence big-endian, values the JSON. Everything here
//! blocks; an error leaves the database unusable (sled stays failed once it failed): drop it and
//! open it again.

use std::fs::File;
use std::path::{Path, PathBuf};

use noc_messages::{Class, Position};
use outbox::{RecoveredClass, StoredRecord};
use sled::{Batch, Db, IVec, Mode, Tree};

use super::files;

/// Bytes of page cache; sled's own default of 1 GiB would be the whole box.
const CACHE: u64 = 4 * 1024 * 1024;
/// Deletions go in batches of so many, to bound their memory.
const BATCH: usize = 512;
/// An answer to a read ends after so many bytes.
const MAX_READ_BYTES: usize = 256 * 1024;

/// Why the spool could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    /// Bits are wrong.
    #[error("the spool {path} is damaged: {what}")]
    Damaged { path: PathBuf, what: String },
    /// The file system refuses.
    #[error("the spool {path} cannot be used: {what}; look at `df {path}`, `mount` and the kernel's log")]
    Refused { path: PathBuf, what: String },
    /// It was given up before, in these words, and is tried again later.
    #[error("{0}")]
    Closed(String),
}

/// An open database.
pub(super) struct Spool {
    path: PathBuf,
    db: Db,
    meta: Tree,
    signal: Tree,
    state: Tree,
    audit: Tree,
    file: File,
}

/// What a deletion took away.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Gone {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) range: Option<(Position, Position)>,
}

impl Spool {
    /// Opens or makes the database; after this it is there even if the power goes.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let refused = |e: std::io::Error| SpoolError::Refused { path: path.to_owned(), what: e.to_string() };
        std::fs::create_dir_all(path).map_err(refused)?;
        let opened = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE)
            .mode(Mode::LowSpace)
            .flush_every_ms(None)
            .open()
            .and_then(|db| {
                let tree = |name| db.open_tree(name);
                Ok((tree("meta")?, tree("signal")?, tree("state")?, tree("audit")?, db))
            });
        let (meta, signal, state, audit, db) = opened.map_err(|e| told(path, &e))?;
        db.flush().map_err(|e| told(path, &e))?;
        let file = File::open(path.join("db")).map_err(refused)?;
        file.sync_all().map_err(refused)?;
        files::sync(&path.join("conf")).map_err(refused)?;
        files::sync_with_parent(path).map_err(refused)?;
        Ok(Self { path: path.to_owned(), db, meta, signal, state, audit, file })
    }

    /// Hands everything written so far to the kernel: it survives the death of this process.
    pub(super) fn flush(&self) -> Result<(), SpoolError> {
        self.db.flush().map(drop).map_err(|e| self.told(&e))
    }

    /// Makes everything flushed so far survive a power cut.
    pub(super) fn sync(&self) -> Result<(), SpoolError> {
        let refused =
            |e: std::io::Error| SpoolError::Refused { path: self.path.clone(), what: e.to_string() };
        self.file.sync_data().map_err(refused)
    }

    pub(super) fn append(&self, class: Class, records: &[StoredRecord]) -> Result<(), SpoolError> {
        let mut batch = Batch::default();
        for record in records {
            batch.insert(&key_of(record.position), record.json.as_bytes());
        }
        self.tree(class).apply_batch(batch).map_err(|e| self.told(&e))
    }

    /// Oldest first, after a position, bounded by number and size.
    pub(super) fn read(
        &self,
        class: Class,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, SpoolError> {
        let mut records = Vec::new();
        let mut bytes = 0;
        for item in self.after(class, after).take(limit) {
            let record = self.record(class, item)?;
            bytes += record.json.len();
            if bytes > MAX_READ_BYTES && !records.is_empty() {
                break;
            }
            records.push(record);
        }
        Ok(records)
    }

    pub(super) fn oldest(&self, class: Class) -> Result<Option<Position>, SpoolError> {
        let first = self.tree(class).first().map_err(|e| self.told(&e))?;
        first.map(|(key, _)| self.position(&key)).transpose()
    }

    /// Deletes oldest first as long as `more` says so, knowing what went and what would be next.
    pub(super) fn delete_while(
        &self,
        class: Class,
        mut more: impl FnMut(&Gone, Position) -> bool,
    ) -> Result<Gone, SpoolError> {
        let mut gone = Gone::default();
        loop {
            let mut batch = Batch::default();
            let mut size = 0;
            for item in self.tree(class).iter().take(BATCH) {
                let (key, value) = item.map_err(|e| self.told(&e))?;
                let position = self.position(&key)?;
                if !more(&gone, position) {
                    break;
                }
                batch.remove(key);
                size += 1;
                gone.add(position, value.len());
            }
            if size > 0 {
                self.remember_newest(class)?;
                self.tree(class).apply_batch(batch).map_err(|e| self.told(&e))?;
            }
            if size < BATCH {
                return Ok(gone);
            }
        }
    }

    /// Reads everything of a class: what it holds, or that it is damaged.
    pub(super) fn inspect(&self, class: Class) -> Result<RecoveredClass, SpoolError> {
        let mut found =
            RecoveredClass { newest: self.newest_remembered(class)?, ..RecoveredClass::default() };
        for item in self.tree(class).iter() {
            let (key, value) = item.map_err(|e| self.told(&e))?;
            let position = self.position(&key)?;
            found.records += 1;
            found.bytes += value.len() as u64;
            found.oldest = found.oldest.or(Some(position));
            found.newest = found.newest.max(Some(position));
        }
        Ok(found)
    }

    /// Whether there is any record at all: sled takes some damaged files for empty ones.
    pub(super) fn holds_records(&self) -> Result<bool, SpoolError> {
        Class::DURABLE.into_iter().try_fold(false, |any, class| Ok(any || self.inspect(class)?.records > 0))
    }

    /// Carries over whatever is readable, from both ends; tells how much that was.
    pub(super) fn salvage_into(&self, target: &Self) -> Result<u64, SpoolError> {
        let mut saved = 0;
        for class in Class::DURABLE {
            if let Ok(Some(newest)) = self.newest_remembered(class) {
                target.set_newest(class, newest)?;
            }
            let iter = self.tree(class).iter();
            let mut last = None;
            for (key, value) in iter.map_while(Result::ok) {
                saved += target.take_over(class, &key, &value)?;
                last = Some(key);
            }
            // Behind the damage, backwards until the damage or until what is saved already.
            let backwards = self.tree(class).iter().rev().map_while(Result::ok);
            for (key, value) in backwards.take_while(|(key, _)| Some(key) > last.as_ref()) {
                saved += target.take_over(class, &key, &value)?;
            }
        }
        target.flush()?;
        target.sync()?;
        Ok(saved)
    }

    pub(super) fn boot(&self) -> Result<u32, SpoolError> {
        let value = self.meta.get("boot").map_err(|e| self.told(&e))?;
        Ok(value.and_then(|v| Some(u32::from_be_bytes(v.as_ref().try_into().ok()?))).unwrap_or(0))
    }

    pub(super) fn set_boot(&self, boot: u32) -> Result<(), SpoolError> {
        self.meta.insert("boot", &boot.to_be_bytes()).map(drop).map_err(|e| self.told(&e))
    }

    /// A class may become empty: its newest position must not be forgotten with it.
    fn remember_newest(&self, class: Class) -> Result<(), SpoolError> {
        match self.tree(class).last().map_err(|e| self.told(&e))? {
            Some((key, _)) => self.set_newest(class, self.position(&key)?),
            None => Ok(()),
        }
    }

    fn set_newest(&self, class: Class, newest: Position) -> Result<(), SpoolError> {
        if Some(newest) <= self.newest_remembered(class)? {
            return Ok(());
        }
        let written = self.meta.insert(newest_key(class), &key_of(newest));
        written.map(drop).map_err(|e| self.told(&e))
    }

    fn newest_remembered(&self, class: Class) -> Result<Option<Position>, SpoolError> {
        let value = self.meta.get(newest_key(class)).map_err(|e| self.told(&e))?;
        value.map(|key| self.position(&key)).transpose()
    }

    fn take_over(&self, class: Class, key: &IVec, value: &IVec) -> Result<u64, SpoolError> {
        if position_of(key).is_none() || core::str::from_utf8(value).is_err() {
            return Ok(0);
        }
        self.tree(class).insert(key, value).map_err(|e| self.told(&e))?;
        Ok(1)
    }

    fn after(&self, class: Class, after: Option<Position>) -> sled::Iter {
        match after {
            None => self.tree(class).iter(),
            Some(position) => {
                let excluded = std::ops::Bound::Excluded(key_of(position));
                self.tree(class).range((excluded, std::ops::Bound::Unbounded))
            }
        }
    }

    fn record(&self, class: Class, item: sled::Result<(IVec, IVec)>) -> Result<StoredRecord, SpoolError> {
        let (key, value) = item.map_err(|e| self.told(&e))?;
        let position = self.position(&key)?;
        let json = String::from_utf8(value.to_vec())
            .map_err(|_| self.damaged(format!("record {}-{} is not text", position.boot, position.seq)))?;
        Ok(StoredRecord { class, position, json })
    }

    fn position(&self, key: &IVec) -> Result<Position, SpoolError> {
        position_of(key).ok_or_else(|| self.damaged(format!("a key of {} bytes", key.len())))
    }

    fn damaged(&self, what: String) -> SpoolError {
        SpoolError::Damaged { path: self.path.clone(), what }
    }

    fn told(&self, error: &sled::Error) -> SpoolError {
        told(&self.path, error)
    }

    fn tree(&self, class: Class) -> &Tree {
        match class {
            Class::Signal => &self.signal,
            Class::State => &self.state,
            // Metrics are never stored; one that came here would wait among the least precious.
            Class::Audit | Class::Metric => &self.audit,
        }
    }
}

impl Gone {
    fn add(&mut self, position: Position, bytes: usize) {
        self.records += 1;
        self.bytes += bytes as u64;
        self.range = Some((self.range.map_or(position, |(first, _)| first), position));
    }
}

fn told(path: &Path, error: &sled::Error) -> SpoolError {
    let (path, what) = (path.to_owned(), error.to_string());
    match error {
        sled::Error::Io(_) => SpoolError::Refused { path, what },
        sled::Error::Corruption { .. }
        | sled::Error::ReportableBug(_)
        | sled::Error::Unsupported(_)
        | sled::Error::CollectionNotFound(_) => SpoolError::Damaged { path, what },
    }
}

fn key_of(position: Position) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&position.boot.to_be_bytes());
    key[4..].copy_from_slice(&position.seq.to_be_bytes());
    key
}

fn position_of(key: &[u8]) -> Option<Position> {
    let (boot, seq) = key.split_first_chunk::<4>()?;
    let seq = <[u8; 8]>::try_from(seq).ok()?;
    Some(Position { boot: u32::from_be_bytes(*boot), seq: u64::from_be_bytes(seq) })
}

fn newest_key(class: Class) -> String {
    format!("newest/{}", class.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_positions_do() {
        let place = |boot, seq| Position { boot, seq };
        let ordered = [place(0, u64::MAX), place(1, 0), place(1, 255), place(1, 256), place(256, 1)];
        assert!(ordered.windows(2).all(|two| key_of(two[0]) < key_of(two[1])));
        assert!(ordered.iter().all(|p| position_of(&key_of(*p)) == Some(*p)));
        assert_eq!(position_of(b"short"), None);
    }
}
