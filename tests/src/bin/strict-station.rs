//! A strict station of DC-09 as a program: each frame is one line of JSON on standard output.
//!
//! `strict-station LISTEN tcp|udp [ascii:KEY]`. Lines on standard input say what it does with signals:
//! `answer`, `silent`, `late 3000`, `nak`, ...; `next WORD` for the next signal only, `life WORD` for
//! signs of life, `clock SECONDS` sets how far its clock is ahead. It ends with its standard input.

use std::io::{BufRead, Write, stdin, stdout};
use std::sync::mpsc::{TryRecvError, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::strict_station::{StationOptions, StrictStation, Transport};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut station = StrictStation::start(options(&arguments)?)?;
    say(&serde_json::json!({ "listening": station.address() }))?;
    let (lines_in, lines) = sync_channel(16);
    std::thread::spawn(move || {
        stdin().lock().lines().map_while(Result::ok).try_for_each(|l| lines_in.send(l))
    });
    let mut told = 0;
    loop {
        for received in &station.received()[told..] {
            say(&serde_json::to_value(received)?)?;
            told += 1;
        }
        match lines.try_recv() {
            Ok(line) => obey(&station, &line)?,
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => {
                ensure!(station.is_running(), "the station has ended");
                station.wait_for("next frame", TURN, |log| (log.len() > told).then_some(())).ok();
            }
        }
    }
}

fn options(arguments: &[String]) -> Result<StationOptions> {
    let (listen, transport, key) = match arguments {
        [listen, transport] => (listen, transport, None),
        [listen, transport, key] => (listen, transport, Some(key)),
        _ => bail!("usage: strict-station LISTEN tcp|udp [ascii:KEY]"),
    };
    let transport = match transport.as_str() {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        other => bail!("{other} is neither tcp nor udp"),
    };
    let key = key.map(|key| key.strip_prefix("ascii:").context("a key is written ascii:KEY")).transpose()?;
    let listen = listen.parse().with_context(|| format!("{listen} is no address and port"))?;
    let key = key.map(|key| key.as_bytes().to_vec());
    Ok(StationOptions { listen, key, ..StationOptions::local(transport) })
}

fn obey(station: &StrictStation, line: &str) -> Result<()> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "next" => station.next([rest.parse()?]),
        "life" => station.behave_at_signs_of_life(rest.parse()?),
        "clock" => station.set_clock_ahead(rest.parse().context("clock wants seconds")?),
        _ => station.behave(line.parse()?),
    }
}

fn say(value: &serde_json::Value) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{value}").and_then(|()| out.flush()).context("nobody reads standard output")
}

/// How soon a line on standard input is seen.
const TURN: Duration = Duration::from_millis(50);
