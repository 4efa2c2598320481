//! Opening: the newest checkpoint and everything behind it.

use std::io;
use std::path::Path;

use noc_messages::SiteId;

use super::{StoreError, site_dir};
use crate::entry::Entry;
use crate::latest::Latest;
use crate::segments::{self, Contents, Segments};
use crate::site::Site;
use crate::telling::{Damaged, Telling, Torn};

/// The sites that a store holds, in order. What is not named like a site is not one.
///
/// # Errors
/// When the directory cannot be read.
pub fn site_names(root: &Path) -> Result<Vec<SiteId>, StoreError> {
    let sites = root.join("sites");
    let failed = |error| StoreError::Io { path: sites.clone(), error };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&sites).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        names.extend(name.to_str().and_then(|name| name.parse::<SiteId>().ok()));
    }
    names.sort_unstable();
    Ok(names)
}

/// What a store knows of a site; changes nothing, a collector may be writing.
///
/// # Errors
/// When it holds nothing of it or cannot be read.
pub fn read_site(root: &Path, id: &SiteId) -> Result<(Site, Latest), StoreError> {
    let dir = site_dir(root, id);
    if !dir.is_dir() {
        return Err(StoreError::NoSuchSite { store: root.to_owned(), site: id.clone() });
    }
    let read =
        replay(&dir, id, &mut Vec::new()).map_err(|error| StoreError::Io { path: dir.clone(), error })?;
    Ok((read.site, Latest::read(&dir)))
}

/// Opens a site for writing: a torn end is cut off and told, damage is told.
pub(super) fn open_site(dir: &Path, id: &SiteId, told: &mut Vec<Telling>) -> io::Result<(Site, Segments)> {
    let mut read = replay(dir, id, told)?;
    let latest = Latest::read(dir);
    let head = latest.head();
    read.site.remember(latest.presence, head);
    let segments = match &read.newest {
        Some((number, contents)) => Segments::continued(dir.to_owned(), *number, contents)?,
        None => Segments::fresh(dir.to_owned()),
    };
    Ok((read.site, segments))
}

struct Read {
    site: Site,
    newest: Option<(u32, Contents)>,
}

fn replay(dir: &Path, id: &SiteId, told: &mut Vec<Telling>) -> io::Result<Read> {
    let mut site = Site::new(id.clone());
    let chosen = since_checkpoint(dir)?;
    for (number, contents) in &chosen {
        told.extend(contents.entries.iter().filter_map(|entry| site.replay(entry)));
        let file = segments::path(dir, *number).display().to_string();
        if contents.damaged > 0 {
            let damaged = Damaged { site: id.clone(), file: file.clone(), lines: contents.damaged };
            told.push(Telling::Damaged(damaged));
        }
        if contents.torn > 0 {
            told.push(Telling::TornTail(Torn { site: id.clone(), file, bytes: contents.torn }));
        }
    }
    Ok(Read { site, newest: chosen.into_iter().next_back() })
}

/// The newest segment that begins with a checkpoint, and all behind it.
fn since_checkpoint(dir: &Path) -> io::Result<Vec<(u32, Contents)>> {
    let mut chosen = Vec::new();
    for number in segments::numbers(dir)?.into_iter().rev() {
        let contents = segments::read(dir, number)?;
        let begins = matches!(contents.entries.first(), Some(Entry::Checkpoint(_)));
        chosen.push((number, contents));
        if begins {
            break;
        }
    }
    chosen.reverse();
    Ok(chosen)
}
