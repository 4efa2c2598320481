//! Starts the demo: what it needs is installed and built here, the play itself is in `tools/lab`.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::cargo::{Profile, become_command, build, need_root, program};
use crate::install;

/// The programs that the demo starts, as (package, binary).
const PROGRAMS: &[(&str, &str)] = &[
    ("lab", "holdfast-lab"),
    ("holdfastd", "holdfastd"),
    ("holdfast", "holdfast"),
    ("ata-sim", "ata-sim"),
    ("holdfast-noc", "holdfast-noc"),
];

/// How the demo is played.
#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// Leave the branch up afterwards and take commands: `cut a`, `blackhole b`, `status`
    #[arg(long)]
    keep: bool,
    /// One JSON object for each step and one at the end
    #[arg(long)]
    json: bool,
    /// A time that was missed fails the demo, not only a behaviour
    #[arg(long)]
    strict: bool,
    /// Redraw a live view of the links and flows
    #[arg(long)]
    live: bool,
}

impl DemoArgs {
    fn flags(&self) -> Vec<&'static str> {
        let all =
            [(self.keep, "--keep"), (self.json, "--json"), (self.strict, "--strict"), (self.live, "--live")];
        all.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag).collect()
    }
}

/// Installs, builds, and becomes `holdfast-lab demo`.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode> {
    need_root("The demo")?;
    install::ensure_compiler()?;
    install::ensure("the demo", install::LAB)?;
    build(Profile::Dev, PROGRAMS)?;
    let lab = program(Profile::Dev, "holdfast-lab")?;
    Err(become_command(Command::new(lab).arg("demo").args(args.flags())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_that_were_given_are_passed_on() {
        let args = DemoArgs { keep: true, json: false, strict: true, live: false };
        assert_eq!(args.flags(), ["--keep", "--strict"]);
    }
}
