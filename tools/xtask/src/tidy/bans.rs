//! Crates that are never linked, each with its reason.

use super::Finding;
use super::graph::{Crate, Graph};
use super::tree::Tree;

/// A name ending in `*` stands for all that begin so; a version for all that begin so.
const BANNED: &[(&str, &str, &str)] = &[
    ("openssl*", "", "A C library to patch on every box: rustls does TLS here."),
    ("native-tls", "", "Pulls in openssl: rustls does TLS here."),
    ("aws-lc*", "", "A large C build with cmake: rustls uses ring here."),
    ("libudev*", "", "A C library: serialport is used without it."),
    ("libdbus*", "", "A C library."),
    ("rustls-webpki", "0.10.", "Known holes (RUSTSEC-2026-0049 and others): 0.103 is clean."),
    ("rustls-webpki", "0.101.", "Known holes: 0.103 is clean."),
    ("rustls-webpki", "0.102.", "Known holes (RUSTSEC-2026-0049 and others): 0.103 is clean."),
    ("rustls-pemfile", "", "Unmaintained (RUSTSEC-2025-0134): rustls-pki-types reads PEM."),
    ("atomic-polyfill", "", "Unmaintained (RUSTSEC-2023-0089): heapless 0.9 needs it no more."),
    (
        "rtnetlink",
        "",
        "Its rule replace makes duplicates and it wants tokio: hal/linux speaks netlink itself.",
    ),
    ("reqwest", "", "An HTTP client that binds to no link: use one over our own sockets."),
    ("surge-ping", "", "Sets no mark: hal/linux has the probe sockets."),
    ("rustables", "", "GPL."),
    ("async-std", "", "Unmaintained: tokio is the one runtime."),
    ("serde_yaml", "", "Unmaintained: TOML for people, JSON for machines."),
    ("failure", "", "Unmaintained: thiserror and anyhow."),
];

/// The rule.
pub(super) fn check(_: &Tree, graph: &Graph) -> Vec<Finding> {
    graph.foreign().filter_map(judge).collect()
}

fn judge(of: &Crate) -> Option<Finding> {
    let named = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => of.name.starts_with(start),
        None => of.name == pattern,
    };
    let (_, _, why) =
        BANNED.iter().find(|(name, version, _)| named(name) && of.version.starts_with(version))?;
    Some(Finding::new(format!("{} {}", of.name, of.version), "is banned", why))
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn is_found(id: &str) -> bool {
        !check(&tree(&[]), &graph(&[(id, "", "MIT", &[])])).is_empty()
    }

    #[test]
    fn banned_names_and_banned_versions_are_found() {
        for id in ["openssl-sys 0.9.1", "aws-lc-rs 1.0.0", "rustls-webpki 0.102.8", "rustls-pemfile 2.0.0"] {
            assert!(is_found(id), "{id}");
        }
    }

    #[test]
    fn their_clean_neighbours_are_not() {
        for id in ["rustls-webpki 0.103.17", "rustls 0.23.1", "open 1.0.0"] {
            assert!(!is_found(id), "{id}");
        }
    }
}
