//! `holdfast-lab`: plays the demo, measures, and sweeps up.
//!
//! Everything here is about people at a terminal; what labs are made of is in the library.

mod bench;
mod demo;
mod receiver;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A branch, its ISPs and an internet in network namespaces. Needs root.
#[derive(Parser)]
#[command(name = "holdfast-lab", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Play two outages, an isolation and a recovery, and hold what was measured against what is promised
    Demo(demo::DemoArgs),
    /// Measure times, memory and size beside a reference in the same run
    Bench(bench::BenchArgs),
    /// Be the station: take DC-09 frames in clear, say them, acknowledge them
    Station(receiver::StationArgs),
    /// Build the namespaces without any program, print their names, and wait for Ctrl-C
    Up,
    /// Remove what killed labs have left behind; labs in use are not touched
    Sweep,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Station(arguments) => receiver::run(&arguments),
        Verb::Up => up(),
        Verb::Sweep => sweep(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("holdfast-lab: {error:#}");
        ExitCode::from(2)
    })
}

fn up() -> anyhow::Result<ExitCode> {
    lab::require_root()?;
    lab::tear_down_on_signals()?;
    let lab = lab::Lab::build(&lab::LabOptions::default())?;
    let isps = lab.links().filter_map(|(link, _)| lab.isp(link).ok());
    for namespace in [lab.lan(), lab.branch(), lab.internet()].into_iter().chain(isps) {
        println!("ip netns exec {} ...", namespace.name());
    }
    println!("up; Ctrl-C removes it");
    loop {
        std::thread::park();
    }
}

fn sweep() -> anyhow::Result<ExitCode> {
    lab::require_root()?;
    let swept = lab::sweep();
    swept.iter().for_each(|prefix| println!("removed {prefix}"));
    println!("{} leftover labs removed", swept.len());
    Ok(ExitCode::SUCCESS)
}
