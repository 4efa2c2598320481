//! Carrying over what is readable of a damaged spool.
//!
//! First as it is, from both ends of each class; if it cannot even be opened, the longest piece from
//! its beginning that can and holds records. What was left behind stays in quarantine.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::open::{guarded, open_and_read, refused, remove, replace_dir};
use super::spool::{Spool, SpoolError};

/// sled ends a log only between these.
const SEGMENT: u64 = 512 * 1024;

/// A fresh spool in place of a damaged one, and what to tell about it.
pub(super) fn salvage(
    dir: &Path,
    path: &Path,
    quarantine: &Path,
    why: &str,
) -> Result<(Spool, String), SpoolError> {
    replace_dir(path, quarantine)?;
    let fresh = guarded(path, || Spool::open(path))?;
    let saved = carry_over(quarantine, &fresh);
    let told = match saved {
        Ok(records) => format!("{why}; {records} records were readable"),
        Err(error) => format!("{why}; nothing was readable ({error})"),
    };
    tracing::warn!(dir = %dir.display(), damage = %told, "the spool was damaged; it is in quarantine");
    Ok((fresh, told))
}

fn carry_over(old: &Path, fresh: &Spool) -> Result<u64, SpoolError> {
    let whole = guarded(old, || Spool::open(old)).and_then(|damaged| from(old, damaged, fresh));
    let whole = match whole {
        Ok(records) if records > 0 => return Ok(records),
        other => other,
    };
    let copy = old.join("copy");
    let saved = match longest_readable(old, &copy)? {
        Some(piece) => from(&copy, piece, fresh),
        None => whole,
    };
    remove(&copy)?;
    saved
}

fn from(path: &Path, damaged: Spool, fresh: &Spool) -> Result<u64, SpoolError> {
    let saved = guarded(path, || damaged.salvage_into(fresh));
    super::open::close(path, damaged);
    saved
}

/// A piece that ends before the damage can be read, but not each of them: sled stumbles over some ends and
/// takes others for an empty log. So the ends are tried one after the other, from the back.
fn longest_readable(old: &Path, copy: &Path) -> Result<Option<Spool>, SpoolError> {
    let length = std::fs::metadata(old.join("db")).map_err(|e| refused(old, &e))?.len();
    for segments in ends(length.div_ceil(SEGMENT)) {
        let Some(piece) = open_piece(old, copy, segments)? else { continue };
        if guarded(copy, || piece.holds_records()).unwrap_or(false) {
            return Ok(Some(piece));
        }
        super::open::close(copy, piece);
    }
    Ok(None)
}

/// Every end of the last few, then in growing steps: the effort is bounded, whatever the size.
fn ends(last: u64) -> impl Iterator<Item = u64> {
    const EACH: u64 = 16;
    let far = (0..).map(|k| EACH + (2 << k));
    (0..=EACH).chain(far).map_while(move |back| last.checked_sub(back)).filter(|end| *end > 0)
}

fn open_piece(old: &Path, copy: &Path, segments: u64) -> Result<Option<Spool>, SpoolError> {
    // Always new files: the lock of an open that panicked may stay with the old ones.
    remove(copy)?;
    copy_piece(old, copy, segments * SEGMENT).map_err(|e| refused(copy, &e))?;
    Ok(guarded(copy, || open_and_read(copy)).ok())
}

fn copy_piece(old: &Path, copy: &Path, length: u64) -> io::Result<()> {
    std::fs::create_dir_all(copy)?;
    std::fs::copy(old.join("conf"), copy.join("conf"))?;
    let mut target = File::create(copy.join("db"))?;
    io::copy(&mut File::open(old.join("db"))?.take(length), &mut target)?;
    Ok(())
}
