//! What `check` found, for people and for programs.

mod alarms;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use board_configs::{Board, Effective, Loaded, Problem, Site, WanLink};
use hal::Family;
use serde_json::{Value, json};

use super::Findings;

/// Design, section 10: said wherever somebody decides to rely on the box.
const NOT_CERTIFIED: &str = "Not listed or certified (UL 864/1610, EN 50136, EN 81-28, ASME A17.1). Do not make \
    Holdfast the only path of a required fire alarm or elevator phone without the authority having jurisdiction. \
    An LED in a cupboard is not the indicator that a standard asks for.";

/// An echo request and its answer on the wire, bytes, per family.
const ECHO_PAIR: [(Family, u64); 2] = [(Family::V4, 88), (Family::V6, 128)];

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// For people.
pub(super) fn text(findings: &Findings) -> String {
    let mut text = String::new();
    if let Some(board) = &findings.board {
        board_text(&mut text, &board.value);
    }
    if let Some(site) = &findings.site {
        site_text(&mut text, site, findings.board.as_ref().map(|board| &board.value), &findings.data_dir);
        values(&mut text, &site.effective);
    }
    problems(&mut text, "Warnings", &findings.warnings);
    problems(&mut text, "Errors", &findings.errors);
    let _ = writeln!(text, "\n{NOT_CERTIFIED}\n");
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let errors = match findings.errors.len() {
        0 => "No errors".to_owned(),
        n => count(n, "error"),
    };
    let _ = writeln!(text, "{errors}, {}.", count(findings.warnings.len(), "warning"));
    text
}

/// For programs.
pub(super) fn json(findings: &Findings) -> String {
    let board = findings.board.as_ref().map(|board| {
        let value = &board.value;
        json!({
            "name": value.name, "about": value.about, "proven": value.proven,
            "ports": value.ports, "effective": effective(&board.effective),
        })
    });
    let report = json!({
        "ok": findings.errors.is_empty(),
        "board": board,
        "site": findings.site.as_ref().map(site_json),
        "errors": findings.errors,
        "warnings": findings.warnings,
        "not_certified": NOT_CERTIFIED,
    });
    format!("{report:#}\n")
}

fn board_text(text: &mut String, board: &Board) {
    let proven = if board.proven { "proven on hardware" } else { "NOT PROVEN on hardware" };
    let _ = writeln!(text, "Board   {} ({proven})\n        {}", board.name, board.about);
    if let Some(card) = &board.card {
        let _ =
            writeln!(text, "        line card on {}, {} baud, {} lines", card.device, card.baud, card.lines);
    }
}

fn site_text(text: &mut String, site: &Loaded<Site>, board: Option<&Board>, data_dir: &Path) {
    let site = &site.value;
    let port = |interface: &str| {
        let port = board.and_then(|b| b.ports.iter().find(|(_, i)| *i == interface));
        port.map_or_else(|| interface.to_owned(), |(port, _)| format!("{port} ({interface})"))
    };
    let _ = writeln!(text, "Site    {}", site.site);
    let _ = writeln!(text, "LAN     {}", port(&site.lan.interface));
    for link in &site.links {
        link_text(text, link, &port(&link.interface), site.timing.probe_metered);
    }
    alarms::text(text, site, data_dir);
    match &site.mqtt {
        Some(mqtt) => {
            let tls = if mqtt.key.is_some() { "mutual TLS" } else { "IN CLEAR" };
            let _ = writeln!(text, "Broker  {} port {}, {tls}", mqtt.host, mqtt.port);
        }
        None => text.push_str("Broker  none\n"),
    }
    for word in &site.insecure {
        let _ = writeln!(text, "INSECURE by the site file: {}", word.word());
    }
}

fn link_text(text: &mut String, link: &WanLink, port: &str, probe_metered: Duration) {
    let judged = &link.judged;
    let families = Family::BOTH.into_iter().filter(|family| judged.targets_of(*family).next().is_some());
    let families = families.map(|family| family.to_string()).collect::<Vec<_>>().join(" and ");
    let number = judged.id.number();
    let _ =
        writeln!(text, "Link {number}  {} on {port}, preference {}, {families}", judged.name, judged.rank);
    let targets = judged.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "        {} of a family's targets must answer: {targets}", judged.quorum);
    if judged.metered {
        let megabytes = standby_bytes(link, probe_metered) as f64 / 1e6;
        let _ = writeln!(text, "        metered: probes on standby take {megabytes:.1} MB a month");
    }
}

/// What a month of probing a metered link on standby takes, bytes.
fn standby_bytes(link: &WanLink, every: Duration) -> u64 {
    let rounds = MONTH.as_secs() * 1_000 / u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1);
    let round = |(family, pair): (Family, u64)| link.judged.targets_of(family).count() as u64 * pair;
    rounds * ECHO_PAIR.into_iter().map(round).sum::<u64>()
}

fn values(text: &mut String, effective: &[Effective]) {
    let width = effective.iter().map(|value| value.key.len()).max().unwrap_or(0);
    text.push_str("\nValues and who said so\n");
    for Effective { key, value, origin } in effective {
        let _ = writeln!(text, "  {key:width$}  {value}  ({origin})");
    }
}

fn problems(text: &mut String, title: &str, problems: &[Problem]) {
    if problems.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for problem in problems {
        let _ = writeln!(text, "  {problem}");
    }
}

fn site_json(site: &Loaded<Site>) -> Value {
    let value = &site.value;
    let links = value.links.iter().map(|link| {
        let judged = &link.judged;
        json!({
            "id": judged.id, "name": judged.name, "interface": link.interface, "preference": judged.rank,
            "metered": judged.metered, "gateway4": link.gateway4, "gateway6": link.gateway6,
            "targets": judged.targets, "quorum": judged.quorum,
        })
    });
    json!({
        "name": value.site,
        "lan": value.lan.interface,
        "links": links.collect::<Vec<_>>(),
        "alarms": alarms::json(value),
        "broker": value.mqtt.as_ref().map(|mqtt| json!({ "host": mqtt.host, "port": mqtt.port, "tls": mqtt.key.is_some() })),
        "insecure": value.insecure.iter().map(|word| word.word()).collect::<Vec<_>>(),
        "effective": effective(&site.effective),
    })
}

fn effective(values: &[Effective]) -> Vec<Value> {
    let value = |v: &Effective| json!({ "key": v.key, "value": v.value, "origin": v.origin.to_string() });
    values.iter().map(value).collect()
}
