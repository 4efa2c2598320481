//! `holdfast-noc`: the NOC's collector, and questions to what it keeps.
//!
//! Exit codes: 0 done, 1 could not, 2 wrong words on the command line. Of `verify`: 0 whole, 1 not whole,
//! 2 could not.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use holdfast_noc::{ask, collect, verify};

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
    /// Verify a box's evidence: checksums, order, and the chain of hashes over all segments
    Verify(verify::VerifyArgs),
}

/// What `verify` answers when it could not; 1 says that the log is not whole.
const COULD_NOT_VERIFY: u8 = 2;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let (could_not, reader_gone) = match command {
        Command::Verify(_) => (ExitCode::from(COULD_NOT_VERIFY), ExitCode::from(COULD_NOT_VERIFY)),
        Command::Collect(_) | Command::Show(_) | Command::Records(_) => {
            (ExitCode::FAILURE, ExitCode::SUCCESS)
        }
    };
    let done = match command {
        Command::Collect(args) => collect::run(&args).map(|()| true),
        Command::Show(args) => ask::show(&args).map(|()| true),
        Command::Records(args) => ask::records(&args).map(|()| true),
        Command::Verify(args) => verify::verify(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(&error) => reader_gone,
        Err(error) => {
            // A standard error that cannot be written to must not hide the exit code behind a panic.
            drop(writeln!(std::io::stderr(), "holdfast-noc: {error:#}"));
            could_not
        }
    }
}

/// Whoever reads our output has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
