//! The newest stored place of each class, noted beside the spool after every commit.
//!
//! sled takes a log whose middle is damaged for one that ends there, and says nothing. This note is
//! left to the kernel to write when it likes, so it costs no sync and may be old after a power cut;
//! but it never tells of more than was durable, so a spool that knows less has lost something.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use noc_messages::{Class, Position};

const NAME: &str = "newest";
/// One write of one sector: all of it or nothing.
const SIZE: usize = 256;
const END: &str = "end";

/// The newest place per class.
pub(super) type Newest = BTreeMap<Class, Position>;

/// The note, open for writing.
pub(super) struct Witness {
    file: File,
}

impl Witness {
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(dir.join(NAME))?;
        Ok(Self { file })
    }

    pub(super) fn note(&self, newest: &Newest) -> io::Result<()> {
        self.file.write_all_at(&bytes_of(newest), 0)
    }
}

/// What was noted; nothing if there is no note or it is torn.
pub(super) fn noted(dir: &Path) -> Newest {
    std::fs::read_to_string(dir.join(NAME)).ok().and_then(|text| parse(&text)).unwrap_or_default()
}

fn bytes_of(newest: &Newest) -> Vec<u8> {
    let line = |(class, p): (&Class, &Position)| format!("{} {} {}\n", class.as_str(), p.boot, p.seq);
    let mut text: String = newest.iter().map(line).collect();
    text.push_str(END);
    text.push('\n');
    let mut bytes = text.into_bytes();
    bytes.resize(SIZE, b' ');
    bytes
}

fn parse(text: &str) -> Option<Newest> {
    let mut newest = Newest::new();
    for line in text.lines() {
        if line == END {
            return Some(newest);
        }
        let mut words = line.split(' ');
        let (class, boot, seq) = (words.next()?, words.next()?, words.next()?);
        let class = Class::DURABLE.into_iter().find(|c| c.as_str() == class)?;
        newest.insert(class, Position { boot: boot.parse().ok()?, seq: seq.parse().ok()? });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_a_torn_one_not_at_all() {
        let place = |boot, seq| Position { boot, seq };
        let newest = Newest::from([(Class::Signal, place(u32::MAX, u64::MAX)), (Class::Audit, place(1, 2))]);
        let bytes = bytes_of(&newest);
        let text = String::from_utf8(bytes.clone()).unwrap();

        assert_eq!(bytes.len(), SIZE);
        assert_eq!(parse(&text), Some(newest));
        let end = text.find(END).unwrap();
        assert!((0..end).all(|cut| parse(&text[..cut]).is_none()));
    }
}
