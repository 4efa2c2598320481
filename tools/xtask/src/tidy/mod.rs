//! What neither compiler nor linter checks: who may stand on whom, how large a file may grow, what
//! may be linked, and that documents say what is there.
//!
//! Each rule is a pure function from [`Tree`] and [`Graph`] to findings, with a test that shows that
//! it can fail. Nothing here changes a file.

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use crate::cargo;

mod advisories;
mod bans;
mod documents;
mod duplicates;
mod floors;
mod graph;
mod licences;
mod owners;
mod purity;
mod sizes;
mod tree;
mod words;

use graph::Graph;
use tree::Tree;

/// Something that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// File, line or crate.
    place: String,
    /// What is wrong.
    what: String,
    /// What to do about it.
    remedy: &'static str,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>, remedy: &'static str) -> Self {
        Self { place: place.into(), what: what.into(), remedy }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.place, self.what, self.remedy)
    }
}

type Rule = fn(&Tree, &Graph) -> Vec<Finding>;

/// All rules by name.
const RULES: &[(&str, Rule)] = &[
    ("floors", floors::check),
    ("purity", purity::check),
    ("owners", owners::check),
    ("sizes", sizes::check),
    ("words", words::check),
    ("documents", documents::check),
    ("licences", licences::check),
    ("bans", bans::check),
    ("duplicates", duplicates::check),
    ("advisories", advisories::check),
];

/// Checks the workspace; success only without a finding.
pub(crate) fn run() -> Result<ExitCode> {
    let findings = check_workspace()?;
    Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks the workspace, prints what was found, and says how much it was.
pub(crate) fn check_workspace() -> Result<usize> {
    let tree = Tree::read(cargo::root())?;
    let graph = Graph::of_workspace()?;
    let mut total = 0;
    for (name, rule) in RULES {
        let mut findings = rule(&tree, &graph);
        findings.sort();
        for finding in &findings {
            eprintln!("tidy {name}: {finding}");
        }
        total += findings.len();
    }
    eprintln!(
        "tidy: {} rules, {} files, {} crates, {total} findings",
        RULES.len(),
        tree.files.len(),
        graph.crates.len()
    );
    Ok(total)
}
