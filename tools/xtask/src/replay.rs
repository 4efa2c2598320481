//! Starts a replay: a recording from a box goes through the same machines on a desk.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::cargo::{Profile, become_command, build, program};
use crate::install;

/// What is replayed.
#[derive(clap::Args)]
pub(crate) struct ReplayArgs {
    /// The recording, as a box wrote it
    file: PathBuf,
    /// The report as JSON
    #[arg(long)]
    json: bool,
}

/// Builds and becomes `replay FILE`.
pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let file = std::fs::canonicalize(&args.file)
        .with_context(|| format!("cannot find the recording {}", args.file.display()))?;
    ensure!(file.is_file(), "{} is not a file: give the recording itself", file.display());
    install::ensure_compiler()?;
    build(Profile::Dev, &[("e2e", "replay")])?;
    let mut command = Command::new(program(Profile::Dev, "replay")?);
    command.arg(file).args(args.json.then_some("--json"));
    Err(become_command(&mut command))
}
