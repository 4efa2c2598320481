//! Runs the tests: unit and simulation first, the real programs in namespaces last.

use std::process::ExitCode;

use anyhow::Result;

use crate::cargo::{cargo, need_root, run as run_command};
use crate::install;
use crate::peers;
use crate::steps::Steps;

/// One scenario at a time: each runs five programs and judges times, and CI has two cores.
const SCENARIO_THREADS: &str = "--test-threads=1";

/// Which tests.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct TestArgs {
    /// Unit tests only: no root, no packages, no namespaces
    #[arg(long, conflicts_with = "all")]
    fast: bool,
    /// The long forms too: more cuts, more kills, more flaps
    #[arg(long)]
    all: bool,
}

impl TestArgs {
    /// What has to hold before a merge.
    pub(crate) const fn everything(all: bool) -> Self {
        Self { fast: false, all }
    }
}

/// Runs and reports; a failure of any step is a failure.
pub(crate) fn run(args: &TestArgs) -> Result<ExitCode> {
    let mut steps = Steps::new();
    add_steps(*args, &mut steps);
    Ok(steps.finish())
}

/// The steps, also for `ci`.
pub(crate) fn add_steps(args: TestArgs, steps: &mut Steps) {
    let prepared = steps.run("prepare", || prepare(args));
    if !prepared {
        return;
    }
    for step in plan(args) {
        let held = steps.run(step.name, || {
            let mut command = cargo(&step.words);
            command.envs(args.all.then_some(("HOLDFAST_TEST_ALL", "1")));
            run_command(&mut command)
        });
        if !held && step.needed_by_the_rest {
            break;
        }
    }
}

fn prepare(args: TestArgs) -> Result<()> {
    install::ensure_compiler()?;
    if args.fast {
        return Ok(());
    }
    need_root("Everything but `cargo xtask test --fast`")?;
    install::ensure("the tests", install::TESTS)?;
    peers::ensure()
}

struct Step {
    name: &'static str,
    words: Vec<&'static str>,
    needed_by_the_rest: bool,
}

fn plan(args: TestArgs) -> Vec<Step> {
    let step = |name, words: &[&'static str]| Step { name, words: words.to_vec(), needed_by_the_rest: false };
    let needed = |name, words: &[&'static str]| Step { needed_by_the_rest: true, ..step(name, words) };
    let crates = ["test", "--locked", "--workspace", "--exclude", "e2e", "--no-fail-fast"];
    if args.fast {
        return vec![step("unit tests", &[&crates[..], &["--lib", "--bins"]].concat())];
    }
    vec![
        needed("build programs", &["build", "--locked", "--workspace", "--bins"]),
        needed("build tests", &["test", "--locked", "--workspace", "--no-run"]),
        step("unit and integration tests", &crates),
        step("namespaces", &["test", "--locked", "-p", "e2e", "--no-fail-fast", "--", SCENARIO_THREADS]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(args: TestArgs) -> Vec<String> {
        plan(args).iter().map(|s| s.words.join(" ")).collect()
    }

    #[test]
    fn together_the_steps_run_every_package() {
        let lines = lines(TestArgs::default());
        assert!(lines.iter().any(|l| l.contains("--workspace --exclude e2e")), "{lines:?}");
        assert!(lines.iter().any(|l| l.contains("test --locked -p e2e")), "{lines:?}");
    }

    #[test]
    fn programs_are_built_before_scenarios_start_them() {
        let lines = lines(TestArgs::default());
        let built = lines.iter().position(|l| l.starts_with("build")).unwrap();
        let started = lines.iter().position(|l| l.contains("-p e2e")).unwrap();
        assert!(built < started);
    }

    #[test]
    fn fast_runs_nothing_that_needs_root() {
        let lines = lines(TestArgs { fast: true, all: false });
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("--exclude e2e") && lines[0].contains("--lib --bins"));
    }
}
