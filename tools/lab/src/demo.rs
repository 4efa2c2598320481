//! The demo: a branch loses its links one by one, then both, then none, while alarm panels report, in front
//! of an audience.
//!
//! It promises first and measures then. A promise that could not be measured counts as broken.

mod alarms;
mod ledger;
mod live;
mod map;
mod prompt;
mod scenes;
mod signals;
mod stage;
mod teller;
mod truth;

use std::process::ExitCode;

use anyhow::Result;

use stage::Stage;
use teller::Teller;

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
    #[arg(long, conflicts_with_all = ["keep", "json"])]
    live: bool,
}

/// Plays it. Exit code 0: all that was promised held; 1: it did not; 2: it could not be played.
pub(crate) fn run(arguments: &DemoArgs) -> Result<ExitCode> {
    lab::require_root()?;
    if arguments.live {
        return live::run(arguments.strict);
    }
    lab::tear_down_on_signals()?;
    let mut teller = Teller::new(arguments.json);
    let mut stage = Stage::open(&mut teller)?;
    let played = scenes::play(&mut stage, &mut teller);
    if let Err(error) = &played {
        teller.must("the play went to its end", "always", format!("{error:#}"), false);
    }
    stage.judge_the_whole(&mut teller)?;
    let held = teller.balance().holds(arguments.strict);
    if !held {
        teller.drawing(&format!("\nlast words of every program:\n{}", stage.lab.last_words(15)));
    }
    teller.end(arguments.strict);
    if arguments.keep {
        prompt::take_commands(&mut stage)?;
    }
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
