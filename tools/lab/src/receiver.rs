//! A station for people to watch: takes DC-09 frames in clear over TCP, says each as a line of JSON, and
//! acknowledges it after a delay that can be set.
//!
//! It refuses to be a product: no encryption, no UDP, no store. It shares no code with the box, so that
//! the box cannot agree with itself.

mod frame;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

pub(crate) use frame::framed;

use frame::Frame;

/// Where it listens.
#[derive(clap::Args)]
pub(crate) struct StationArgs {
    /// For boxes, TCP
    #[arg(long)]
    listen: SocketAddr,
    /// For commands: `delay MS`
    #[arg(long)]
    control: PathBuf,
}

/// Serves until it is killed.
pub(crate) fn run(arguments: &StationArgs) -> Result<ExitCode> {
    let boxes =
        TcpListener::bind(arguments.listen).with_context(|| format!("listen on {}", arguments.listen))?;
    let control = UnixListener::bind(&arguments.control)
        .with_context(|| format!("listen on {}", arguments.control.display()))?;
    let state = Arc::new(State::default());
    let of_control = Arc::clone(&state);
    thread::Builder::new().name("control".to_owned()).spawn(move || obey(&control, &of_control))?;
    for stream in boxes.incoming() {
        serve_on_a_thread(stream.context("accept a box")?, &state)?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Default)]
struct State {
    delay_ms: AtomicU64,
    served: AtomicUsize,
}

fn obey(control: &UnixListener, state: &State) {
    for stream in control.incoming().flatten() {
        let mut line = String::new();
        if BufReader::new(&stream).read_line(&mut line).is_err() {
            continue;
        }
        let delay = line.trim().strip_prefix("delay ").and_then(|ms| ms.parse().ok());
        let answer = match delay {
            Some(delay_ms @ 0..=MAX_DELAY_MS) => {
                state.delay_ms.store(delay_ms, Ordering::SeqCst);
                json!({ "ok": true })
            }
            Some(_) | None => json!({ "ok": false, "error": format!("expected: delay 0 to {MAX_DELAY_MS}") }),
        };
        // Who does not wait for the answer does not need it.
        writeln!(&stream, "{answer}").ok();
    }
}

/// One thread a connection, at most [`MAX_BOXES`]; one more is closed at once.
fn serve_on_a_thread(stream: TcpStream, state: &Arc<State>) -> Result<()> {
    if state.served.fetch_add(1, Ordering::SeqCst) >= MAX_BOXES {
        state.served.fetch_sub(1, Ordering::SeqCst);
        return Ok(());
    }
    let state = Arc::clone(state);
    let serve = move || {
        if let Err(error) = serve(stream, &state) {
            say(&json!({ "event": "connection", "error": error.to_string() }));
        }
        state.served.fetch_sub(1, Ordering::SeqCst);
    };
    thread::Builder::new().name("box".to_owned()).spawn(serve).context("start a thread for a box")?;
    Ok(())
}

fn serve(stream: TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let peer = stream.peer_addr()?.ip();
    let mut answers = stream.try_clone()?;
    let mut octets = BufReader::new(stream);
    loop {
        let mut raw = Vec::new();
        octets.by_ref().take(MAX_FRAME).read_until(b'\r', &mut raw)?;
        if raw.is_empty() {
            return Ok(());
        }
        let Some(frame) = Frame::parse(&raw) else {
            say(&json!({ "event": "refused", "from": peer, "octets": raw.len() }));
            continue;
        };
        say(&frame_event("frame", &frame, &peer.to_string()));
        thread::sleep(Duration::from_millis(state.delay_ms.load(Ordering::SeqCst)));
        // Stamped before it is written: whoever acts on it acts later.
        let acknowledged = frame_event("acknowledged", &frame, &peer.to_string());
        answers.write_all(&frame.acknowledgement())?;
        say(&acknowledged);
    }
}

fn frame_event(event: &str, frame: &Frame, from: &str) -> Value {
    json!({
        "event": event, "from": from, "id": frame.id, "account": frame.account,
        "sequence": frame.sequence, "data": frame.data,
        "at_us": monotonic_us(),
    })
}

/// The clock that the judge's `Instant` reads too.
fn monotonic_us() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map(Duration::from);
    now.map_or(0, |now| u64::try_from(now.as_micros()).unwrap_or(u64::MAX))
}

fn say(event: &Value) {
    let mut out = std::io::stdout().lock();
    // Nobody watches any longer: the box still deserves its acknowledgement.
    writeln!(out, "{event}").and_then(|()| out.flush()).ok();
}

const MAX_BOXES: usize = 16;
const MAX_FRAME: u64 = 2_048;
const MAX_DELAY_MS: u64 = 60_000;
