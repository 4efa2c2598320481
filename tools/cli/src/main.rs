//! `holdfast`: questions to a running box, over the daemon's local socket. It changes one thing only:
//! whether an account is on test.

mod answer;
mod ask;
mod paint;
mod show;
mod spell;
mod table;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};

use ask::AskError;
use paint::Paint;

/// Between two looks of `--watch`.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Clears a terminal and goes to its first corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Asks the box how it is.
///
/// Exit codes: 0 answered; 2 wrong arguments; 3 the daemon cannot be asked; 4 it refused or its answer
/// makes no sense.
#[derive(Parser)]
#[command(name = "holdfast", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// The daemon's socket.
    #[arg(long, global = true, value_name = "PATH", default_value = "/run/holdfast/control.sock")]
    socket: PathBuf,
    /// The daemon's answer as it is, one line of JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Ask again every second, until stopped.
    #[arg(long, global = true)]
    watch: bool,
}

#[derive(Subcommand, Clone)]
enum What {
    /// The whole box: traffic, broker, spool, lines, what is wrong.
    Status,
    /// Every link in every family: judgement, age, round trip, loss.
    Links,
    /// Why traffic goes where it goes, and what each other link lacks.
    Explain {
        /// Of what: `wan`; everything if absent.
        what: Option<String>,
    },
    /// What happened in the latest calls, step by step: digits, deliveries, kiss-off. For authorised eyes:
    /// silent signals are shown.
    Calls {
        /// How many, at most 100.
        #[arg(long, value_name = "N", default_value_t = 10)]
        last: u16,
    },
    /// Put an account on test: its signals are a technician's until the time is over.
    OnTest {
        /// As the station knows the panel.
        account: String,
        #[command(flatten)]
        lasts: Lasts,
    },
}

#[derive(Args, Clone)]
#[group(required = true, multiple = false)]
struct Lasts {
    /// For how long, at most a day: 90m, 2h, 1h30m.
    #[arg(long = "for", value_name = "TIME", value_parser = spell::minutes)]
    minutes: Option<u16>,
    /// No longer.
    #[arg(long)]
    off: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.watch {
        if matches!(arguments.what, What::OnTest { .. }) {
            eprintln!("holdfast: on-test is done once: leave --watch away");
            return ExitCode::from(2);
        }
        return watch(&arguments);
    }
    match look(&arguments).map(|text| io::stdout().write_all(text.as_bytes())) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Ends when nobody reads any more; a daemon that is gone is waited for.
fn watch(arguments: &Arguments) -> ExitCode {
    let mut out = io::stdout();
    loop {
        let text = look(arguments).unwrap_or_else(|error| {
            if arguments.json {
                format!("{}\n", json!({ "error": error.to_string() }))
            } else {
                format!("{error}\n")
            }
        });
        let clear = if out.is_terminal() && !arguments.json { CLEAR } else { "" };
        let written = write!(out, "{clear}{text}").and_then(|()| out.flush());
        if written.is_err() {
            return ExitCode::SUCCESS;
        }
        std::thread::sleep(WATCH_EVERY);
    }
}

fn look(arguments: &Arguments) -> Result<String, AskError> {
    let answer = ask::ask(&arguments.socket, &request(&arguments.what))?;
    if arguments.json {
        return Ok(format!("{answer}\n"));
    }
    let paint = Paint::if_terminal(io::stdout().is_terminal());
    let now_ms = now_ms();
    Ok(match arguments.what {
        What::Status => show::status(&answer, now_ms, paint),
        What::Links => show::links(&answer, now_ms, paint),
        What::Explain { .. } => show::explain(&answer),
        What::Calls { .. } => show::calls(&answer, paint),
        What::OnTest { .. } => show::on_test(&answer),
    })
}

fn request(what: &What) -> Value {
    match what {
        What::Status => json!({ "ask": "status" }),
        What::Links => json!({ "ask": "links" }),
        What::Explain { what: None } => json!({ "ask": "explain" }),
        What::Explain { what: Some(what) } => json!({ "ask": "explain", "what": what }),
        What::Calls { last } => json!({ "ask": "calls", "last": last }),
        What::OnTest { account, lasts } => {
            let minutes = lasts.minutes.unwrap_or(0);
            json!({ "ask": "on_test", "account": account, "minutes": minutes, "by": who() })
        }
    }
}

/// Who types, also behind sudo. The daemon adds the user that the kernel knows.
fn who() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.unwrap_or_default()
}

/// The kernel's boot clock, which is the daemon's: ages are differences to it. `None` shows no ages.
fn now_ms() -> Option<u64> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    spell::uptime_ms(&uptime)
}

fn fail(error: &AskError) -> ExitCode {
    eprintln!("holdfast: {error}");
    ExitCode::from(error.exit_code())
}
