//! `ata-sim`: a line card on a pseudo-terminal, to be commanded by words.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use ata_sim::{Answer, Control, Options, Report, Settings, run};
use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let stop = signals().context("cannot wait for SIGTERM")?;
    let control = arguments.control()?;
    let options = arguments.options();
    let mut sink = Stdout { json: arguments.json };
    match run(&options, control, &stop, &mut sink) {
        // Whoever read our standard output has gone: nobody is left to simulate for.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the simulator ended"),
    }
}

/// A line card on a pseudo-terminal: the card core that a microcontroller runs, paced like a wire, with faults.
#[derive(Debug, Parser)]
#[command(name = "ata-sim", version, after_help = COMMANDS)]
struct Arguments {
    /// A link that points at the device while it is plugged
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// Lines of the card
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    lines: u8,
    /// Bits per second of the wire, ten to an octet
    #[arg(long, default_value_t = 921_600, value_parser = clap::value_parser!(u32).range(300..=12_000_000))]
    baud: u32,
    /// A unix socket that takes commands, one a line, and answers each with one line of JSON
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// Say what happens as one JSON object a line
    #[arg(long)]
    json: bool,
    /// The same seed gives the same boot ids and the same damage; drawn from the clock if absent
    #[arg(long)]
    seed: Option<u64>,
    /// Serial number that the card claims
    #[arg(long, default_value = "ATA-SIM")]
    serial: String,
    /// Probability of damage for each octet, both ways
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    errors: f64,
}

impl Arguments {
    fn options(&self) -> Options {
        let seed = self.seed.unwrap_or_else(seed_from_clock);
        let settings =
            Settings { lines: self.lines, seed, serial: self.serial.clone(), error_rate: self.errors };
        Options { settings, baud: self.baud, link: self.link.clone() }
    }

    fn control(&self) -> anyhow::Result<Control> {
        let control = Control::nobody().with_stdin();
        match &self.control {
            Some(path) => control.with_socket(path).context("cannot take commands"),
            None => Ok(control),
        }
    }
}

/// SIGTERM, SIGINT and SIGHUP as something to wait for, so that the link and the socket are removed.
fn signals() -> nix::Result<SignalFd> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    SignalFd::new(&signals)
}

fn seed_from_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64 ^ u64::from(std::process::id())
}

fn probability(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("a probability, 0 to 1".to_owned()) }
}

struct Stdout {
    json: bool,
}

impl ata_sim::Sink for Stdout {
    fn report(&mut self, report: &Report) -> io::Result<()> {
        let line = if self.json { serde_json::to_string(report)? } else { report.to_string() };
        say(&line)
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        let line = match (self.json, &answer.error) {
            (true, _) => serde_json::json!({ "event": "answer", "answer": answer }).to_string(),
            (false, Some(error)) => error.clone(),
            (false, None) => match &answer.status {
                Some(status) => serde_json::to_string(status)?,
                None => "ok".to_owned(),
            },
        };
        say(&line)
    }
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

const COMMANDS: &str = "\
Commands, one a line, on standard input or --control, as words or as JSON ({\"do\":\"off\",\"line\":0}):
  off LINE, on LINE          lift a line, hang it up
  flip LINE|all COUNT RATE   COUNT hook changes, RATE a second; RATE 0: as fast as they are acknowledged.
                             Never faster than the card's queue takes them: a flip loses nothing
  garbage COUNT              COUNT random octets on the wire to the host
  silent SECONDS             the card neither speaks nor hears
  deaf SECONDS               the card speaks but does not hear
  unplug SECONDS             the device and its link vanish and come back
  reset                      the card restarts with another boot id; lines on hook, queue empty
  version V                  the card restarts and claims to speak only version V
  errors RATE                damage each octet with this probability, both ways
  panel LINE [account N]     plug an alarm panel into a line; as JSON with all its settings:
                             {\"do\":\"panel\",\"line\":0,\"settings\":{\"number\":\"5550100\",\"attempts\":4}}
  event LINE CODE GROUP ZONE give it something to report, as in `event 0 1131 01 015`
  unpanel LINE               pull out what is plugged into a line
  record LINE FILE|off       record both directions as a WAV: left what the telephone says, right what it hears
  play LINE FILE             play a WAV (16 bit, 8 kHz) into a line, off-hook while it plays
  status                     how the card is, as JSON
  quit                       end

Exit status: 0 after quit, SIGTERM, SIGINT or SIGHUP; 1 when the device, link or socket cannot be made; 2 for wrong
arguments. The end of standard input does not end the simulator.";
