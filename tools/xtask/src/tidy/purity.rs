//! Floors 0 to 3 and the models are told the time and ask for effects: nothing that could touch the
//! world is linked into them, and their `clippy.toml` bans what the standard library offers for it.

use super::Finding;
use super::floors::floor;
use super::graph::{Crate, Graph, Kind};
use super::tree::Tree;

/// Foreign crates that a pure crate may name.
const ALLOWED: &[&str] =
    &["aes", "cbc", "crc", "heapless", "serde", "serde_json", "sha2", "thiserror", "toml"];

/// What never gets into a pure crate, also not through others.
const WORLDLY: &[&str] = &[
    "async-io",
    "async-std",
    "chrono",
    "crossbeam-channel",
    "getrandom",
    "jiff",
    "libc",
    "mio",
    "netlink-sys",
    "nix",
    "parking_lot",
    "polling",
    "rand",
    "ring",
    "rumqttc",
    "rustix",
    "rustls",
    "serialport",
    "sled",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "tracing",
];

/// The pattern that every pure crate's `clippy.toml` is a copy of.
const PATTERN: &str = "hal/clippy.toml";

/// The rule.
pub(super) fn check(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    graph.ours().filter(|c| is_pure(c)).flat_map(|c| judge(tree, graph, c)).collect()
}

fn is_pure(of: &Crate) -> bool {
    of.name == "hal-sim" || floor(&of.name).is_some_and(|floor| floor <= 3)
}

fn judge(tree: &Tree, graph: &Graph, pure: &Crate) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (used, kind) in graph.direct(pure) {
        let foreign = used.folder.is_none() && kind == Kind::Normal;
        if foreign && !ALLOWED.contains(&used.name.as_str()) {
            findings.push(Finding::new(
                &pure.name,
                format!("is pure and names {}", used.name),
                "If that crate is pure too, add it to ALLOWED in tools/xtask/src/tidy/purity.rs with care.",
            ));
        }
    }
    for linked in graph.linked(pure).into_iter().filter(|c| WORLDLY.contains(&c.name.as_str())) {
        findings.push(Finding::new(
            &pure.name,
            format!("is pure and links {}", linked.name),
            "Leave the world to hal/linux and firmware/ports: take an event, give a command.",
        ));
    }
    findings.extend(judge_clippy(tree, pure));
    findings
}

fn judge_clippy(tree: &Tree, pure: &Crate) -> Option<Finding> {
    let path = format!("{}/clippy.toml", pure.folder.as_deref()?);
    let pattern = tree.file(PATTERN).map(|f| f.text.as_str());
    let own = tree.file(&path).map(|f| f.text.as_str());
    (own.is_none() || own != pattern)
        .then(|| Finding::new(path, format!("is missing or differs from {PATTERN}"), "Copy that file there."))
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    const CLIPPY: &[(&str, &str)] = &[("hal/clippy.toml", "ban"), ("firmware/wan/clippy.toml", "ban")];

    fn findings(files: &[(&str, &str)], uses: &[(&str, Kind)]) -> usize {
        let graph = graph(&[
            ("wan", "firmware/wan", "", uses),
            ("serde", "", "MIT", &[]),
            ("tokio", "", "MIT", &[]),
            ("bytes", "", "MIT", &[]),
            ("proptest", "", "MIT", &[("tokio", Kind::Normal)]),
            ("toml", "", "MIT", &[("tokio", Kind::Normal)]),
        ]);
        check(&tree(files), &graph).len()
    }

    #[test]
    fn a_pure_crate_names_only_what_is_on_the_list() {
        assert_eq!(findings(CLIPPY, &[("serde", Kind::Normal), ("proptest", Kind::Dev)]), 0);
        assert_eq!(findings(CLIPPY, &[("bytes", Kind::Normal)]), 1);
        assert_eq!(findings(CLIPPY, &[("tokio", Kind::Normal)]), 2);
    }

    #[test]
    fn the_world_does_not_come_in_through_others() {
        assert_eq!(findings(CLIPPY, &[("toml", Kind::Normal)]), 1);
    }

    #[test]
    fn a_missing_or_different_clippy_file_is_found() {
        assert_eq!(findings(&CLIPPY[..1], &[]), 1);
        assert_eq!(findings(&[CLIPPY[0], ("firmware/wan/clippy.toml", "")], &[]), 1);
    }
}
