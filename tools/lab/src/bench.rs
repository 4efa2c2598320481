//! Benchmarks: what the branch costs in time, bytes and memory, beside the barest thing that could do
//! the same, measured in the same run on the same machine.
//!
//! A benchmark reports; it fails only if it could not measure.

mod alarm;
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
    #[arg(value_enum)]
    name: Bench,
    /// One JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Fewer runs
    #[arg(long)]
    quick: bool,
}

/// The benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Bench {
    /// Links: failover, route replaces, footprint
    FirstLight,
    /// Lines: digits beside other decoders, what listening costs, last digit to station
    Alarm,
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
    /// Times that the same sound is listened to.
    listens: usize,
    /// Signals over paths that work.
    signals: usize,
    /// Signals whose path dies.
    dying: usize,
    /// Seconds of open lines.
    load_s: u64,
}

impl Effort {
    const FULL: Self =
        Self { failovers: 30, replaces: 2000, idle_s: 30, listens: 15, signals: 30, dying: 30, load_s: 10 };
    const QUICK: Self =
        Self { failovers: 5, replaces: 200, idle_s: 5, listens: 3, signals: 5, dying: 2, load_s: 5 };
}

/// Measures and prints.
pub(crate) fn run(arguments: &BenchArgs) -> Result<ExitCode> {
    let effort = if arguments.quick { Effort::QUICK } else { Effort::FULL };
    let report = match arguments.name {
        Bench::FirstLight => Report { bench: "first-light", rows: first_light(effort)? },
        Bench::Alarm => Report { bench: "alarm", rows: alarm::measure(effort)? },
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("\n{}", report.table());
    }
    Ok(ExitCode::SUCCESS)
}

fn first_light(effort: Effort) -> Result<Vec<report::Row>> {
    lab::require_root()?;
    lab::tear_down_on_signals()?;
    let mut rows = vec![replace::measure(effort)?];
    rows.extend(footprint::measure(effort)?);
    rows.extend(failover::measure(effort)?);
    Ok(rows)
}

/// What is being measured, for whoever waits; standard output is for the result.
fn say(what: &str) {
    eprintln!("bench: {what}");
}
