//! The number of this start, kept beside the spool as well: it must survive a damaged spool, for a
//! number used twice would make new records look like duplicates of old ones.

use std::io;
use std::path::Path;

use super::files;

const NAME: &str = "boot";

/// The number in the file; 0 if there is none or it makes no sense.
pub(super) fn remembered(dir: &Path) -> u32 {
    std::fs::read_to_string(dir.join(NAME)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

pub(super) fn remember(dir: &Path, boot: u32) -> io::Result<()> {
    files::replace(&dir.join(NAME), format!("{boot}\n").as_bytes())
}
