//! `holdfast-noc show` and `records`: what a store holds. Reads only; a collector may be writing.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use noc_messages::{Class, Position, Presence, SiteId, Watermark};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::chain::{Chain, Island};
use crate::entry::Entry;
use crate::latest::Latest;
use crate::segments;
use crate::site::Site;
use crate::store::{StoreError, read_site, site_names};
use crate::{message, state_words, words};

/// What to show.
#[derive(clap::Args, Debug)]
pub struct ShowArgs {
    /// The store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Only this site
    site: Option<SiteId>,
    /// One JSON object per site
    #[arg(long)]
    json: bool,
}

/// Which records.
#[derive(clap::Args, Debug)]
pub struct RecordsArgs {
    /// The store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Of which site
    site: SiteId,
    /// Only this class: signal, state, audit or metric
    #[arg(long, value_name = "CLASS", value_parser = class)]
    class: Option<Class>,
    /// By numbering, boot and sequence, as the box made them; otherwise as they arrived
    #[arg(long)]
    sorted: bool,
    /// The records as they came, one a line
    #[arg(long)]
    json: bool,
}

/// Shows what the store knows.
///
/// # Errors
/// When it cannot be read or holds nothing of the site.
pub fn show(args: &ShowArgs) -> Result<()> {
    let sites = match &args.site {
        Some(site) => vec![site.clone()],
        None => site_names(&args.store)?,
    };
    let mut out = io::stdout().lock();
    for id in sites {
        let (site, latest) = read_site(&args.store, &id)?;
        let shown = Shown::of(&site, latest);
        if args.json {
            writeln!(out, "{}", serde_json::to_string(&shown)?)?;
        } else {
            shown.print(&mut out)?;
        }
    }
    Ok(())
}

/// Prints the records.
///
/// # Errors
/// When the store cannot be read or holds nothing of the site.
pub fn records(args: &RecordsArgs) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut kept = Vec::new();
    each_record(&args.store, &args.site, |record| {
        if args.class.is_some_and(|class| class != record.class) {
            return Ok(());
        }
        if args.sorted {
            kept.push(record);
            return Ok(());
        }
        record.print(&mut out, args.json)
    })?;
    kept.sort_by_key(|record| (record.era, record.position));
    for record in kept {
        record.print(&mut out, args.json)?;
    }
    out.flush()?;
    Ok(())
}

struct Kept {
    era: u32,
    at_ms: u64,
    class: Class,
    position: Position,
    kind: String,
    text: Box<RawValue>,
}

impl Kept {
    fn print(&self, out: &mut impl Write, json: bool) -> Result<()> {
        if json {
            return Ok(writeln!(out, "{}", self.text.get())?);
        }
        let (clock, place) = (words::clock(self.at_ms), words::place(self.position));
        let said = words::record(self.text.get(), &self.kind);
        Ok(writeln!(out, "{clock} {place:>9} {:<6} {said}", self.class.as_str())?)
    }
}

/// Segment by segment, so that years fit in a megabyte.
fn each_record(store: &Path, id: &SiteId, mut each: impl FnMut(Kept) -> Result<()>) -> Result<()> {
    let dir = store.join("sites").join(id.as_str());
    if !dir.is_dir() {
        return Err(StoreError::NoSuchSite { store: store.to_owned(), site: id.clone() }.into());
    }
    let failed = |error| StoreError::Io { path: dir.clone(), error };
    let mut era = 0;
    for number in segments::numbers(&dir).map_err(failed)? {
        for entry in segments::read(&dir, number).map_err(failed)?.entries {
            match entry {
                Entry::Checkpoint(site) => era = site.era(),
                Entry::Era(line) => era = line.era,
                Entry::Skip(_) => {}
                Entry::Record(line) => {
                    let Ok(envelope) = message::reread(id, line.record.get()) else { continue };
                    let (class, position, kind) = (envelope.class, envelope.position, envelope.kind);
                    each(Kept { era, at_ms: line.at_ms, class, position, kind, text: envelope.text })?;
                }
            }
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Shown {
    site: SiteId,
    era: u32,
    records: u64,
    classes: BTreeMap<Class, ShownClass>,
    watermark: Watermark,
    presence: Option<Presence>,
    state: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct ShownClass {
    records: u64,
    newest: Option<Position>,
    gaps: Vec<Island>,
}

impl Shown {
    fn of(site: &Site, latest: Latest) -> Self {
        let shown = |chain: &Chain| ShownClass {
            records: chain.held(),
            newest: chain.newest(),
            gaps: chain.islands().to_vec(),
        };
        let known = site.chains().iter().filter(|(_, c)| c.held() > 0 || c.upto().is_some());
        let mut classes: BTreeMap<_, _> = known.map(|(class, chain)| (*class, shown(chain))).collect();
        let metrics = site.metrics();
        if metrics.held > 0 {
            let metrics = ShownClass { records: metrics.held, newest: metrics.newest, gaps: Vec::new() };
            classes.insert(Class::Metric, metrics);
        }
        Self {
            site: site.id().clone(),
            era: site.era(),
            records: site.held(),
            classes,
            watermark: site.watermark(),
            presence: latest.presence,
            state: latest.document,
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let presence = self.presence.as_ref().map_or_else(|| "never heard".to_owned(), words::presence);
        writeln!(out, "{}  {presence}, {} records, numbering {}", self.site, self.records, self.era)?;
        for (class, shown) in &self.classes {
            let newest = words::place_or_none(shown.newest);
            write!(out, "  {:<6} {:>8} records, newest {newest}", class.as_str(), shown.records)?;
            if *class != Class::Metric {
                let upto = words::place_or_none(self.watermark.upto.get(class).copied());
                write!(out, ", complete up to {upto}")?;
            }
            writeln!(out)?;
            for gap in &shown.gaps {
                let (missing, first) = (words::place_or_none(gap.prev), words::place(gap.first));
                writeln!(out, "         GAP: {missing} is missing before {first}")?;
            }
        }
        match &self.state {
            Some(document) => writeln!(out, "  {}", state_words::summary(document.get())),
            None => writeln!(out, "  no state document"),
        }
    }
}

fn class(text: &str) -> Result<Class, String> {
    let found = Class::ALL.into_iter().find(|class| class.as_str() == text);
    found.ok_or_else(|| "expected signal, state, audit or metric".to_owned())
}
