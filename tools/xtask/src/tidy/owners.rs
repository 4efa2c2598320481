//! One owner for each thing: a crate that holds a wire, a store or a socket is imported by exactly
//! one file of the product. And the observer of `tests/` judges the daemon without its code.

use super::Finding;
use super::graph::Graph;
use super::tree::{File, Tree};

/// Imported by exactly one file below the folder: (crate as written in code, folder).
const ONE_FILE: &[(&str, &str)] = &[
    ("sled", "firmware/"),
    ("rumqttc", "firmware/"),
    ("rumqttc", "tools/noc/"),
    ("serialport", "firmware/"),
    ("netlink_packet_core", "hal/"),
    ("netlink_packet_netfilter", "hal/"),
    ("netlink_sys", "hal/"),
];

/// Where the product is; tools and tests are not meant.
const PRODUCT: &[&str] = &["firmware/", "hal/", "board-configs/"];

/// Code that judges the daemon and must not believe it.
const OBSERVER: &str = "tests/src/observer";

/// The rule.
pub(super) fn check(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    let owners = ONE_FILE.iter().filter_map(|(name, folder)| judge_owner(tree, name, folder));
    let strays = ONE_FILE.iter().flat_map(|(name, _)| judge_strays(tree, name));
    owners.chain(strays).chain(judge_observer(tree, graph)).collect()
}

fn judge_owner(tree: &Tree, name: &str, folder: &str) -> Option<Finding> {
    let files = importers(tree, name, folder);
    (files.len() != 1).then(|| {
        let what = format!("{name} is imported by {} files: {}", files.len(), files.join(", "));
        Finding::new(folder, what, "Exactly one file owns it; the others ask that file.")
    })
}

fn judge_strays<'a>(tree: &'a Tree, name: &'a str) -> impl Iterator<Item = Finding> + 'a {
    let owned = move |folder: &str| ONE_FILE.iter().any(|(n, f)| *n == name && folder.starts_with(f));
    let outside = PRODUCT.iter().filter(move |folder| !owned(folder));
    outside.flat_map(move |folder| importers(tree, name, folder)).map(move |file| {
        Finding::new(file, format!("imports {name} outside of its owner's folder"), "Ask the owner.")
    })
}

fn judge_observer<'a>(tree: &'a Tree, graph: &'a Graph) -> impl Iterator<Item = Finding> + 'a {
    let files = tree.ending(".rs").filter(|f| f.path.starts_with(OBSERVER));
    files.flat_map(move |file| {
        let ours = graph.ours().map(|c| c.name.replace('-', "_")).filter(|name| imports(file, name));
        ours.map(|name| {
            let what = format!("the observer imports {name}");
            Finding::new(&file.path, what, "It shares no code with what it judges.")
        })
        .collect::<Vec<_>>()
    })
}

fn importers(tree: &Tree, name: &str, folder: &str) -> Vec<String> {
    let sources = tree.ending(".rs").filter(|f| f.path.starts_with(folder) && f.path.contains("/src/"));
    sources.filter(|f| imports(f, name)).map(|f| f.path.clone()).collect()
}

/// Whether code, not a comment, names a path into the crate.
fn imports(file: &File, name: &str) -> bool {
    let path = format!("{name}::");
    let plain = [format!("use {name};"), format!("use {name} as ")];
    file.lines().map(|(_, line)| line.trim_start()).filter(|line| !line.starts_with("//")).any(|line| {
        let code = line.split(" // ").next().unwrap_or(line);
        let starts = code.match_indices(&path).map(|(at, _)| code[..at].chars().next_back());
        let mut own =
            starts.map(|before| before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':'));
        own.any(|own| own) || plain.iter().any(|p| code.contains(p))
    })
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn owner(files: &[(&str, &str)]) -> Option<Finding> {
        judge_owner(&tree(files), "sled", "firmware/")
    }

    #[test]
    fn one_importing_file_is_right_none_or_two_are_not() {
        let store = ("firmware/ports/src/store.rs", "use sled::Db;\n");
        assert_eq!(owner(&[store]), None);
        assert!(owner(&[]).is_some());
        assert!(owner(&[store, ("firmware/ports/src/mqtt.rs", "fn a(db: &sled::Db) {}\n")]).is_some());
    }

    #[test]
    fn comments_tests_and_other_names_import_nothing() {
        let store = ("firmware/ports/src/store.rs", "use sled as s;\n");
        let harmless = "//! sled::Db is elsewhere\n/// sled::Db\nuse bobsled::Db;\nuse own::sled::Db;\n";
        assert_eq!(owner(&[store, ("firmware/ports/src/lib.rs", harmless)]), None);
        assert_eq!(owner(&[store, ("firmware/ports/tests/a.rs", "use sled::Db;")]), None);
    }

    #[test]
    fn an_import_in_another_part_of_the_product_is_found() {
        let tree = tree(&[("hal/linux/src/lib.rs", "use sled::Db;")]);
        assert_eq!(judge_strays(&tree, "sled").count(), 1);
    }

    #[test]
    fn an_observer_that_believes_the_daemon_is_found() {
        let graph = graph(&[("noc-messages", "firmware/noc-messages", "", &[])]);
        let blind = tree(&[("tests/src/observer/routes.rs", "use serde_json::Value;")]);
        let seeing = tree(&[("tests/src/observer/routes.rs", "use noc_messages::Record;")]);
        assert_eq!(judge_observer(&blind, &graph).count(), 0);
        assert_eq!(judge_observer(&seeing, &graph).count(), 1);
    }
}
