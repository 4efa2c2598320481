//! A crate imports only lower floors (design, section 2). The table below is that section as data.
//!
//! A new crate that is missing here is a finding: its place has to be decided, not guessed.

use super::Finding;
use super::graph::{Crate, Graph, Kind};
use super::tree::Tree;

/// Every crate of ours with its floor, lowest first.
pub(super) const FLOORS: &[(u8, &[&str])] = &[
    (0, &["hal", "ata-wire"]),
    (1, &["noc-messages", "panel-wire", "station-wire", "dsp", "evidence"]),
    (2, &["wan", "line", "station", "voice", "outbox", "health", "requests", "linecard"]),
    (3, &["appliance", "board-configs"]),
    (4, &["hal-linux", "hal-sim", "ports"]),
    (5, &["holdfastd", "peers"]),
    (
        TOOLS,
        &["ata-sim", "e2e", "fuzz-targets", "holdfast", "holdfast-flash", "holdfast-noc", "lab", "xtask"],
    ),
];

/// Tests and tools: their own tests may use one another.
const TOOLS: u8 = 6;

/// Edges within a floor that are wanted, with the reason.
const SIDEWAYS: &[(&str, &str, &str)] = &[
    ("ports", "hal-linux", "the port of the network is made of the Linux side of hal"),
    ("e2e", "lab", "scenarios are played in the lab's namespaces"),
];

/// Upward edges of tests that are wanted, with the reason.
const TESTS_UPWARD: &[(&str, &str, &str)] = &[
    ("appliance", "hal-sim", "the models of links and cards are sans-IO"),
    ("wan", "hal-sim", "the models of links are sans-IO"),
];

/// The rule.
pub(super) fn check(_: &Tree, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for from in graph.ours() {
        if floor(&from.name).is_none() {
            findings.push(Finding::new(
                &from.name,
                "stands on no floor",
                "Give it its place in FLOORS in tools/xtask/src/tidy/floors.rs.",
            ));
        }
        findings.extend(graph.direct(from).filter_map(|(to, kind)| judge(from, to, kind)));
    }
    findings
}

/// The floor of one of our crates.
pub(super) fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, crates)| crates.contains(&name)).map(|(floor, _)| *floor)
}

fn judge(from: &Crate, to: &Crate, kind: Kind) -> Option<Finding> {
    to.folder.as_ref()?;
    let (from_floor, to_floor) = (floor(&from.name)?, floor(&to.name)?);
    let kept = |list: &[(&str, &str, &str)]| list.iter().any(|(f, t, _)| *f == from.name && *t == to.name);
    let allowed = match kind {
        Kind::Dev => to_floor < from_floor || from_floor == TOOLS || kept(SIDEWAYS) || kept(TESTS_UPWARD),
        Kind::Normal | Kind::Build => to_floor < from_floor || kept(SIDEWAYS),
    };
    (!allowed).then(|| {
        Finding::new(
            format!("{} (floor {from_floor})", from.name),
            format!("imports {} (floor {to_floor})", to.name),
            "A crate imports only lower floors: move the shared type down or pass a value.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn findings(from: &str, to: &str, kind: Kind) -> usize {
        let graph = graph(&[(from, from, "", &[(to, kind)]), (to, to, "", &[])]);
        check(&tree(&[]), &graph).len()
    }

    #[test]
    fn an_upward_edge_is_found_and_a_downward_edge_is_not() {
        assert_eq!(findings("appliance", "wan", Kind::Normal), 0);
        assert_eq!(findings("wan", "appliance", Kind::Normal), 1);
        assert_eq!(findings("hal", "noc-messages", Kind::Build), 1);
    }

    #[test]
    fn machines_are_blind_to_each_other() {
        assert_eq!(findings("wan", "outbox", Kind::Normal), 1);
        assert_eq!(findings("health", "wan", Kind::Normal), 1);
        assert_eq!(findings("wan", "outbox", Kind::Dev), 1);
    }

    #[test]
    fn kept_edges_are_kept_only_as_they_were_meant() {
        assert_eq!(findings("ports", "hal-linux", Kind::Normal), 0);
        assert_eq!(findings("hal-linux", "ports", Kind::Normal), 1);
        assert_eq!(findings("appliance", "hal-sim", Kind::Dev), 0);
        assert_eq!(findings("appliance", "hal-sim", Kind::Normal), 1);
        assert_eq!(findings("ports", "ata-sim", Kind::Dev), 1);
        assert_eq!(findings("ata-sim", "ports", Kind::Dev), 0);
    }

    #[test]
    fn a_crate_without_a_floor_is_found() {
        let graph = graph(&[("newcomer", "firmware/newcomer", "", &[])]);
        assert_eq!(check(&tree(&[]), &graph).len(), 1);
    }
}
