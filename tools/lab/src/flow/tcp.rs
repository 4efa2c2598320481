//! A TCP dialogue from the LAN host: ask, wait for the answer, ask again; a program that reconnects
//! when it is told that its connection is dead.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use super::FlowFamily;
use crate::keeper::{Asked, Keeper};
use crate::lab::Lab;
use crate::plan;

/// Between an answer and the next question.
const EVERY: Duration = Duration::from_millis(20);

/// A connection that is silent for so long hangs; a person would have given up.
const HANGS_AFTER: Duration = Duration::from_secs(5);

/// A SYN that got no answer is sent again after so long.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);

/// The server holds so many connections, dead ones of earlier switches included.
const MAX_CONNECTIONS: usize = 64;

/// A flow ends by itself after so many events: ten minutes of answers, and more.
const MAX_EVENTS: usize = 60_000;

/// A running dialogue. Dropped, it stops.
#[derive(Debug)]
pub struct TcpFlow {
    client: Option<Keeper<Log>>,
    stop: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

/// What the program on the LAN host saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TcpReport {
    /// Answers received.
    pub answers: u64,
    /// Connections that ended with a reset or an end of stream: the program knew at once.
    pub resets: u64,
    /// Connections that went silent for 5 s: the program did not know.
    pub hangs: u64,
    /// Connection attempts without an answer.
    pub refused: u64,
    /// The longest time between two answers, microseconds.
    pub stall_us: u64,
}

impl TcpReport {
    /// The longest time between two answers.
    #[must_use]
    pub const fn stall(&self) -> Duration {
        Duration::from_micros(self.stall_us)
    }
}

type Log = Vec<(Instant, Happened)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happened {
    Answer,
    Reset,
    Hang,
    Refused,
}

impl TcpFlow {
    /// Starts the dialogue.
    pub fn start(lab: &Lab, family: FlowFamily) -> Result<Self> {
        let address = SocketAddr::new(plan::FAR_END[family.index()].address, 0);
        let listener = lab
            .internet()
            .run(|| TcpListener::bind(address).with_context(|| format!("listen on {address}")))?;
        let to = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stop_server = Arc::clone(&stop);
        let server = thread::Builder::new()
            .name("tcp far end".into())
            .spawn(move || serve(&listener, &stop_server))?;
        let client =
            Keeper::start(lab.lan(), "tcp client", move |asked| Client { to, asked, log: Vec::new() }.run())?;
        Ok(Self { client: Some(client), stop, server: Some(server) })
    }

    /// What happened since `since`. A stall that still lasts counts up to this moment.
    pub fn report(&mut self, since: Instant) -> Result<TcpReport> {
        let log = self.client.as_mut().context("the client lives as long as the flow")?.log()?;
        Ok(judge(&log, since, Instant::now()))
    }
}

impl Drop for TcpFlow {
    fn drop(&mut self) {
        drop(self.client.take());
        self.stop.store(true, Ordering::Relaxed);
        if let Some(server) = self.server.take() {
            server.join().ok();
        }
    }
}

fn judge(log: &[(Instant, Happened)], since: Instant, until: Instant) -> TcpReport {
    let first = log.partition_point(|(at, _)| *at < since);
    let count = |wanted: Happened| log[first..].iter().filter(|(_, what)| *what == wanted).count() as u64;
    let answered = |events: &[(Instant, Happened)]| {
        let answers = events.iter().filter(|(_, what)| *what == Happened::Answer);
        answers.map(|(at, _)| *at).collect::<Vec<_>>()
    };
    let before = answered(&log[..first]).last().copied().unwrap_or(since);
    let mut times = vec![before];
    times.extend(answered(&log[first..]));
    times.push(until);
    let stall = times.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0])).max();
    TcpReport {
        answers: count(Happened::Answer),
        resets: count(Happened::Reset),
        hangs: count(Happened::Hang),
        refused: count(Happened::Refused),
        stall_us: stall.and_then(|stall| u64::try_from(stall.as_micros()).ok()).unwrap_or(0),
    }
}

/// The program on the LAN host.
struct Client<'a> {
    to: SocketAddr,
    asked: &'a Asked<Log>,
    log: Log,
}

impl Client<'_> {
    fn run(mut self) -> Result<()> {
        while self.asked.answer(&self.log) {
            if let Ok(stream) = TcpStream::connect_timeout(&self.to, CONNECT_WITHIN) {
                self.talk(stream)?;
            } else {
                self.note(Happened::Refused);
                self.asked.rest(&self.log, EVERY);
            }
        }
        Ok(())
    }

    fn talk(&mut self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(EVERY))?;
        while let Some(happened) = self.exchange(&mut stream) {
            self.note(happened);
            if happened != Happened::Answer {
                break;
            }
            self.asked.rest(&self.log, EVERY);
        }
        Ok(())
    }

    /// One question and its answer; `None` when the flow was stopped meanwhile.
    fn exchange(&mut self, stream: &mut TcpStream) -> Option<Happened> {
        let asked_at = Instant::now();
        if stream.write_all(b"question").is_err() {
            return Some(Happened::Reset);
        }
        let mut answer = [0; 8];
        let mut have = 0;
        while self.asked.answer(&self.log) {
            match stream.read(&mut answer[have..]) {
                Ok(0) => return Some(Happened::Reset),
                Ok(more) if have + more == answer.len() => return Some(Happened::Answer),
                Ok(more) => have += more,
                Err(error) if waits(error.kind()) && asked_at.elapsed() < HANGS_AFTER => {}
                Err(error) if waits(error.kind()) => return Some(Happened::Hang),
                Err(_) => return Some(Happened::Reset),
            }
        }
        None
    }

    fn note(&mut self, what: Happened) {
        if self.log.len() < MAX_EVENTS {
            self.log.push((Instant::now(), what));
        }
    }
}

const fn waits(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn serve(listener: &TcpListener, stop: &Arc<AtomicBool>) {
    let open = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) if open.load(Ordering::Relaxed) < MAX_CONNECTIONS => {
                let (open, stop) = (Arc::clone(&open), Arc::clone(stop));
                open.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    answer_all(stream, &stop).ok();
                    open.fetch_sub(1, Ordering::Relaxed);
                });
            }
            Ok((stream, _)) => drop(stream),
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn answer_all(mut stream: TcpStream, stop: &AtomicBool) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut bytes = [0; 64];
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(length) => stream.write_all(&bytes[..length])?,
            Err(error) if waits(error.kind()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_counts_from_the_last_answer_before_to_the_first_after() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let log = [(at(0), Happened::Answer), (at(300), Happened::Reset), (at(320), Happened::Answer)];
        let report = judge(&log, at(100), at(340));
        assert_eq!((report.answers, report.resets, report.stall_us), (1, 1, 320_000));
    }

    #[test]
    fn a_dialogue_that_has_stopped_stalls_up_to_this_moment() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let report = judge(&[(at(0), Happened::Answer), (at(50), Happened::Hang)], at(0), at(900));
        assert_eq!((report.hangs, report.stall_us), (1, 900_000));
    }
}
