//! A site file, against its board.

use std::path::Path;

use noc_messages::SiteId;
use toml::Spanned;
use toml::de::DeTable;

use super::lines::lines;
use super::links::links;
use super::mqtt::mqtt;
use super::ports::Ports;
use super::stations::{stations, test_every};
use super::timing::timing;
use crate::keys::SITE;
use crate::section::Section;
use crate::source::{Source, open};
use crate::{Board, Errors, Insecure, Lan, Loaded, Read, Site, SpoolConfig};

/// The site of the file at `path`, for the daemon.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load_site(path: &Path, board: &Board, read: Read<'_>) -> Result<Site, Errors> {
    read_site(path, board, read).map(|loaded| loaded.value)
}

/// The site of the file at `path`, with where each value comes from.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn read_site(path: &Path, board: &Board, read: Read<'_>) -> Result<Loaded<Site>, Errors> {
    let (site, source) = open(path, read, |source, table| site(source, table, path, board))?;
    let findings = source.into_findings();
    Errors::unless_none(findings.problems)?;
    let value = site.expect("what is missing is a problem");
    Ok(Loaded { value, effective: findings.effective, warnings: findings.warnings })
}

fn site(source: &Source, table: &Spanned<DeTable<'_>>, path: &Path, board: &Board) -> Option<Site> {
    let file = Section::whole(source, SITE, table.get_ref());
    let mut ports = Ports::of(board);
    let name = file.text("site");
    let centres = file.sections("station");
    let insecure = insecure(&file, &centres);
    let lan = lan(&file, &mut ports);
    let links = links(&file, &mut ports);
    let timing = timing(&file.section("timing"));
    let lines = lines(&file, board);
    let stations = stations(&file, &centres, path, &insecure, &links);
    let test_every = test_every(&file);
    let mqtt = mqtt(&file, path, &insecure);
    let spool = spool(&file.section("spool"));
    let site: SiteId = name?.value.parse().expect("the key has this form");
    Some(Site {
        site,
        lan: lan?,
        links,
        timing: timing?,
        lines,
        stations,
        test_every,
        mqtt,
        spool: spool?,
        insecure,
    })
}

fn lan(file: &Section<'_>, ports: &mut Ports<'_>) -> Option<Lan> {
    if !file.has("lan") {
        file.problem("lan", "is missing", "Add [lan] with port = \"lan\".");
        return None;
    }
    ports.take(&file.section("lan")).map(|interface| Lan { interface })
}

fn insecure(file: &Section<'_>, stations: &[Section<'_>]) -> Vec<Insecure> {
    let mut taken_off = Vec::new();
    for word in file.words("insecure") {
        let insecure = Insecure::ALL.into_iter().find(|insecure| insecure.word() == word.value);
        let insecure = insecure.expect("the key has these words and no others");
        let protects_nothing = match insecure {
            Insecure::MqttWithoutTls => !file.has("mqtt"),
            Insecure::Dc09Clear => stations.iter().all(|station| station.has("key")),
        };
        if taken_off.contains(&insecure) || protects_nothing {
            let what = format!("{:?} takes off nothing here", word.value);
            file.problem_at(&word.place, what, "Remove the word.");
        }
        taken_off.push(insecure);
    }
    taken_off
}

fn spool(section: &Section<'_>) -> Option<SpoolConfig> {
    let (records, bytes) = (section.whole_number("records"), section.size("bytes"));
    let metrics = section.whole_number("metrics");
    let metrics = usize::try_from(metrics?.value).expect("bounded by its key");
    Some(SpoolConfig { records: records?.value, bytes: bytes?.value, metrics })
}
