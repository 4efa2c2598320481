//! The crates that are linked on the box's platform, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cargo::{self, cargo, output};

/// What is linked on other systems is nobody's business here.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// All crates in the dependency graph.
pub(super) struct Graph {
    /// Ours and foreign ones.
    pub(super) crates: Vec<Crate>,
}

/// One version of one crate.
#[derive(Clone, Debug)]
pub(super) struct Crate {
    /// Its name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// SPDX expression.
    pub(super) licence: Option<String>,
    /// Its folder from the root; `None` for foreign crates.
    pub(super) folder: Option<String>,
    /// What it uses, as places in [`Graph::crates`].
    pub(super) uses: Vec<(usize, Kind)>,
}

/// How a crate is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Linked.
    Normal,
    /// By its build script.
    Build,
    /// By its tests.
    Dev,
}

impl Graph {
    /// The graph of this workspace.
    pub(super) fn of_workspace() -> Result<Self> {
        let words = ["metadata", "--format-version=1", "--locked", "--filter-platform", PLATFORM];
        let text = output(&mut cargo(&words))?;
        let metadata: Metadata =
            serde_json::from_str(&text).context("`cargo metadata` answered in a format we do not know")?;
        let root = std::fs::canonicalize(cargo::root()).context("cannot find the workspace's root")?;
        metadata.graph(&root)
    }

    /// Our own crates.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Crate> {
        self.crates.iter().filter(|c| c.folder.is_some())
    }

    /// Foreign crates.
    pub(super) fn foreign(&self) -> impl Iterator<Item = &Crate> {
        self.crates.iter().filter(|c| c.folder.is_none())
    }

    /// What a crate names in its manifest.
    pub(super) fn direct<'a>(&'a self, of: &'a Crate) -> impl Iterator<Item = (&'a Crate, Kind)> {
        of.uses.iter().map(|(index, kind)| (&self.crates[*index], *kind))
    }

    /// Everything that is linked with a crate, itself left out.
    pub(super) fn linked(&self, with: &Crate) -> Vec<&Crate> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Crate> = vec![with];
        while let Some(next) = open.pop() {
            for (index, _) in next.uses.iter().filter(|(_, kind)| *kind == Kind::Normal) {
                if seen.insert(*index) {
                    open.push(&self.crates[*index]);
                }
            }
        }
        seen.into_iter().map(|index| &self.crates[index]).collect()
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: std::path::PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDep>,
}

#[derive(Deserialize)]
struct NodeDep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Deserialize)]
struct DepKind {
    kind: Option<String>,
}

impl Metadata {
    fn graph(self, root: &Path) -> Result<Graph> {
        let in_graph: BTreeSet<&str> = self.resolve.nodes.iter().map(|n| n.id.as_str()).collect();
        let packages: Vec<&Package> =
            self.packages.iter().filter(|p| in_graph.contains(p.id.as_str())).collect();
        let places: BTreeMap<&str, usize> =
            packages.iter().enumerate().map(|(i, p)| (p.id.as_str(), i)).collect();
        let mut crates: Vec<Crate> = packages.iter().map(|p| p.to_crate(root)).collect();
        for node in &self.resolve.nodes {
            let place = *places.get(node.id.as_str()).context("cargo metadata: a node without package")?;
            crates[place].uses = node.uses(&places)?;
        }
        Ok(Graph { crates })
    }
}

impl Package {
    fn to_crate(&self, root: &Path) -> Crate {
        let folder = self.manifest_path.parent().and_then(|f| f.strip_prefix(root).ok());
        let ours = folder.filter(|_| self.source.is_none());
        Crate {
            name: self.name.clone(),
            version: self.version.clone(),
            licence: self.license.clone(),
            folder: ours.map(|f| f.to_string_lossy().into_owned()),
            uses: Vec::new(),
        }
    }
}

impl Node {
    fn uses(&self, places: &BTreeMap<&str, usize>) -> Result<Vec<(usize, Kind)>> {
        let mut uses = Vec::new();
        for dep in &self.deps {
            let place = *places.get(dep.pkg.as_str()).context("cargo metadata: an edge without package")?;
            uses.extend(dep.dep_kinds.iter().map(|k| (place, Kind::parse(k.kind.as_deref()))));
        }
        uses.sort_unstable();
        uses.dedup();
        Ok(uses)
    }
}

impl Kind {
    fn parse(word: Option<&str>) -> Self {
        match word {
            Some("dev") => Self::Dev,
            Some("build") => Self::Build,
            _ => Self::Normal,
        }
    }
}

/// A crate for tests: `name version`, folder or "", licence or "", edges by name.
#[cfg(test)]
pub(super) type Sketch<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, Kind)]);

/// A graph for tests.
#[cfg(test)]
pub(super) fn graph(crates: &[Sketch<'_>]) -> Graph {
    let name = |text: &str| text.split(' ').next().unwrap_or(text).to_owned();
    let place =
        |wanted: &str| crates.iter().position(|c| name(c.0) == wanted).expect("a crate of this graph");
    let crates = crates.iter().map(|(id, folder, licence, uses)| Crate {
        name: name(id),
        version: id.split(' ').nth(1).unwrap_or("0.1.0").to_owned(),
        licence: (!licence.is_empty()).then(|| (*licence).to_owned()),
        folder: (!folder.is_empty()).then(|| (*folder).to_owned()),
        uses: uses.iter().map(|(to, kind)| (place(to), *kind)).collect(),
    });
    Graph { crates: crates.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_knows_its_own_crates_and_what_they_use() {
        let graph = Graph::of_workspace().unwrap();
        let wan = graph.ours().find(|c| c.name == "wan").unwrap();
        assert_eq!(wan.folder.as_deref(), Some("firmware/wan"));
        assert!(graph.direct(wan).any(|(c, kind)| c.name == "hal" && kind == Kind::Normal));
        assert!(graph.foreign().any(|c| c.name == "serde" && c.licence.is_some()));
    }

    #[test]
    fn what_is_linked_through_others_is_seen_and_what_only_tests_use_is_not() {
        let graph = graph(&[
            ("a", "a", "", &[("b", Kind::Normal), ("t", Kind::Dev)]),
            ("b", "b", "", &[("tokio", Kind::Normal)]),
            ("tokio", "", "MIT", &[]),
            ("t", "", "MIT", &[]),
        ]);
        let linked: Vec<_> = graph.linked(&graph.crates[0]).iter().map(|c| c.name.as_str()).collect();
        assert_eq!(linked, ["b", "tokio"]);
    }
}
