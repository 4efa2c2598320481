//! The kernel settings without which the routing would lie. Each is read back after it was written.
//!
//! Settings of the whole box are written once; settings of a WAN interface each time the interface
//! appears, because a new interface starts with the kernel's defaults. What is right already is not
//! written: to touch forwarding resets other settings.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// A setting cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SysctlError {
    /// Cannot be read.
    #[error("{path}: cannot be read: {source}; mount /proc and build the kernel with this setting")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Cannot be written.
    #[error("{path}: cannot be set to \"{wanted}\": {source}; run as root with a writable /proc/sys")]
    Write {
        /// The file.
        path: PathBuf,
        /// The value.
        wanted: String,
        /// Why.
        source: io::Error,
    },
    /// Was written and is something else.
    #[error("{path}: is \"{found}\" after it was set to \"{wanted}\"; something else sets it: turn that off")]
    Stubborn {
        /// The file.
        path: PathBuf,
        /// The value.
        wanted: String,
        /// What is there.
        found: String,
    },
}

/// The tree of settings; `/proc/sys` but in tests.
#[derive(Clone, Debug)]
pub struct Sysctls {
    root: PathBuf,
}

impl Default for Sysctls {
    fn default() -> Self {
        Self::at(Path::new("/proc/sys"))
    }
}

impl Sysctls {
    /// A tree somewhere else.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Forwarding in both families, echo sockets for the group of this process, and TCP of the box that
    /// finds its way through a PMTU black hole (RFC 4821). Returns what had to be changed.
    ///
    /// To be called behind [`Self::prepare_wan`]: where `accept_ra` is not yet 2, turning IPv6
    /// forwarding on makes the kernel forget the routers that it heard of.
    pub fn prepare_router(&self) -> Result<Vec<String>, SysctlError> {
        let mut changed = Changed::default();
        changed.note(self.set("net/ipv4/ip_forward", "1")?);
        if self.has_v6() {
            changed.note(self.set("net/ipv6/conf/all/forwarding", "1")?);
        }
        if self.root.join(MTU_PROBING).is_file() {
            changed.note(self.set(MTU_PROBING, "1")?);
        }
        changed.note(self.open_echo_sockets(nix::unistd::getegid().as_raw())?);
        Ok(changed.0)
    }

    /// An interface that leads to a provider. Returns what had to be changed; an interface that is
    /// not there has nothing to be changed.
    pub fn prepare_wan(&self, interface: &str) -> Result<Vec<String>, SysctlError> {
        let mut changed = Changed::default();
        for (family, name, value) in WAN_SETTINGS {
            let path = format!("net/{family}/conf/{interface}/{name}");
            if self.root.join(format!("net/{family}/conf/{interface}")).is_dir() {
                changed.note(self.set(&path, value)?);
            }
        }
        Ok(changed.0)
    }

    fn has_v6(&self) -> bool {
        self.root.join("net/ipv6/conf/all").is_dir()
    }

    /// The kernel's default is the empty range, which keeps even root out.
    fn open_echo_sockets(&self, group: u32) -> Result<Option<String>, SysctlError> {
        const NAME: &str = "net/ipv4/ping_group_range";
        let wanted = group_range(&self.get(NAME)?, group);
        self.set(NAME, &wanted)
    }

    fn get(&self, name: &str) -> Result<String, SysctlError> {
        let path = self.root.join(name);
        let text = fs::read_to_string(&path).map_err(|source| SysctlError::Read { path, source })?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// `Some` words if it had to be changed.
    fn set(&self, name: &str, wanted: &str) -> Result<Option<String>, SysctlError> {
        let before = self.get(name)?;
        if before == wanted {
            return Ok(None);
        }
        let path = self.root.join(name);
        let wanted = wanted.to_owned();
        if let Err(source) = fs::write(&path, &wanted) {
            return Err(SysctlError::Write { path, wanted, source });
        }
        let found = self.get(name)?;
        if found == wanted {
            Ok(Some(format!("{name} from {before} to {wanted}")))
        } else {
            Err(SysctlError::Stubborn { path, wanted, found })
        }
    }
}

/// 1: only once a black hole is suspected.
const MTU_PROBING: &str = "net/ipv4/tcp_mtu_probing";

/// Family, name, value.
const WAN_SETTINGS: [(&str, &str, &str); 5] = [
    // Loose: strict mode drops replies to probes on a link that carries no traffic. The kernel
    // takes the larger of this and `all`, and 2 is the largest.
    ("ipv4", "rp_filter", "2"),
    ("ipv4", "src_valid_mark", "1"),
    // The standby default takes over in the kernel when carrier is lost, even without the daemon.
    ("ipv4", "ignore_routes_with_linkdown", "1"),
    ("ipv6", "ignore_routes_with_linkdown", "1"),
    // A router that still listens to its provider's router.
    ("ipv6", "accept_ra", "2"),
];

#[derive(Default)]
struct Changed(Vec<String>);

impl Changed {
    fn note(&mut self, words: Option<String>) {
        self.0.extend(words);
    }
}

/// The smallest range that holds what was allowed and `group`.
fn group_range(current: &str, group: u32) -> String {
    let mut bounds = current.split(' ').map(str::parse::<u32>);
    match (bounds.next(), bounds.next()) {
        (Some(Ok(low)), Some(Ok(high))) if low <= high => {
            format!("{} {}", low.min(group), high.max(group))
        }
        _ => format!("{group} {group}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Sysctls) {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value).unwrap();
        }
        let sysctls = Sysctls::at(folder.path());
        (folder, sysctls)
    }

    #[test]
    fn the_group_range_is_widened_never_narrowed() {
        let table = [
            ("1 0", 0, "0 0"),
            ("1 0", 7, "7 7"),
            ("0 2147483647", 7, "0 2147483647"),
            ("100 200", 7, "7 200"),
            ("100 200", 300, "100 300"),
            ("", 5, "5 5"),
        ];
        for (current, group, expected) in table {
            assert_eq!(group_range(current, group), expected, "{current:?} {group}");
        }
    }

    #[test]
    fn what_is_right_already_is_not_written() {
        let (folder, sysctls) =
            tree(&[("net/ipv4/ip_forward", "1\n"), ("net/ipv4/ping_group_range", "0\t2147483647\n")]);

        assert_eq!(sysctls.prepare_router().unwrap(), Vec::<String>::new());
        let untouched = fs::read_to_string(folder.path().join("net/ipv4/ip_forward")).unwrap();
        assert_eq!(untouched, "1\n");
    }

    #[test]
    fn the_box_probes_for_the_mtu_where_the_kernel_can() {
        let (folder, sysctls) =
            tree(&[("net/ipv4/ip_forward", "1"), ("net/ipv4/ping_group_range", "0 0"), (MTU_PROBING, "0")]);

        sysctls.prepare_router().unwrap();

        assert_eq!(fs::read_to_string(folder.path().join(MTU_PROBING)).unwrap(), "1");
    }

    #[test]
    fn a_wan_interface_gets_its_settings_and_says_what_changed() {
        let (_folder, sysctls) = tree(&[
            ("net/ipv4/conf/eth0.5/rp_filter", "1"),
            ("net/ipv4/conf/eth0.5/src_valid_mark", "1"),
            ("net/ipv4/conf/eth0.5/ignore_routes_with_linkdown", "0"),
        ]);

        let changed = sysctls.prepare_wan("eth0.5").unwrap();

        assert_eq!(
            changed,
            [
                "net/ipv4/conf/eth0.5/rp_filter from 1 to 2",
                "net/ipv4/conf/eth0.5/ignore_routes_with_linkdown from 0 to 1"
            ]
        );
        assert_eq!(sysctls.prepare_wan("gone0").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_missing_setting_is_named_with_its_file() {
        let (_folder, sysctls) = tree(&[]);
        let error = sysctls.prepare_router().unwrap_err().to_string();
        assert!(error.contains("net/ipv4/ip_forward: cannot be read"), "{error}");
    }
}
