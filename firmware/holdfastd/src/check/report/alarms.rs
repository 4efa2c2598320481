//! Lines and stations, for people and for programs: what a panel can rely on, and what it cannot.

use std::fmt::Write as _;
use std::path::Path;

use board_configs::{KeyEncoding, LineConfig, LineProfile, Site, StationSettings, spell_time};
use serde_json::{Value, json};

use super::MONTH;
use crate::setup::evidence_dir;

/// For people.
pub(super) fn text(text: &mut String, site: &Site, data_dir: &Path) {
    for line in &site.lines {
        line_text(text, line);
    }
    for (place, station) in site.stations.iter().enumerate() {
        station_text(text, place + 1, station, site);
    }
    if site.stations.is_empty() {
        text.push_str("Station none: no alarm panel can be connected\n");
        return;
    }
    let test = site.test_every.map_or("never".to_owned(), |every| format!("every {}", spell_time(every)));
    let _ = writeln!(text, "        the box's own test (E602): {test}");
    let _ = writeln!(text, "Evidence in {}", evidence_dir(data_dir).display());
}

/// For programs.
pub(super) fn json(site: &Site) -> Value {
    let lines = site.lines.iter().map(|line| {
        json!({
            "line": line.line, "profile": line.profile.word(), "name": line.name, "served": is_served(line.profile),
            "withdraw_after_s": line.withdraw_after.map(|after| after.as_secs()),
        })
    });
    let stations = site.stations.iter().map(|station| {
        json!({
            "name": station.name, "address": station.address, "transport": station.transport.word(),
            "account": station.account, "encrypted": station.key.is_some(),
            "supervision_s": station.supervision.as_secs(),
        })
    });
    json!({
        "lines": lines.collect::<Vec<_>>(),
        "stations": stations.collect::<Vec<_>>(),
        "test_every_s": site.test_every.map(|every| every.as_secs()),
    })
}

/// Whether what hangs on such a line reaches anybody.
const fn is_served(profile: LineProfile) -> bool {
    match profile {
        LineProfile::Alarm | LineProfile::Phone => true,
        LineProfile::Elevator | LineProfile::Fax => false,
    }
}

fn line_text(text: &mut String, line: &LineConfig) {
    let voltage = match (line.profile, line.withdraw_after) {
        (LineProfile::Alarm, Some(after)) => format!("no voltage after {} without a path", spell_time(after)),
        (LineProfile::Alarm, None) => "VOLTAGE STAYS when nothing can be reported".to_owned(),
        (LineProfile::Phone, _) => "dial tone and reorder only".to_owned(),
        (LineProfile::Elevator | LineProfile::Fax, _) => "NOT SERVED YET".to_owned(),
    };
    let _ = writeln!(text, "Line {}  {}, {}; {voltage}", line.line.0, line.profile.word(), line.name);
}

fn station_text(text: &mut String, number: usize, station: &StationSettings, site: &Site) {
    let protection = match &station.key {
        Some(key) => match key.encoding {
            KeyEncoding::Hex => "encrypted, key in hexadecimal",
            KeyEncoding::Ascii => "encrypted, key of plain characters",
        },
        None => "IN CLEAR",
    };
    let StationSettings { name, address, account, receiver, prefix, .. } = station;
    let transport = station.transport.word();
    let _ = writeln!(text, "Station {number}  {name} at {address} by {transport}, {protection}");
    let _ = writeln!(
        text,
        "        account {account}, R{receiver:X} L{prefix:X}; a sign of life every {}",
        spell_time(station.supervision)
    );
    let megabytes = station.supervision_bytes(MONTH) as f64 / 1e6;
    for link in site.links.iter().filter(|link| link.judged.metered) {
        let name = &link.judged.name;
        let _ = writeln!(text, "        signs of life on metered {name} take {megabytes:.1} MB a month");
    }
}
