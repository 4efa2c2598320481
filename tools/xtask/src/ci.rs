//! Everything that has to hold before a merge. CI runs this and nothing else.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::cargo::{cargo, run as run_command};
use crate::steps::Steps;
use crate::test::{self, TestArgs};
use crate::{install, tidy};

/// How much of it.
#[derive(clap::Args)]
pub(crate) struct CiArgs {
    /// The long forms of the tests too
    #[arg(long)]
    all: bool,
}

/// Runs all steps, also after one failed, so that one run shows everything that is wrong.
pub(crate) fn run(args: &CiArgs) -> Result<ExitCode> {
    let mut steps = Steps::new();
    steps.run("compiler", install::ensure_compiler);
    steps.run("fmt", || run_command(&mut cargo(&["fmt", "--all", "--check"])));
    steps.run("clippy", clippy);
    steps.run("doc", doc);
    steps.run("tidy", || {
        let findings = tidy::check_workspace()?;
        ensure!(findings == 0, "{findings} findings, listed above");
        Ok(())
    });
    test::add_steps(TestArgs::everything(args.all), &mut steps);
    Ok(steps.finish())
}

fn clippy() -> Result<()> {
    let words = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run_command(&mut cargo(&words))
}

fn doc() -> Result<()> {
    let words = ["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    run_command(cargo(&words).env("RUSTDOCFLAGS", "-D warnings"))
}
