//! The project's own commands, the same on a desk and in CI.
//!
//! It installs what a step needs, builds, and hands over to the programs of the workspace. It links
//! none of them and no C code, so that it builds first on a machine that has only Rust; and it holds
//! no test of the product itself.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod cargo;
mod ci;
mod demo;
mod install;
mod peers;
mod replay;
mod steps;
mod test;
mod tidy;

/// Holdfast's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play a branch losing its links, narrated, ending in the table promised / measured (root)
    Demo(demo::DemoArgs),
    /// Run every test: unit, simulation, and the real programs in namespaces (root)
    Test(test::TestArgs),
    /// Check what compilers do not: floors, sizes, licences, bans, advisories, links
    Tidy,
    /// Everything that has to hold before a merge: fmt, clippy, doc, tidy, test (root)
    Ci(ci::CiArgs),
    /// Measure times, bytes and memory against a reference in the same run (root)
    Bench(bench::BenchArgs),
    /// Re-run a recording from a box through the same machines, on a desk
    Replay(replay::ReplayArgs),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Tidy => tidy::run(),
        Command::Ci(args) => ci::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Replay(args) => replay::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::from(2)
    })
}
