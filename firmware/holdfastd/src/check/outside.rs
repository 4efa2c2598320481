//! What can be seen of the machine without touching it: secrets, devices, interfaces, programs.

mod secrets;

use std::ffi::OsStr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use board_configs::{Board, LineProfile, Loaded, Origin, Problem, Site};

use super::CheckArgs;
use crate::setup::evidence_dir;

/// What was seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// The machine, as far as board and site name it.
pub(super) fn look(board: &Board, site: &Loaded<Site>, arguments: &CheckArgs) -> Seen {
    let mut looking = Looking { site, arguments, seen: Seen::default() };
    looking.secrets_of_mqtt();
    looking.keys_of_stations();
    looking.lines();
    looking.evidence();
    looking.power(board);
    looking.interfaces(Path::new("/sys/class/net"));
    looking.card(board);
    looking.programs(&std::env::var_os("PATH").unwrap_or_default());
    looking.seen
}

/// A problem that names the boards of a folder, if there are any.
pub(super) fn boards_there_are(dir: &Path) -> Option<Problem> {
    let entries = std::fs::read_dir(dir).ok()?;
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let toml = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut names: Vec<String> =
        toml.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).take(64).collect();
    names.sort();
    (!names.is_empty()).then(|| Problem {
        file: dir.display().to_string(),
        line: None,
        key: String::new(),
        what: format!("boards that there are: {}", names.join(", ")),
        remedy: "Name one of them with --board, or another folder with --boards.".to_owned(),
    })
}

struct Looking<'a> {
    site: &'a Loaded<Site>,
    arguments: &'a CheckArgs,
    seen: Seen,
}

impl Looking<'_> {
    fn interfaces(&mut self, class: &Path) {
        let lan = ("lan.port".to_owned(), self.site.value.lan.interface.clone());
        let links = self.site.value.links.iter();
        let links = links.map(|l| (format!("link[{}].port", l.judged.id.number()), l.interface.clone()));
        for (key, interface) in std::iter::once(lan).chain(links).collect::<Vec<_>>() {
            if !class.join(&interface).exists() {
                let what = format!("this machine has no interface {interface}");
                let remedy =
                    "Right for a modem that comes later or on another machine; else correct the board.";
                self.warn(&key, what, remedy);
            }
        }
    }

    fn card(&mut self, board: &Board) {
        let Some(card) = board.card.as_ref().filter(|_| !self.site.value.lines.is_empty()) else { return };
        let there = std::fs::metadata(&card.device);
        let what = match there {
            Ok(meta) if meta.file_type().is_char_device() => return,
            Ok(_) => format!("{} is not a serial device", card.device),
            Err(error) => format!("the line card's {} is not there: {error}", card.device),
        };
        self.warn("line", what, "The daemon waits for it; see to the card, or correct the board.");
    }

    fn lines(&mut self) {
        for (place, line) in self.site.value.lines.iter().enumerate() {
            let what = match line.profile {
                LineProfile::Alarm | LineProfile::Phone => continue,
                LineProfile::Elevator => {
                    "an elevator phone is not served yet: it reaches nobody on this line"
                }
                LineProfile::Fax => "a fax machine is not served yet: it reaches nobody on this line",
            };
            let remedy = "Leave it where it is connected, and remove the section, until Holdfast serves it.";
            self.warn(&format!("line[{}].profile", place + 1), what.to_owned(), remedy);
        }
    }

    fn evidence(&mut self) {
        let dir = evidence_dir(&self.arguments.data_dir);
        if self.site.value.lines.is_empty() || std::fs::metadata(&dir).map_or(true, |meta| meta.is_dir()) {
            return;
        }
        let what = format!("{} is not a folder: no evidence of any alarm could be kept", dir.display());
        self.error("line", what, "Move it away, or give another --data-dir.");
    }

    fn power(&mut self, board: &Board) {
        for (key, folder) in [("power.mains", &board.power.mains), ("power.battery", &board.power.battery)] {
            let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) else { continue };
            let what = format!("this machine has no {}: its failure would not be told", folder.display());
            let file = self.arguments.boards_dir.join(format!("{}.toml", board.name)).display().to_string();
            let remedy = "Right on another machine than the box; else correct the board.".to_owned();
            self.seen.warnings.push(Problem { file, line: None, key: key.to_owned(), what, remedy });
        }
    }

    fn programs(&mut self, path: &OsStr) {
        if !std::env::split_paths(path).any(|folder| folder.join("nft").is_file()) {
            let remedy = "Install nftables, or check with /usr/sbin on the PATH: the daemon does not start without it.";
            self.warn("", "the program nft is not on the PATH".to_owned(), remedy);
        }
    }

    fn error(&mut self, key: &str, what: String, remedy: &str) {
        let problem = self.problem(key, what, remedy);
        self.seen.errors.push(problem);
    }

    fn warn(&mut self, key: &str, what: String, remedy: &str) {
        let problem = self.problem(key, what, remedy);
        self.seen.warnings.push(problem);
    }

    /// At the line that named it.
    fn problem(&self, key: &str, what: String, remedy: &str) -> Problem {
        let named = self.site.effective.iter().find(|value| value.key == key);
        let line = named.and_then(|value| match &value.origin {
            Origin::File { line, .. } => *line,
            Origin::Default | Origin::Derived(_) => None,
        });
        let file = self.arguments.site.display().to_string();
        Problem { file, line, key: key.to_owned(), what, remedy: remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests;
