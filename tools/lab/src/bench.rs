//! Benchmarks: what the branch costs in time, bytes and memory, beside the barest thing that could do
//! the same, measured in the same run on the same machine.
//!
//! A benchmark reports; it fails only if it could not measure.

mod bare;
mod failover;
mod footprint;
mod replace;
mod report;

use std::process::ExitCode;

use anyhow::Result;

use report::Report;

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// Which benchmark
    #[arg(value_parser = ["first-light"])]
    // The only one so far; clap refuses others.
    #[allow(dead_code)]
    name: String,
    /// One JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Fewer runs
    #[arg(long)]
    quick: bool,
}

/// How often and how long things are measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Failovers of each kind.
    failovers: usize,
    /// Route replaces.
    replaces: usize,
    /// Seconds of idling.
    idle_s: u64,
}

impl Effort {
    const FULL: Self = Self { failovers: 30, replaces: 2000, idle_s: 30 };
    const QUICK: Self = Self { failovers: 5, replaces: 200, idle_s: 5 };
}

/// Measures and prints.
pub(crate) fn run(arguments: &BenchArgs) -> Result<ExitCode> {
    lab::require_root()?;
    lab::tear_down_on_signals()?;
    let effort = if arguments.quick { Effort::QUICK } else { Effort::FULL };
    let mut rows = vec![replace::measure(effort)?];
    rows.extend(footprint::measure(effort)?);
    rows.extend(failover::measure(effort)?);
    let report = Report { bench: "first-light", rows };
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("\n{}", report.table());
    }
    Ok(ExitCode::SUCCESS)
}

/// What is being measured, for whoever waits; standard output is for the result.
fn say(what: &str) {
    eprintln!("bench: {what}");
}
