//! Starts a benchmark: built as it is shipped, measured by `holdfast-lab`.
//!
//! A benchmark reports and never fails a build: a missed goal is a row that says so.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::cargo::{Profile, become_command, build, need_root, program};
use crate::install;

/// The programs that are measured or measure, as (package, binary).
const PROGRAMS: &[(&str, &str)] = &[
    ("lab", "holdfast-lab"),
    ("holdfastd", "holdfastd"),
    ("ata-sim", "ata-sim"),
    ("holdfast-noc", "holdfast-noc"),
];

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// Which benchmark
    #[arg(value_parser = ["first-light", "alarm"])]
    name: String,
    /// One JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Fewer runs
    #[arg(long)]
    quick: bool,
}

impl BenchArgs {
    fn words(&self) -> Vec<&str> {
        let flags = [(self.json, "--json"), (self.quick, "--quick")];
        let flags = flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag);
        ["bench", &self.name].into_iter().chain(flags).collect()
    }
}

/// Installs, builds, and becomes `holdfast-lab bench NAME`.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode> {
    need_root("A benchmark")?;
    install::ensure_compiler()?;
    install::ensure("the benchmark", install::LAB)?;
    if args.name == "alarm" {
        install::ensure("the benchmark", install::EARS)?;
    }
    build(Profile::Release, PROGRAMS)?;
    let lab = program(Profile::Release, "holdfast-lab")?;
    Err(become_command(Command::new(lab).args(args.words())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_flags_reach_the_lab() {
        let args = BenchArgs { name: "first-light".into(), json: true, quick: false };
        assert_eq!(args.words(), ["bench", "first-light", "--json"]);
    }
}
