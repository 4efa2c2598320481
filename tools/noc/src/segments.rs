//! The files of one site: `00000001.log`, `00000002.log`, ... in a directory of its own.
//!
//! Lines are only appended. A segment begins with a checkpoint, so that opening reads the newest one
//! and not years; older ones are only read by people and may be archived at will. What was committed
//! is never cut: only an end without a whole line behind it is.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::entry::Entry;

/// A segment that has reached this is closed: about a day of a busy site, read in a few
/// milliseconds at the start.
pub const SEGMENT_BYTES: u64 = 1024 * 1024;

const SUFFIX: &str = ".log";

/// Where lines of a site are appended.
#[derive(Debug)]
pub struct Segments {
    dir: PathBuf,
    number: u32,
    committed: u64,
    written: u64,
    file: Option<File>,
    entry_is_durable: bool,
}

/// What a segment held.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its lines, in order.
    pub entries: Vec<Entry>,
    /// Lines in the middle that are damaged.
    pub damaged: u64,
    /// Where the last whole line ends.
    pub whole: u64,
    /// Bytes behind it.
    pub torn: u64,
}

impl Segments {
    /// Nothing is on the disk until the first append.
    #[must_use]
    pub const fn fresh(dir: PathBuf) -> Self {
        Self { dir, number: 1, committed: 0, written: 0, file: None, entry_is_durable: false }
    }

    /// Continues after the newest segment, of which `whole` bytes are good.
    ///
    /// # Errors
    /// When the torn end cannot be cut off.
    pub fn continued(dir: PathBuf, number: u32, contents: &Contents) -> io::Result<Self> {
        let committed = contents.whole;
        if contents.torn > 0 {
            let file = OpenOptions::new().write(true).open(path(&dir, number))?;
            file.set_len(committed)?;
            file.sync_all()?;
        }
        Ok(Self { dir, number, committed, written: committed, file: None, entry_is_durable: true })
    }

    /// The next line begins a segment: a checkpoint has to go first.
    #[must_use]
    pub const fn wants_checkpoint(&self) -> bool {
        self.written == 0 || self.committed >= SEGMENT_BYTES
    }

    /// Appends; durable only after [`Self::sync`] and [`Self::commit`].
    ///
    /// # Errors
    /// When the disk does not take it; [`Self::roll_back`] then.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.committed >= SEGMENT_BYTES && self.written == self.committed {
            self.number += 1;
            (self.committed, self.written, self.file, self.entry_is_durable) = (0, 0, None, false);
        }
        if self.file.is_none() {
            std::fs::create_dir_all(&self.dir)?;
            let file = OpenOptions::new().append(true).create(true).open(path(&self.dir, self.number))?;
            // Left over from an attempt that failed.
            file.set_len(self.committed)?;
            self.file = Some(file);
        }
        let file = self.file.as_mut().expect("opened just above");
        file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Puts what was appended on the platter, and the names of the files too.
    ///
    /// # Errors
    /// When the disk fails; [`Self::roll_back`] then.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.sync_data()?;
        }
        if !self.entry_is_durable {
            File::open(&self.dir)?.sync_all()?;
            if let Some(parent) = self.dir.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(())
    }

    /// What was appended is on the platter.
    pub const fn commit(&mut self) {
        self.committed = self.written;
        self.entry_is_durable = true;
    }

    /// Forgets what was appended. A sync that failed may have left pages that only look clean: cutting
    /// and writing again makes them dirty.
    pub fn roll_back(&mut self) {
        if let Some(file) = self.file.take() {
            // What stays is cut at the next append or as a torn end; it was never acknowledged.
            drop(file.set_len(self.committed));
        }
        self.written = self.committed;
    }

    /// Closes the file; the next append opens it again.
    pub fn close(&mut self) {
        self.file = None;
    }

    /// Is a file open?
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.file.is_some()
    }
}

/// The numbers of the segments in a directory, in order.
///
/// # Errors
/// When the directory cannot be read.
pub fn numbers(dir: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        numbers.extend(digits.and_then(|digits| digits.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The file of a segment.
#[must_use]
pub fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}{SUFFIX}"))
}

/// Reads a segment. Lines that are none are torn at the end and damage anywhere else.
///
/// # Errors
/// When the file cannot be read.
pub fn read(dir: &Path, number: u32) -> io::Result<Contents> {
    Ok(parse(&std::fs::read(path(dir, number))?))
}

fn parse(bytes: &[u8]) -> Contents {
    let mut contents = Contents::default();
    let (mut offset, mut bad_since_whole) = (0_u64, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        offset += line.len() as u64;
        match line.strip_suffix(b"\n").and_then(Entry::read) {
            Some(entry) => {
                contents.entries.push(entry);
                contents.damaged += bad_since_whole;
                bad_since_whole = 0;
                contents.whole = offset;
            }
            None => bad_since_whole += 1,
        }
    }
    contents.torn = offset - contents.whole;
    contents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at_ms: u64) -> Vec<u8> {
        let mut line = Vec::new();
        let record = serde_json::value::to_raw_value(&at_ms).unwrap();
        Entry::record(at_ms, None, &record).write(&mut line).unwrap();
        line
    }

    fn times(contents: &Contents) -> Vec<u64> {
        let at = |entry: &Entry| match entry {
            Entry::Record(line) => line.at_ms,
            Entry::Checkpoint(_) | Entry::Skip(_) | Entry::Era(_) => 0,
        };
        contents.entries.iter().map(at).collect()
    }

    #[test]
    fn an_end_that_is_torn_anywhere_costs_only_the_line_it_is_in() {
        let (first, second) = (line(1), line(2));
        for cut in 0..second.len() {
            let bytes = [&first[..], &second[..cut]].concat();
            let contents = parse(&bytes);
            assert_eq!(times(&contents), [1]);
            assert_eq!((contents.whole, contents.torn), (first.len() as u64, cut as u64));
            assert_eq!(contents.damaged, 0);
        }
    }

    #[test]
    fn zeros_that_a_power_cut_left_are_torn_and_junk_in_the_middle_is_damage() {
        let zeros = [line(1), vec![0; 4096]].concat();
        assert_eq!((parse(&zeros).torn, parse(&zeros).damaged), (4096, 0));
        let junk = [line(1), b"junk\n\0\0\n".to_vec(), line(2)].concat();
        assert_eq!((parse(&junk).torn, parse(&junk).damaged), (0, 2));
        assert_eq!(times(&parse(&junk)), [1, 2]);
    }

    #[test]
    fn what_was_rolled_back_is_gone_and_what_was_committed_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = Segments::fresh(dir.path().join("site"));
        segments.append(&line(1)).unwrap();
        segments.sync().unwrap();
        segments.commit();
        segments.append(&line(2)).unwrap();
        segments.roll_back();
        segments.append(&line(3)).unwrap();
        segments.commit();
        let contents = read(&dir.path().join("site"), 1).unwrap();
        assert_eq!((times(&contents), contents.torn), (vec![1, 3], 0));
    }

    #[test]
    fn a_full_segment_is_followed_by_another_that_wants_a_checkpoint() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        let mut segments = Segments::fresh(site.clone());
        assert!(segments.wants_checkpoint());
        segments.append(&vec![b'x'; usize::try_from(SEGMENT_BYTES).unwrap()]).unwrap();
        segments.commit();
        assert!(segments.wants_checkpoint());
        segments.append(&line(1)).unwrap();
        segments.sync().unwrap();
        segments.commit();
        assert!(!segments.wants_checkpoint());
        assert_eq!(numbers(&site).unwrap(), [1, 2]);
        assert_eq!(times(&read(&site, 2).unwrap()), [1]);
    }
}
