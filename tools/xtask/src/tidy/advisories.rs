//! Known advisories in the graph: `advisories.toml` says of each what it is, why it can be lived
//! with, and when to look again. It is a hand-kept list: nothing here asks a database, so a machine
//! without network judges as one with it. An entry whose crate has gone has to go too.

use serde::Deserialize;

use super::Finding;
use super::graph::Graph;
use super::tree::Tree;

/// The kept list.
const KEPT: &str = "tools/xtask/advisories.toml";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    accepted: Vec<Accepted>,
    #[serde(default)]
    refused: Vec<Refused>,
}

/// An advisory that we live with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    id: String,
    name: String,
    version: String,
    what: String,
    why: String,
    revisit: String,
}

/// A version with a hole that must not come back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    id: String,
    name: String,
    /// The first clean version; every older one is refused.
    below: String,
}

/// The rule.
pub(super) fn check(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    let Some(file) = tree.file(KEPT) else {
        return vec![Finding::new(KEPT, "is missing", "It lists the advisories that are accepted, if any.")];
    };
    match toml::from_str::<List>(&file.text) {
        Err(error) => vec![Finding::new(KEPT, error.message(), "Correct the file.")],
        Ok(list) => {
            let accepted = list.accepted.iter().filter_map(|a| a.judge(graph));
            accepted.chain(list.refused.iter().flat_map(|r| r.judge(graph))).collect()
        }
    }
}

impl Accepted {
    fn judge(&self, graph: &Graph) -> Option<Finding> {
        let complete = [&self.id, &self.what, &self.why, &self.revisit].iter().all(|t| !t.trim().is_empty());
        let there = graph.foreign().any(|c| c.name == self.name && c.version.starts_with(&self.version));
        let what = format!("{}: {} {}", self.id, self.name, self.version);
        if !there {
            return Some(Finding::new(KEPT, format!("{what} is not in the graph"), "Take the entry out."));
        }
        (!complete)
            .then(|| Finding::new(KEPT, format!("{what} lacks a reason"), "Fill in what, why, revisit."))
    }
}

impl Refused {
    fn judge<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = Finding> + 'a {
        let same = graph.foreign().filter(|c| c.name == self.name);
        same.filter(|c| numbers(&c.version) < numbers(&self.below)).map(|c| {
            let what = format!("has {}: clean from {}", self.id, self.below);
            Finding::new(format!("{} {}", c.name, c.version), what, "Run `cargo update` for it.")
        })
    }
}

fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap_or(version);
    release.split('.').map(|n| n.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn findings(list: &str, id: &str) -> usize {
        check(&tree(&[(KEPT, list)]), &graph(&[(id, "", "MIT", &[])])).len()
    }

    const FXHASH: &str = "[[accepted]]\nid = 'R-1'\nname = 'fxhash'\nversion = '0.2.1'\nwhat = 'unmaintained'\n\
                          why = 'by sled'\nrevisit = 'with the store'\n";
    const RING: &str = "[[refused]]\nid = 'R-2'\nname = 'ring'\nbelow = '0.17.12'\n";

    #[test]
    fn an_accepted_entry_holds_only_while_its_crate_is_there() {
        assert_eq!(findings(FXHASH, "fxhash 0.2.1"), 0);
        assert_eq!(findings(FXHASH, "fxhash 0.3.0"), 1);
        assert_eq!(findings(FXHASH, "other 0.2.1"), 1);
    }

    #[test]
    fn an_entry_without_a_reason_is_found() {
        assert_eq!(findings(&FXHASH.replace("by sled", ""), "fxhash 0.2.1"), 1);
    }

    #[test]
    fn a_version_with_a_hole_is_found_by_number_and_not_by_letter() {
        assert_eq!(findings(RING, "ring 0.17.9"), 1);
        assert_eq!(findings(RING, "ring 0.17.12"), 0);
        assert_eq!(findings(RING, "ring 0.18.0"), 0);
    }

    #[test]
    fn a_list_that_is_missing_or_broken_is_found() {
        assert_eq!(check(&tree(&[]), &graph(&[])).len(), 1);
        assert_eq!(findings("accepted = 1", "x 1.0.0"), 1);
    }
}
