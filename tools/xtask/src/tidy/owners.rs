//! One owner for each thing: a crate that holds a wire, a store or a socket is imported by exactly
//! one file of the product. And what judges the daemon in `tests/` does so without its code.

use super::Finding;
use super::graph::Graph;
use super::tree::{File, Tree};
use OwnedBy::{Family, One};

/// Who owns what.
const OWNERS: &[Owner] = &[
    Owner { name: "sled", folder: "firmware/", owned_by: One },
    Owner { name: "rumqttc", folder: "firmware/", owned_by: One },
    Owner { name: "rumqttc", folder: "tools/noc/", owned_by: One },
    Owner { name: "serialport", folder: "firmware/", owned_by: One },
    Owner { name: "netlink_packet_core", folder: "hal/", owned_by: Family("hal/linux/src/netlink") },
    Owner { name: "netlink_packet_route", folder: "hal/", owned_by: Family("hal/linux/src/netlink") },
    Owner { name: "netlink_sys", folder: "hal/", owned_by: Family("hal/linux/src/netlink") },
    Owner { name: "netlink_packet_netfilter", folder: "hal/", owned_by: Family("hal/linux/src/netlink") },
];

struct Owner {
    /// The crate as code writes it.
    name: &'static str,
    /// Where its owner is.
    folder: &'static str,
    owned_by: OwnedBy,
}

enum OwnedBy {
    /// Exactly one file.
    One,
    /// A module and those below it, by the beginning of their paths.
    Family(&'static str),
}

/// Where the product is; tools and tests are not meant.
const PRODUCT: &[&str] = &["firmware/", "hal/", "board-configs/"];

/// Code that judges the daemon and must not believe it.
const JUDGES: &[&str] = &["tests/src/observer", "tests/src/strict_station"];

/// The rule.
pub(super) fn check(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    let owners = OWNERS.iter().filter_map(|owner| owner.judge(tree));
    let strays = OWNERS.iter().flat_map(|owner| judge_strays(tree, owner));
    owners.chain(strays).chain(judge_the_judges(tree, graph)).collect()
}

impl Owner {
    fn judge(&self, tree: &Tree) -> Option<Finding> {
        let files = importers(tree, self.name, self.folder);
        let holds = match self.owned_by {
            One => files.len() == 1,
            Family(start) => !files.is_empty() && files.iter().all(|f| f.starts_with(start)),
        };
        let what = || format!("{} is imported by {} files: {}", self.name, files.len(), files.join(", "));
        (!holds)
            .then(|| Finding::new(self.folder, what(), "Exactly one file or module owns it: ask that one."))
    }
}

fn judge_strays(tree: &Tree, owner: &Owner) -> Vec<Finding> {
    let owned = |folder: &str| OWNERS.iter().any(|o| o.name == owner.name && folder.starts_with(o.folder));
    let outside = PRODUCT.iter().filter(|folder| !owned(folder));
    let strays = outside.flat_map(|folder| importers(tree, owner.name, folder));
    let what = format!("imports {} outside of its owner's folder", owner.name);
    strays.map(|file| Finding::new(file, what.clone(), "Ask the owner.")).collect()
}

fn judge_the_judges<'a>(tree: &'a Tree, graph: &'a Graph) -> impl Iterator<Item = Finding> + 'a {
    let files = tree.ending(".rs").filter(|f| JUDGES.iter().any(|judge| f.path.starts_with(judge)));
    files.flat_map(move |file| {
        let ours = graph.ours().map(|c| c.name.replace('-', "_")).filter(|name| imports(file, name));
        ours.map(|name| {
            let what = format!("what judges the daemon imports {name}");
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
        Owner { name: "sled", folder: "firmware/", owned_by: One }.judge(&tree(files))
    }

    #[test]
    fn a_family_of_modules_shares_and_the_file_next_to_it_does_not() {
        let owner = Owner { name: "netlink_sys", folder: "hal/", owned_by: Family("hal/linux/src/netlink") };
        let family = [
            ("hal/linux/src/netlink.rs", "use netlink_sys::Socket;"),
            ("hal/linux/src/netlink/error.rs", "use netlink_sys::Socket;"),
        ];
        assert_eq!(owner.judge(&tree(&family)), None);
        assert!(owner.judge(&tree(&[])).is_some());
        assert!(owner.judge(&tree(&[family[0], ("hal/linux/src/ping.rs", family[0].1)])).is_some());
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
        assert_eq!(judge_strays(&tree, &OWNERS[0]).len(), 1);
    }

    #[test]
    fn a_judge_that_believes_the_daemon_is_found() {
        let graph = graph(&[("noc-messages", "firmware/noc-messages", "", &[])]);
        let blind = tree(&[("tests/src/observer/routes.rs", "use serde_json::Value;")]);
        let seeing = tree(&[("tests/src/observer/routes.rs", "use noc_messages::Record;")]);
        assert_eq!(judge_the_judges(&blind, &graph).count(), 0);
        assert_eq!(judge_the_judges(&seeing, &graph).count(), 1);
        let station = tree(&[("tests/src/strict_station/frame.rs", "use noc_messages::Record;")]);
        assert_eq!(judge_the_judges(&station, &graph).count(), 1);
    }
}
