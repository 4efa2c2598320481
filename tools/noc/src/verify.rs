//! `holdfast-noc verify`: is a box's evidence whole? Reads a copy of it; the box may still be writing.
//!
//! It refuses to call a log whole because it could not read it: that is another exit code.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use evidence::{Audit, Hash};
use serde::Serialize;
use serde_json::Value;

/// What the log told of itself is shown up to here; all is counted.
const MAX_TOLD: usize = 100;

/// What to verify.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 the log is whole; 1 it is not; 2 it cannot be read, or wrong arguments."
)]
pub struct VerifyArgs {
    /// A segment (00000017.log), or the directory of all of them
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// A hash that the box once reported: it must be in the log
    #[arg(long, value_name = "HASH")]
    head: Option<Hash>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    whole: bool,
    files: usize,
    entries: u64,
    first: u64,
    newest: u64,
    head: Hash,
    faults: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_fault: Option<Place>,
    /// Behind the last line feed: a line that a power cut or the moment of copying left unfinished.
    unfinished_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_found: Option<bool>,
    /// What the box told in the log: entries dropped, lost, unreadable.
    told: Vec<Value>,
    told_count: usize,
}

#[derive(Debug, Serialize)]
struct Place {
    file: PathBuf,
    line: usize,
    what: String,
}

/// Verifies; `true`: the log is whole.
///
/// # Errors
/// When it cannot be read.
pub fn verify(args: &VerifyArgs) -> Result<bool> {
    let is_dir = args.path.is_dir();
    let files = if is_dir { segments(&args.path)? } else { vec![args.path.clone()] };
    let mut reading = Reading { sought: args.head, ..Reading::default() };
    for file in &files {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        reading.segment(file, &bytes);
    }
    if is_dir {
        reading.beginning(&files);
    }
    let found = reading.found(files.len());
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&found)?)?;
    } else {
        found.print(&mut out)?;
    }
    Ok(found.whole)
}

fn segments(dir: &Path) -> Result<Vec<PathBuf>> {
    let list = std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut files = Vec::new();
    for entry in list {
        let path = entry.with_context(|| format!("cannot read {}", dir.display()))?.path();
        files.extend(Some(path).filter(|path| is_segment(path)));
    }
    if files.is_empty() {
        bail!("{} holds no evidence: give the directory with 00000001.log and its like", dir.display());
    }
    files.sort();
    Ok(files)
}

fn is_segment(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let numbered = stem.len() == 8 && stem.bytes().all(|byte| byte.is_ascii_digit());
    numbered && path.extension().is_some_and(|extension| extension == "log")
}

#[derive(Default)]
struct Reading {
    audit: Audit,
    sought: Option<Hash>,
    head_found: bool,
    /// Faults that no single line shows.
    missing_beginning: u64,
    first_fault: Option<Place>,
    unfinished_bytes: usize,
    told: Vec<Value>,
    told_count: usize,
    /// The newest number that the log says it dropped.
    dropped_upto: Option<u64>,
}

impl Reading {
    fn segment(&mut self, file: &Path, bytes: &[u8]) {
        for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if line.last() != Some(&b'\n') {
                self.unfinished_bytes += line.len();
                continue;
            }
            let seen = self.audit.line(line);
            if let Some(fault) = seen.fault {
                let place = || Place { file: file.to_owned(), line: at + 1, what: fault.to_string() };
                self.first_fault.get_or_insert_with(place);
            }
            if let Some((_, _, entry)) = seen.entry {
                self.head_found |= self.sought == Some(self.audit.chain().head);
                self.told_by_the_box(entry);
            }
        }
    }

    fn told_by_the_box(&mut self, entry: Value) {
        let kind = entry.get("kind").and_then(Value::as_str).unwrap_or_default();
        if !["dropped", "lost", "unreadable"].contains(&kind) {
            return;
        }
        if kind == "dropped" {
            self.dropped_upto = entry.get("last").and_then(Value::as_u64).max(self.dropped_upto);
        }
        self.told_count += 1;
        if self.told.len() < MAX_TOLD {
            self.told.push(entry);
        }
    }

    /// A whole log begins with entry 1, or with the one behind those that it says it dropped.
    fn beginning(&mut self, files: &[PathBuf]) {
        let first = self.audit.first();
        let accounted = first <= 1 || self.dropped_upto.is_some_and(|upto| first <= upto + 1);
        // A damaged first line has been told already.
        if accounted || self.first_fault.as_ref().is_some_and(|fault| fault.line == 1) {
            return;
        }
        self.missing_beginning = 1;
        let what = format!("it begins with entry {first}, and nothing tells of the drop of those before it");
        let file = files.first().cloned().unwrap_or_default();
        self.first_fault = Some(Place { file, line: 1, what });
    }

    fn found(self, files: usize) -> Found {
        let chain = self.audit.chain();
        let faults = self.audit.faults() + self.missing_beginning;
        let head_found = self.sought.map(|_| self.head_found);
        Found {
            whole: faults == 0 && head_found != Some(false) && self.audit.entries() > 0,
            files,
            entries: self.audit.entries(),
            first: self.audit.first(),
            newest: chain.newest,
            head: chain.head,
            faults,
            first_fault: self.first_fault,
            unfinished_bytes: self.unfinished_bytes,
            head_found,
            told: self.told,
            told_count: self.told_count,
        }
    }
}

impl Found {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { entries, first, newest, head, files, faults, .. } = self;
        writeln!(out, "{}", if self.whole { "whole" } else { "NOT WHOLE" })?;
        writeln!(out, "{entries} entries, {first} to {newest}, in {files} files")?;
        writeln!(out, "head {head}")?;
        if let Some(Place { file, line, what }) = &self.first_fault {
            writeln!(out, "{faults} faults; the first: {}, line {line}: {what}", file.display())?;
        }
        if let Some(found) = self.head_found {
            let words = if found { "is in it" } else { "is NOT in it: this is another log, or a cut one" };
            writeln!(out, "the reported hash {words}")?;
        }
        if self.unfinished_bytes > 0 {
            writeln!(out, "{} bytes of an unfinished line", self.unfinished_bytes)?;
        }
        self.told.iter().try_for_each(|entry| writeln!(out, "the box told: {entry}"))?;
        let more = self.told_count - self.told.len();
        if more > 0 { writeln!(out, "and {more} more of the kind") } else { Ok(()) }
    }
}
