//! `holdfastd`: the daemon of the box. It knows `run` and `check`; questions go to `holdfast`.

mod check;
mod log;
mod open;
mod question;
mod read;
mod restart;
mod service;
mod setup;
mod systemd;
mod wires;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// The branch router's daemon: keeps the connection, watches the lines, tells the NOC.
#[derive(Parser)]
#[command(name = "holdfastd", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve until told to stop (SIGTERM). Needs CAP_NET_ADMIN and CAP_NET_RAW.
    Run(RunArguments),
    /// Read board and site, say what is wrong and what would be used; changes nothing.
    Check(check::CheckArgs),
}

/// What `run` needs.
#[derive(Args, Clone, Debug)]
struct RunArguments {
    /// The board, by name.
    #[arg(long)]
    board: String,
    /// The site file.
    #[arg(long)]
    site: PathBuf,
    /// Where the board files are.
    #[arg(long = "boards", value_name = "DIR", default_value = "/usr/share/holdfast/boards")]
    boards_dir: PathBuf,
    /// Sockets and the flight recorder; a tmpfs.
    #[arg(long, value_name = "DIR", default_value = "/run/holdfast")]
    run_dir: PathBuf,
    /// The spool, evidence and kept faults; survives power cuts.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/holdfast")]
    data_dir: PathBuf,
    /// What is logged: `info`, or by module: `info,wan=debug`.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

/// Exit codes of `run`; systemd and people tell the phases of the start by them.
mod exit {
    /// Board, site or a secret could not be read or makes no sense. Restarting does not help.
    pub(crate) const READ: u8 = 2;
    /// Something that must be there could not be opened: network permissions, nft, the run directory.
    pub(crate) const OPEN: u8 = 3;
    /// The daemon served and could not go on.
    pub(crate) const RUN: u8 = 4;
}

fn main() -> ExitCode {
    match Arguments::parse().verb {
        Verb::Run(arguments) => run(&arguments),
        Verb::Check(arguments) => check::run(&arguments),
    }
}

fn run(arguments: &RunArguments) -> ExitCode {
    log::start(&arguments.log);
    let inputs = match read::read(arguments) {
        Ok(inputs) => inputs,
        Err(error) => return fail(exit::READ, "read", &error),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(exit::OPEN, "open", &error.into()),
    };
    runtime.block_on(async {
        let box_ = match open::open(arguments, inputs).await {
            Ok(opened) => opened,
            Err(error) => return fail(exit::OPEN, "open", &error),
        };
        match service::serve(box_).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(exit::RUN, "run", &error),
        }
    })
}

fn fail(code: u8, phase: &str, error: &anyhow::Error) -> ExitCode {
    // Every line of a list of errors keeps its own line.
    for line in format!("{error:#}").lines() {
        tracing::error!(phase, "{line}");
    }
    ExitCode::from(code)
}
