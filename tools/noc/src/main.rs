//! `holdfast-noc`: the NOC's collector, and questions to what it keeps.
//!
//! Exit codes: 0 done, 1 could not, 2 wrong words on the command line.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use holdfast_noc::{ask, collect};

/// The NOC's side of Holdfast: keeps what the boxes tell and tells them what is kept
#[derive(Parser)]
#[command(name = "holdfast-noc", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Collect records from the broker until told to stop
    Collect(collect::CollectArgs),
    /// Show what a store holds of each site: counts, watermark, gaps, presence, state
    Show(ask::ShowArgs),
    /// Print the records of a site
    Records(ask::RecordsArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Collect(args) => collect::run(&args),
        Command::Show(args) => ask::show(&args),
        Command::Records(args) => ask::records(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // A standard error that cannot be written to must not hide the exit code behind a panic.
            drop(writeln!(std::io::stderr(), "holdfast-noc: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whoever reads our output has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
