//! A file that is being read: its lines, and what was found in it so far.

use core::cell::RefCell;
use core::ops::Range;
use std::io;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use crate::{Effective, Errors, Origin, Problem};

/// Reads a file. The caller passes it in: nothing here touches a disk.
pub type Read<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// No board or site comes near it; a gigabyte given by mistake is refused before it is parsed.
const MAX_FILE: usize = 256 * 1024;

/// More than anybody repairs in one go.
const MAX_PROBLEMS: usize = 100;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: Option<u32>,
    pub(crate) key: String,
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// What was found in a file.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) effective: Vec<Effective>,
}

/// A file with what was found in it so far.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) name: String,
    line_ends: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    effective: RefCell<Vec<Effective>>,
}

impl Source {
    fn new(name: String, text: &str) -> Self {
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { name, line_ends, ..Self::default() }
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, span: &Range<usize>) -> Option<u32> {
        let before = self.line_ends.partition_point(|end| *end < span.start);
        u32::try_from(before + 1).ok()
    }

    /// Something is wrong.
    pub(crate) fn problem(&self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.tell(&self.problems, place, what.into(), remedy.into());
    }

    /// Something is allowed and probably not wanted.
    pub(crate) fn warning(&self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.tell(&self.warnings, place, what.into(), remedy.into());
    }

    fn tell(&self, list: &RefCell<Vec<Problem>>, place: &Place, what: String, remedy: String) {
        let (file, line, key) = (self.name.clone(), place.line, place.key.clone());
        let mut list = list.borrow_mut();
        if list.len() < MAX_PROBLEMS {
            list.push(Problem { file, line, key, what, remedy });
        }
    }

    /// A value holds.
    pub(crate) fn effective(&self, key: String, value: String, origin: Origin) {
        self.effective.borrow_mut().push(Effective { key, value, origin });
    }

    /// Nothing is wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// What was found, when everything is read.
    pub(crate) fn into_findings(self) -> Findings {
        Findings {
            problems: self.problems.into_inner(),
            warnings: self.warnings.into_inner(),
            effective: self.effective.into_inner(),
        }
    }
}

/// Reads and parses a file, then has `understand` make sense of it.
///
/// Mistakes of TOML itself are told all at once, but hide what would be found beyond them.
pub(crate) fn open<T>(
    path: &Path,
    read: Read<'_>,
    understand: impl FnOnce(&Source, &Spanned<DeTable<'_>>) -> T,
) -> Result<(T, Source), Errors> {
    let name = path.display().to_string();
    let text = read_text(path, &name, read)?;
    let source = Source::new(name, &text);
    let (table, mistakes) = DeTable::parse_recoverable(&text);
    for mistake in &mistakes {
        let place = Place { line: mistake.span().and_then(|span| source.line(&span)), key: String::new() };
        let what = format!("this is not TOML: {}", mistake.message().lines().collect::<Vec<_>>().join("; "));
        source.problem(&place, what, "Correct the line; text stands in quotes, sections in [brackets].");
    }
    if !mistakes.is_empty() {
        let problems = source.into_findings().problems;
        return Err(Errors::unless_none(problems).expect_err("each mistake is a problem"));
    }
    let understood = understand(&source, &table);
    Ok((understood, source))
}

fn read_text(path: &Path, name: &str, read: Read<'_>) -> Result<String, Errors> {
    let problem = |what: String, remedy: &str| {
        let (file, key, remedy) = (name.to_owned(), String::new(), remedy.to_owned());
        Errors::one(Problem { file, line: None, key, what, remedy })
    };
    let text = read(path).map_err(|error| {
        let remedies = [
            (io::ErrorKind::NotFound, "Check the path, or write the file."),
            (io::ErrorKind::PermissionDenied, "Let the daemon's user read it."),
            (io::ErrorKind::InvalidData, "Save it as UTF-8."),
        ];
        let remedy = remedies.iter().find(|(kind, _)| *kind == error.kind());
        let remedy = remedy.map_or("See to the disk, then try again.", |(_, remedy)| remedy);
        problem(format!("cannot be read: {error}"), remedy)
    })?;
    if text.len() > MAX_FILE {
        let what = format!("is {} bytes long, more than {MAX_FILE}", text.len());
        return Err(problem(what, "Give the path of a board or site file."));
    }
    Ok(text)
}
