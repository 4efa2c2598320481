//! Debian packages that a step needs: looked up first, installed only if missing, and said aloud.
//!
//! It never upgrades, never removes, and never starts a service that a package brings along.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::cargo::{need_root, run};

/// Everything that the tests in namespaces and the demo start.
pub(crate) const LAB: &[&str] = &["iproute2", "mosquitto", "nftables"];
/// Decoders that others wrote, and a voice.
pub(crate) const EARS: &[&str] = &["espeak-ng", "libspandsp2", "multimon-ng", "sox"];
/// Everything that any test starts.
pub(crate) const TESTS: &[&str] = &[
    "e2fsprogs",
    "iproute2",
    "libspandsp2",
    "mosquitto",
    "mosquitto-clients",
    "mount",
    "nftables",
    "python3-venv",
    "strace",
    "tshark",
    "util-linux",
];

/// Makes sure that the packages are there.
pub(crate) fn ensure(why: &str, packages: &[&str]) -> Result<()> {
    let missing = missing(packages, is_installed)?;
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing {} for {why} (apt-get, no recommended extras)", missing.join(", "));
    if let Err(error) = need_root("Installing packages") {
        bail!("missing for {why}: {}. {error}", missing.join(", "));
    }
    if run(&mut apt_install(&missing)).is_ok() {
        return Ok(());
    }
    eprintln!("the package lists may be old or empty: updating them once");
    run(apt().arg("update"))?;
    run(&mut apt_install(&missing))
}

/// A C compiler and linker. Rust itself links by `cc`; `ring` is the only C code in the tree.
pub(crate) fn ensure_compiler() -> Result<()> {
    let probe = Command::new("cc").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if probe.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    ensure("the C parts of ring", &["build-essential"])
}

/// Which of the packages are not there, by the given look-up.
fn missing<'a>(packages: &[&'a str], installed: impl Fn(&str) -> Result<bool>) -> Result<Vec<&'a str>> {
    let mut missing = Vec::new();
    for package in packages {
        if !installed(package)? {
            missing.push(*package);
        }
    }
    Ok(missing)
}

fn is_installed(package: &str) -> Result<bool> {
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output();
    match query {
        Ok(output) => Ok(output.stdout == b"installed"),
        Err(error) => bail!(
            "cannot ask dpkg-query for {package}: {error}. These commands are made for Debian 12; on another \
             system install the programs by hand and put a `dpkg-query` that prints `installed` in the PATH"
        ),
    }
}

fn apt_install(packages: &[&str]) -> Command {
    let mut command = apt();
    command.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    command
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-qq", "-o", "DPkg::Lock::Timeout=120"]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // Debian starts a packaged daemon at once. The tests bring up a broker of their own.
    command.env("SYSTEMD_OFFLINE", "1");
    command.stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_named() {
        let installed = |package: &str| Ok(package != "strace");
        assert_eq!(missing(&["nftables", "strace"], installed).unwrap(), ["strace"]);
        assert!(missing(&["nftables"], installed).unwrap().is_empty());
    }

    #[test]
    fn a_look_up_that_fails_is_not_taken_for_installed() {
        assert!(missing(&["nftables"], |_| bail!("no dpkg")).is_err());
    }

    #[test]
    fn apt_never_asks_and_never_adds_recommendations() {
        let command = apt_install(&["strace"]);
        let args: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
        assert!(args.contains(&"--yes".to_owned()) && args.contains(&"--no-install-recommends".to_owned()));
        assert!(
            command.get_envs().any(|(k, v)| k == "DEBIAN_FRONTEND" && v == Some("noninteractive".as_ref()))
        );
    }
}
