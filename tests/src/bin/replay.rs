//! Replays a recording from a box through the same machines and says where it went another way.
//!
//! Exit 0: every turn gave the commands that were recorded. 1: a turn differed. 2: not a recording.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use appliance::ReplayReport;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("replay: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let (json, files): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|a| *a == "--json");
    let [file] = files[..] else { bail!("give one recording: replay FILE [--json]") };
    let path = Path::new(file);
    let recording = File::open(path).with_context(|| format!("cannot open the recording {file}"))?;
    let report =
        appliance::replay(BufReader::new(recording)).with_context(|| format!("{file} cannot be replayed"))?;
    ensure!(report.turns > 0, "{file} holds no turn: it ended before anything happened");
    if json.is_empty() {
        tell(&report)?;
    } else {
        println!("{}", to_json(&report));
    }
    Ok(if report.difference.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(report: &ReplayReport) -> Result<()> {
    println!("{} turns replayed", report.turns);
    let Some(difference) = &report.difference else {
        println!("every turn gave the commands that were recorded");
        return Ok(());
    };
    println!("line {} went another way", difference.line);
    println!("event:    {}", serde_json::to_string(&difference.recorded.event)?);
    println!("recorded: {}", serde_json::to_string(&difference.recorded.commands)?);
    println!("replayed: {}", serde_json::to_string(&difference.replayed)?);
    Ok(())
}

fn to_json(report: &ReplayReport) -> serde_json::Value {
    let difference = report
        .difference
        .as_ref()
        .map(|d| serde_json::json!({ "line": d.line, "recorded": d.recorded, "replayed": d.replayed }));
    serde_json::json!({ "turns": report.turns, "difference": difference })
}
