//! Peers of the tests that Debian does not package: pinned, in a Python environment below `target`.
//!
//! It never touches the system's own Python.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::cargo::{root, run};

/// A receiving centre of DC-09 that nobody here wrote.
const PYSIAALARM: &str = "pysiaalarm==3.2.2";

/// Makes sure that the peers are there.
pub(crate) fn ensure() -> Result<()> {
    let folder = root().join("target/peers");
    let python = folder.join("bin/python");
    if has(&python, PYSIAALARM) {
        return Ok(());
    }
    eprintln!("installing {PYSIAALARM} for the tests into {} (pip)", folder.display());
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("no Python environment for the peers of the tests: is python3-venv there?")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYSIAALARM];
    run(Command::new(&python).args(pip)).context("pip could not install the peers of the tests")
}

/// Whether the environment holds `NAME==VERSION`.
fn has(python: &Path, pinned: &str) -> bool {
    let question = "import importlib.metadata, sys; n, v = sys.argv[1].split('=='); \
                    sys.exit(importlib.metadata.version(n) != v)";
    let answer = Command::new(python).args(["-c", question, pinned]).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_is_missing_or_holds_something_else_is_not_taken() {
        assert!(!has(Path::new("/nonexistent/bin/python"), PYSIAALARM));
        assert!(!has(Path::new("python3"), "no-such-package==1.0"));
    }
}
