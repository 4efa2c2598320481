//! A board and all boards that it inherits from, merged: the nearest word counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::key::Form;
use crate::keys::BOARD;
use crate::section::Section;
use crate::source::{At, Findings, Place, Source, open};
use crate::{Board, CardPort, Effective, Errors, Loaded, Origin, PowerFolders, Problem, Read};

/// `inherit` over `inherit`: deeper than anybody can follow.
const MAX_DEPTH: usize = 8;

/// What the line cards run at unless a board says otherwise.
const BAUD: u32 = 921_600;

/// The board of that name in the folder `dir`, for the daemon.
///
/// # Errors
/// Everything that is wrong with its files.
pub fn load_board(name: &str, dir: &Path, read: Read<'_>) -> Result<Board, Errors> {
    read_board(name, dir, read).map(|loaded| loaded.value)
}

/// The board of that name in the folder `dir`, with where each value comes from.
///
/// # Errors
/// Everything that is wrong with its files.
pub fn read_board(name: &str, dir: &Path, read: Read<'_>) -> Result<Loaded<Board>, Errors> {
    let mut chain: Vec<Part> = Vec::new();
    let mut next = Some(named(name)?);
    while let Some(name) = next.take() {
        let (part, source) = match open(&dir.join(format!("{name}.toml")), read, part) {
            Ok(opened) => opened,
            Err(errors) => return Err(with_heir(errors, chain.pop())),
        };
        let part = Part { name, source, ..part };
        next = part.parent(&chain);
        chain.push(part);
    }
    merge(chain)
}

/// What one file says.
#[derive(Default)]
struct Part {
    name: String,
    source: Source,
    inherit: Option<At<String>>,
    about: Option<At<String>>,
    proven: Option<At<bool>>,
    ports: Vec<(String, At<String>)>,
    device: Option<At<String>>,
    baud: Option<At<u64>>,
    lines: Option<At<u64>>,
    mains: Option<At<String>>,
    battery: Option<At<String>>,
    watchdog: Option<At<String>>,
}

fn part(source: &Source, table: &toml::Spanned<toml::de::DeTable<'_>>) -> Part {
    let file = Section::whole(source, BOARD, table.get_ref());
    let (about, inherit, proven) = (file.text("about"), file.text("inherit"), file.flag("proven"));
    let (ports, card) = (file.names("ports"), file.section("card"));
    let power = file.section("power");
    Part {
        name: String::new(),
        source: Source::default(),
        inherit,
        about,
        proven,
        ports,
        device: card.text("device"),
        baud: card.whole_number("baud"),
        lines: card.whole_number("lines"),
        mains: power.text("mains"),
        battery: power.text("battery"),
        watchdog: file.text("watchdog"),
    }
}

impl Part {
    /// The board to read next; a circle or a chain without end is told.
    fn parent(&self, heirs: &[Self]) -> Option<String> {
        let At { value: parent, place } = self.inherit.as_ref()?;
        let mut line: Vec<&str> = heirs.iter().map(|heir| heir.name.as_str()).collect();
        line.push(&self.name);
        if line.contains(&parent.as_str()) {
            let what = format!("goes in a circle: {} -> {parent}", line.join(" -> "));
            self.source.problem(place, what, "Let one of them stand for itself.");
            return None;
        }
        if line.len() >= MAX_DEPTH {
            let what = format!("is more than {MAX_DEPTH} boards deep: {} -> {parent}", line.join(" -> "));
            self.source.problem(place, what, "Write a board that says these differences itself.");
            return None;
        }
        Some(parent.clone())
    }
}

fn merge(chain: Vec<Part>) -> Result<Loaded<Board>, Errors> {
    let board = merged(&chain);
    let (mut problems, mut warnings, mut effective) = (Vec::new(), Vec::new(), Vec::new());
    for (depth, part) in chain.into_iter().enumerate() {
        let findings: Findings = part.source.into_findings();
        problems.extend(findings.problems);
        warnings.extend(findings.warnings);
        let own = findings.effective.into_iter().filter(|e| depth == 0 || e.origin != Origin::Default);
        inherit(&mut effective, own);
    }
    Errors::unless_none(problems)?;
    let value = board.expect("what is missing is a problem");
    Ok(Loaded { value, effective, warnings })
}

/// What an heir says hides what its parent says of the same key.
fn inherit(effective: &mut Vec<Effective>, parent: impl Iterator<Item = Effective>) {
    for value in parent {
        if !effective.iter().any(|nearer| nearer.key == value.key) {
            effective.push(value);
        }
    }
}

fn merged(chain: &[Part]) -> Option<Board> {
    let own = chain.first()?;
    let ports = ports(chain);
    // Ports that are written and wrong have been told.
    if ports.is_empty() && chain.iter().all(|part| part.source.is_clean()) {
        let place = Place { line: None, key: "ports".into() };
        own.source.problem(&place, "no port is named", "Add [ports] with lines like wan1 = \"eth0\".");
    }
    let watchdog = chain.iter().find_map(|part| part.watchdog.clone());
    Some(Board {
        name: own.name.clone(),
        card: card(chain).ok()?,
        about: own.about.clone()?.value,
        proven: own.proven.clone()?.value,
        ports,
        power: power(chain),
        watchdog: watchdog.map(|at| at.value),
    })
}

fn ports(chain: &[Part]) -> BTreeMap<String, String> {
    let mut ports = BTreeMap::new();
    let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
    for part in chain {
        for (name, interface) in &part.ports {
            if ports.contains_key(name) {
                continue;
            }
            if let Some(holder) = holders.insert(&interface.value, name) {
                let what = format!("{:?} is also the interface of port {holder}", interface.value);
                part.source.problem(&interface.place, what, "Give each port an interface of its own.");
            }
            ports.insert(name.clone(), interface.value.clone());
        }
    }
    ports
}

fn power(chain: &[Part]) -> PowerFolders {
    let nearest = |own: fn(&Part) -> Option<&At<String>>| {
        chain.iter().find_map(own).map(|at| PathBuf::from(at.value.clone()))
    };
    PowerFolders {
        mains: nearest(|part| part.mains.as_ref()),
        battery: nearest(|part| part.battery.as_ref()),
    }
}

/// `Err` when a card is begun and not finished.
fn card(chain: &[Part]) -> Result<Option<CardPort>, ()> {
    let own = &chain[0];
    let device = chain.iter().find_map(|part| part.device.as_ref());
    let baud = chain.iter().find_map(|part| part.baud.as_ref());
    let lines = chain.iter().find_map(|part| part.lines.as_ref());
    let missing = |key: &str, example: &str| {
        let place = Place { line: None, key: format!("card.{key}") };
        own.source.problem(&place, "is missing: a line card needs it", format!("Add {example} to [card]."));
    };
    match (device, lines) {
        (None, None) if baud.is_none() => return Ok(None),
        (Some(device), Some(lines)) => {
            return Ok(Some(CardPort {
                device: device.value.clone(),
                baud: baud.map_or(BAUD, |at| u32::try_from(at.value).expect("bounded by its key")),
                lines: u8::try_from(lines.value).expect("bounded by its key"),
            }));
        }
        (Some(_), None) => missing("lines", "lines = 2"),
        (None, Some(_)) => missing("device", "device = \"/dev/ttyS1\""),
        (None, None) => {
            missing("device", "device = \"/dev/ttyS1\"");
            missing("lines", "lines = 2");
        }
    }
    Err(())
}

fn named(name: &str) -> Result<String, Errors> {
    if Form::BoardName.fits(name) {
        return Ok(name.to_owned());
    }
    let (file, key) = ("--board".to_owned(), String::new());
    let what = format!("{name:?} is not the name of a board: expected {}", Form::BoardName.expected());
    let remedy = "Name a board, not a file.".to_owned();
    Err(Errors::one(Problem { file, line: None, key, what, remedy }))
}

/// A file that cannot be read is easier to understand beside the one that named it.
fn with_heir(errors: Errors, heir: Option<Part>) -> Errors {
    let Some(heir) = heir else { return errors };
    if let Some(At { value, place }) = &heir.inherit {
        let what = format!("the board {value:?} that it inherits from cannot be used");
        heir.source.problem(place, what, "Correct that board, or inherit from another.");
    }
    let mut problems = heir.source.into_findings().problems;
    problems.extend(errors.problems().iter().cloned());
    Errors::unless_none(problems).expect_err("there were errors before")
}
