//! The files: names, order, lines.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// More than any segment of ours has; what is longer is not ours and not read to its end.
const LONGEST_SEGMENT: u64 = 64 * 1024 * 1024;

/// `DIR/00000017.log`.
pub(super) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}

/// The numbers of all segments, oldest first; none where there is no directory.
pub(super) fn list(dir: &Path) -> io::Result<Vec<u32>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        numbers.extend(number(&entry?.file_name().to_string_lossy()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".log").filter(|digits| digits.len() == 8)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// All bytes of a segment.
pub(super) fn read(dir: &Path, number: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path(dir, number))?.take(LONGEST_SEGMENT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How much of it ends with a line feed: what follows was never finished.
pub(super) fn complete(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
    bytes.get(..end).unwrap_or(&[])
}

/// The finished lines.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    complete(bytes).split_inclusive(|byte| *byte == b'\n')
}

/// fsync of the directory: a file is not there, or gone, before that.
pub(super) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_segments() {
        let cases = [
            ("00000017.log", Some(17)),
            ("0000017.log", None),
            ("+0000017.log", None),
            ("00000017.log.gz", None),
            ("lock", None),
        ];
        for (name, expected) in cases {
            assert_eq!(number(name), expected, "{name}");
        }
    }

    #[test]
    fn a_line_without_its_line_feed_is_not_finished() {
        assert_eq!(complete(b"a\nb\nc"), b"a\nb\n");
        assert_eq!(complete(b"abc"), b"");
        assert_eq!(lines(b"a\n\nb").collect::<Vec<_>>(), [&b"a\n"[..], b"\n"]);
    }
}
