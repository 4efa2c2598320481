//! Making names and bytes durable: a file is not there before its directory has been synced.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// fsync of a directory or a file.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// fsync of a directory and of the one it is in.
pub(super) fn sync_with_parent(dir: &Path) -> io::Result<()> {
    sync(dir)?;
    dir.parent().map_or(Ok(()), |parent| if parent.as_os_str().is_empty() { Ok(()) } else { sync(parent) })
}

/// Replaces a small file: after a power cut it holds the old bytes or the new ones, never a mixture.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("fresh");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), sync)
}
