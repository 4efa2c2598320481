//! Everything that is linked may be shipped with the box: an SPDX expression has to hold by the list.

use super::Finding;
use super::graph::{Crate, Graph};
use super::tree::Tree;

/// Licences that ask for no more than a notice.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// File-level copyleft that is met by using the crate unchanged.
const ALLOWED_FOR: &[(&str, &str)] = &[("serialport", "MPL-2.0")];

/// What our own crates say.
const OURS: &str = "MIT OR Apache-2.0";

/// The rule.
pub(super) fn check(_: &Tree, graph: &Graph) -> Vec<Finding> {
    graph.crates.iter().filter_map(judge).collect()
}

fn judge(of: &Crate) -> Option<Finding> {
    let licence = of.licence.as_deref().unwrap_or("no licence");
    let ours = of.folder.is_some();
    let holds = if ours { licence == OURS } else { allows(&of.name, licence) };
    let remedy = if ours {
        "Say `license.workspace = true` in its manifest."
    } else {
        "Use another crate, or have its licence judged and added to tools/xtask/src/tidy/licences.rs."
    };
    (!holds)
        .then(|| Finding::new(format!("{} {}", of.name, of.version), format!("is under {licence}"), remedy))
}

fn allows(name: &str, expression: &str) -> bool {
    let old_style = expression.replace('/', " OR ");
    let spaced = old_style.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, name };
    let holds = reader.any_of();
    holds && reader.words.is_empty()
}

/// SPDX: `WITH` binds closest, then `AND`, then `OR`.
struct Reader<'a> {
    words: &'a [&'a str],
    name: &'a str,
}

impl Reader<'_> {
    fn any_of(&mut self) -> bool {
        let mut holds = self.all_of();
        while self.take("OR") {
            holds |= self.all_of();
        }
        holds
    }

    fn all_of(&mut self) -> bool {
        let mut holds = self.one();
        while self.take("AND") {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let holds = self.any_of();
            return self.take(")") && holds;
        }
        let Some((licence, rest)) = self.words.split_first() else { return false };
        self.words = rest;
        if self.take("WITH") {
            let Some((exception, rest)) = self.words.split_first() else { return false };
            self.words = rest;
            return ALLOWED.contains(&format!("{licence} WITH {exception}").as_str());
        }
        ALLOWED.contains(licence) || ALLOWED_FOR.contains(&(self.name, licence))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    #[test]
    fn expressions_hold_as_spdx_means_them() {
        let table = [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("Apache-2.0 / MIT", true),
            ("Unlicense/MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-2.0", false),
            ("GPL-2.0 OR MIT AND ISC", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("GPL-2.0 WITH Classpath-exception-2.0", false),
            ("", false),
            ("(MIT", false),
            ("MIT Apache-2.0", false),
        ];
        for (expression, holds) in table {
            assert_eq!(allows("x", expression), holds, "{expression}");
        }
    }

    #[test]
    fn copyleft_by_file_is_for_serialport_alone() {
        assert!(allows("serialport", "MPL-2.0"));
        assert!(!allows("other", "MPL-2.0"));
    }

    #[test]
    fn a_crate_without_licence_and_one_of_ours_under_another_are_found() {
        let graph = graph(&[
            ("silent", "", "", &[]),
            ("good", "", "MIT", &[]),
            ("ours", "hal", "MIT", &[]),
            ("fine", "hal/sim", OURS, &[]),
        ]);
        let places: Vec<_> = check(&tree(&[]), &graph).into_iter().map(|f| f.place).collect();
        assert_eq!(places, ["silent 0.1.0", "ours 0.1.0"]);
    }
}
