//! A crate is linked in one version. Exceptions are kept in `duplicates.toml` with the reason, and
//! an exception that is no longer needed has to go.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Finding;
use super::graph::Graph;
use super::tree::Tree;

/// The kept list.
const KEPT: &str = "tools/xtask/duplicates.toml";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    kept: Vec<Kept>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    name: String,
    /// All versions there are, major and minor, for example `0.26`.
    versions: Vec<String>,
    why: String,
}

/// The rule.
pub(super) fn check(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    let list = match read(tree) {
        Ok(list) => list,
        Err(finding) => return vec![finding],
    };
    let there = duplicates(graph);
    let unkept = there.iter().filter(|(name, versions)| !list.kept.iter().any(|k| k.is(name, versions)));
    let unkept = unkept.map(|(name, versions)| {
        let what = format!("is linked in {} versions: {}", versions.len(), versions.join(", "));
        Finding::new(*name, what, "Agree on one, or keep it with the reason in tools/xtask/duplicates.toml.")
    });
    let stale = list.kept.iter().filter(|k| !there.iter().any(|(name, versions)| k.is(name, versions)));
    let stale =
        stale.map(|k| Finding::new(KEPT, format!("keeps {}, which is not so", k.name), "Take it out."));
    let silent = list.kept.iter().filter(|k| k.why.trim().is_empty());
    let silent = silent.map(|k| Finding::new(KEPT, format!("keeps {} without a reason", k.name), "Say why."));
    unkept.chain(stale).chain(silent).collect()
}

fn read(tree: &Tree) -> Result<List, Finding> {
    let Some(file) = tree.file(KEPT) else { return Ok(List::default()) };
    toml::from_str(&file.text).map_err(|error| Finding::new(KEPT, error.message(), "Correct the file."))
}

impl Kept {
    fn is(&self, name: &str, versions: &[String]) -> bool {
        let covered = |v: &String| self.versions.iter().any(|k| v == k || v.starts_with(&format!("{k}.")));
        self.name == name && self.versions.len() == versions.len() && versions.iter().all(covered)
    }
}

fn duplicates(graph: &Graph) -> BTreeMap<&str, Vec<String>> {
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for of in graph.foreign() {
        versions.entry(&of.name).or_default().push(of.version.clone());
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn findings(kept: &str, ids: &[&str]) -> usize {
        let crates: Vec<_> = ids.iter().map(|id| (*id, "", "MIT", &[] as &[_])).collect();
        check(&tree(&[(KEPT, kept)]), &graph(&crates)).len()
    }

    const NIX: &str = "[[kept]]\nname = 'nix'\nversions = ['0.26', '0.31']\nwhy = 'serialport'\n";

    #[test]
    fn a_second_version_is_found_unless_it_is_kept() {
        assert_eq!(findings("", &["nix 0.31.3"]), 0);
        assert_eq!(findings("", &["nix 0.31.3", "nix 0.26.4"]), 1);
        assert_eq!(findings(NIX, &["nix 0.31.3", "nix 0.26.4"]), 0);
    }

    #[test]
    fn a_third_version_is_found_although_two_are_kept() {
        assert_eq!(findings(NIX, &["nix 0.31.3", "nix 0.26.4", "nix 0.29.0"]), 2);
    }

    #[test]
    fn an_exception_that_is_not_needed_or_not_explained_is_found() {
        assert_eq!(findings(NIX, &["nix 0.31.3"]), 1);
        assert_eq!(findings(&NIX.replace("serialport", " "), &["nix 0.31.3", "nix 0.26.4"]), 1);
        assert_eq!(findings("kept = 3", &[]), 1);
    }
}
