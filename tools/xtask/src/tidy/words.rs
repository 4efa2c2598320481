//! Words that must not stand in the tree: hosts of package registries (a mirror is chosen by whoever
//! builds, not by a file), and tests that are switched off.

use super::Finding;
use super::graph::Graph;
use super::tree::{File, Tree};

/// Written in parts, so that this file does not hold them itself.
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("proxy.go", "lang.org"),
    concat!("ruby", "gems.org"),
];

/// Cargo writes the registry's address there itself.
const MAY_NAME_HOSTS: &[&str] = &["Cargo.lock"];

/// The rule.
pub(super) fn check(tree: &Tree, _: &Graph) -> Vec<Finding> {
    tree.files.iter().flat_map(judge).collect()
}

fn judge(file: &File) -> Vec<Finding> {
    let lines = file.lines().flat_map(|(number, line)| {
        let host = HOSTS.iter().find(|host| line.contains(**host)).filter(|_| may_not_name_hosts(file));
        let host = host.map(|host| {
            let what = format!("names the package registry {host}");
            Finding::new(file.at(number), what, "Registries are configured outside of the tree.")
        });
        let off = file.path.ends_with(".rs") && line.trim_start().starts_with(concat!("#[", "ignore"));
        let off = off.then(|| {
            Finding::new(file.at(number), "switches a test off", "Repair it, bound it, or take it out.")
        });
        host.into_iter().chain(off)
    });
    lines.collect()
}

fn may_not_name_hosts(file: &File) -> bool {
    !MAY_NAME_HOSTS.iter().any(|name| file.path.ends_with(name))
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        check(&tree(&[(path, text)]), &graph(&[])).into_iter().map(|f| f.place).collect()
    }

    #[test]
    fn a_registry_host_is_found_except_in_the_lock_file() {
        let text = format!("ok\nsee https://{}/x\n", HOSTS[0]);
        assert_eq!(places("README.md", &text), ["README.md:2"]);
        assert!(places("Cargo.lock", &text).is_empty());
    }

    #[test]
    fn a_test_that_is_switched_off_is_found() {
        let text = format!("#[test]\n    {}]\nfn a() {{}}\n", concat!("#[", "ignore"));
        assert_eq!(places("hal/src/lib.rs", &text), ["hal/src/lib.rs:2"]);
        assert!(places("hal/src/lib.rs", "// a line that will ignore nothing\n").is_empty());
    }
}
