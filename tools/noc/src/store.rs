//! The collector's store: all sites, one commit for a batch of deliveries, one writer at a time.
//!
//! ```text
//! DIR/lock                       held by the collector that writes
//! DIR/sites/<site>/00000001.log  lines, see `entry`
//! DIR/sites/<site>/latest.json   presence and state document
//! ```
//! A batch is committed as a whole or not at all: knowledge in memory never runs ahead of the disk.

mod opened;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use noc_messages::{SiteId, Watermark};

use crate::entry::Entry;
use crate::latest::Latest;
use crate::message::{self, Delivery, Junk};
use crate::segments::Segments;
use crate::site::{How, Outcome, Site};
use crate::telling::{JunkCount, Telling};

pub use opened::{read_site, site_names};

/// Sites that are kept: twice the largest fleet foreseen. A broker that lets anybody invent sites
/// would otherwise fill the disk.
const MAX_SITES: usize = 20_000;

/// Files that stay open between commits.
const MAX_OPEN: usize = 256;

/// More files than this in one commit are synced by one call for the whole file system.
const SYNC_EACH: usize = 8;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another collector writes here.
    #[error("store {0}: another collector writes to it; stop it, or give this one its own --store")]
    Locked(PathBuf),
    /// The file system says no.
    #[error("store {path}: {error}; check that the disk is there, writable and not full")]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// No such site.
    #[error(
        "store {store}: holds nothing of site {site}; `holdfast-noc show --store {store}` lists what it holds"
    )]
    NoSuchSite {
        /// Where.
        store: PathBuf,
        /// Which.
        site: SiteId,
    },
}

/// All sites.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    _lock: Flock<File>,
    sites: BTreeMap<SiteId, Slot>,
    junk: JunkCount,
}

#[derive(Debug)]
struct Slot {
    site: Site,
    segments: Segments,
}

/// A committed batch.
#[derive(Debug, Default)]
pub struct Committed {
    /// What may be told.
    pub tellings: Vec<Telling>,
    /// Sites that should hear their watermark.
    pub watermarks: BTreeMap<SiteId, Watermark>,
}

/// A batch before it is on the disk: what it changes, and how it was before.
#[derive(Default)]
struct Batch {
    before: BTreeMap<SiteId, Option<Site>>,
    outcomes: BTreeMap<SiteId, Outcome>,
}

impl Store {
    /// Opens or makes it.
    ///
    /// # Errors
    /// When somebody else writes there or the disk does not let us.
    pub fn open(root: &Path) -> Result<(Self, Vec<Telling>), StoreError> {
        let failed = |error| StoreError::Io { path: root.to_owned(), error };
        std::fs::create_dir_all(root.join("sites")).map_err(failed)?;
        let lock = lock(root)?;
        let mut tellings = Vec::new();
        let mut sites = BTreeMap::new();
        for id in site_names(root)? {
            let dir = site_dir(root, &id);
            let (site, segments) = opened::open_site(&dir, &id, &mut tellings)
                .map_err(|error| StoreError::Io { path: dir, error })?;
            sites.insert(id, Slot { site, segments });
        }
        Ok((Self { root: root.to_owned(), _lock: lock, sites, junk: JunkCount::default() }, tellings))
    }

    /// The sites.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.sites.values().map(|slot| &slot.site)
    }

    /// Takes a batch: when it answers, all of it is on the disk.
    ///
    /// # Errors
    /// When the disk does not take it; then nothing of it counts and it can be tried again.
    pub fn commit(&mut self, deliveries: &[Delivery], at_ms: u64) -> Result<Committed, StoreError> {
        let mut batch = Batch::default();
        for delivery in deliveries {
            self.take(delivery, at_ms, &mut batch);
        }
        for (id, outcome) in &mut batch.outcomes {
            if let Some(slot) = self.sites.get_mut(id) {
                slot.site.tell_duplicates(outcome);
            }
        }
        let wrote = self.write(&batch).and_then(|written| self.sync(&written));
        if let Err(error) = wrote {
            self.restore(batch.before);
            return Err(error);
        }
        Ok(self.committed(batch))
    }

    fn take(&mut self, delivery: &Delivery, at_ms: u64, batch: &mut Batch) {
        let (id, message) = match message::read(delivery) {
            Ok(read) => read,
            Err(why) => return self.junk.count(&delivery.topic, why),
        };
        if !self.sites.contains_key(&id) {
            if self.sites.len() == MAX_SITES {
                return self.junk.count(&delivery.topic, Junk::TooManySites);
            }
            let segments = Segments::fresh(site_dir(&self.root, &id));
            self.sites.insert(id.clone(), Slot { site: Site::new(id.clone()), segments });
            batch.before.insert(id.clone(), None);
        }
        let slot = self.sites.get_mut(&id).expect("known or inserted just above");
        batch.before.entry(id.clone()).or_insert_with(|| Some(slot.site.clone()));
        let how = How { at_ms, retained: delivery.retained, redelivered: delivery.redelivered };
        slot.site.hear(message, how, batch.outcomes.entry(id).or_default());
    }

    /// Appends the lines; answers whose.
    fn write(&mut self, batch: &Batch) -> Result<BTreeSet<SiteId>, StoreError> {
        let mut written = BTreeSet::new();
        for (id, outcome) in &batch.outcomes {
            let slot = self.sites.get_mut(id).expect("every outcome is of a site that was heard");
            let dir = site_dir(&self.root, id);
            let failed = |error| StoreError::Io { path: dir.clone(), error };
            if !outcome.entries.is_empty() {
                let lines = slot.lines(batch.before.get(id), &outcome.entries).map_err(failed)?;
                slot.segments.append(&lines).map_err(failed)?;
                written.insert(id.clone());
            }
            if outcome.presence_changed || outcome.document.is_some() {
                let kept = outcome.document.clone().or_else(|| Latest::read(&dir).document);
                let latest = Latest { presence: slot.site.presence().cloned(), document: kept };
                latest.write(&dir).map_err(failed)?;
            }
        }
        Ok(written)
    }

    fn sync(&mut self, written: &BTreeSet<SiteId>) -> Result<(), StoreError> {
        let failed = |path: PathBuf| |error: io::Error| StoreError::Io { path, error };
        if written.len() > SYNC_EACH {
            let root = File::open(&self.root).map_err(failed(self.root.clone()))?;
            nix::unistd::syncfs(root).map_err(|e| failed(self.root.clone())(e.into()))?;
        } else {
            for id in written {
                let slot = self.sites.get_mut(id).expect("it was written");
                slot.segments.sync().map_err(failed(site_dir(&self.root, id)))?;
            }
        }
        for id in written {
            self.sites.get_mut(id).expect("it was written").segments.commit();
        }
        self.close_surplus();
        Ok(())
    }

    fn restore(&mut self, before: BTreeMap<SiteId, Option<Site>>) {
        for (id, site) in before {
            let Some(slot) = self.sites.get_mut(&id) else { continue };
            slot.segments.roll_back();
            match site {
                Some(site) => slot.site = site,
                None => drop(self.sites.remove(&id)),
            }
        }
    }

    fn committed(&mut self, batch: Batch) -> Committed {
        let mut committed = Committed::default();
        for (id, outcome) in batch.outcomes {
            committed.tellings.extend(outcome.tellings);
            if let Some(slot) = self.sites.get(&id).filter(|_| outcome.watermark_due) {
                committed.watermarks.insert(id, slot.site.watermark());
            }
        }
        committed.tellings.extend(self.junk.tell());
        committed
    }

    fn close_surplus(&mut self) {
        let open = self.sites.values_mut().filter(|slot| slot.segments.is_open());
        let mut open: Vec<_> = open.collect();
        if open.len() > MAX_OPEN {
            open.iter_mut().for_each(|slot| slot.segments.close());
        }
    }
}

impl Slot {
    /// The lines of a batch, behind a checkpoint of what was known before it if a segment begins.
    fn lines(&self, before: Option<&Option<Site>>, entries: &[Entry]) -> io::Result<Vec<u8>> {
        let mut lines = Vec::new();
        if self.segments.wants_checkpoint() {
            let known = before.cloned().flatten().unwrap_or_else(|| Site::new(self.site.id().clone()));
            Entry::Checkpoint(Box::new(known)).write(&mut lines)?;
        }
        for entry in entries {
            entry.write(&mut lines)?;
        }
        Ok(lines)
    }
}

fn site_dir(root: &Path, id: &SiteId) -> PathBuf {
    root.join("sites").join(id.as_str())
}

fn lock(root: &Path) -> Result<Flock<File>, StoreError> {
    let path = root.join("lock");
    let file = OpenOptions::new().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(|error| StoreError::Io { path, error })?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| StoreError::Locked(root.to_owned()))
}

#[cfg(test)]
mod tests;
