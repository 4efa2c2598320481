//! The loop: a pty, a clock, people who command, and the simulator between them.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};

use crate::command::{Answer, Command};
use crate::control::{Control, Source, Who, Wish};
use crate::pace::Pace;
use crate::pty::Pty;
use crate::report::Report;
use crate::simulator::{Settings, Simulator};
use crate::telephone::Telephone;
use crate::wav::{self, Recording};

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The card.
    pub settings: Settings,
    /// Bits per second of the wire, 10 to an octet.
    pub baud: u32,
    /// A link that points at the device while it is plugged.
    pub link: Option<PathBuf>,
}

/// Who is told what happened and what is answered on standard input.
pub trait Sink {
    /// Something happened.
    fn report(&mut self, report: &Report) -> io::Result<()>;
    /// The answer to a line of standard input.
    fn answer(&mut self, answer: &Answer) -> io::Result<()>;
}

/// What is plugged in from the start, with the numbers of the lines.
pub type Telephones = Vec<(u8, Box<dyn Telephone>)>;

/// Runs until `quit`, or until `stop` becomes readable.
pub fn run(options: &Options, control: Control, stop: &impl AsFd, sink: &mut impl Sink) -> io::Result<()> {
    run_with(options, Telephones::new(), control, stop, sink)
}

/// [`run`] with telephones that are plugged in from the start.
pub fn run_with(
    options: &Options,
    telephones: Telephones,
    control: Control,
    stop: &impl AsFd,
    sink: &mut impl Sink,
) -> io::Result<()> {
    let clock = Clock;
    let mut simulator = Simulator::new(options.settings.clone(), clock.now_us());
    for (line, telephone) in telephones {
        simulator.plug(line, telephone).map_err(io::Error::other)?;
    }
    let (to_host, to_card) = (Pace::new(options.baud), Pace::new(options.baud));
    let mut turn =
        Turn { options, clock, simulator, control, pty: None, to_host, to_card, heard: Instant::now() };
    turn.plug()?;
    turn.reports(sink)?;
    while !turn.simulator.has_quit() {
        let Some(ready) = turn.wait(stop)? else { break };
        turn.obey(&ready, sink)?;
        turn.plug()?;
        turn.carry()?;
        turn.reports(sink)?;
    }
    Ok(())
}

struct Turn<'a> {
    options: &'a Options,
    clock: Clock,
    simulator: Simulator,
    control: Control,
    pty: Option<Pty>,
    to_host: Pace,
    to_card: Pace,
    /// When the host last sent something, or its exclusive use was last released.
    heard: Instant,
}

impl Turn<'_> {
    /// Sleeps until something is to be done; `None`: stop.
    fn wait(&mut self, stop: &impl AsFd) -> io::Result<Option<Vec<Source>>> {
        let sources = self.control.sources();
        let mut fds = vec![PollFd::new(stop.as_fd(), PollFlags::POLLIN)];
        fds.extend(sources.iter().map(|(_, fd)| PollFd::new(*fd, PollFlags::POLLIN)));
        // A busy wire is looked at when its octets have passed, not when the first one came.
        let pty = self.pty.as_ref().filter(|_| !self.to_card.is_busy());
        fds.extend(pty.map(|pty| PollFd::new(pty.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, self.timeout()) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        if is_ready(&fds[0]) {
            return Ok(None);
        }
        let ready = sources.iter().zip(&fds[1..]).filter(|(_, fd)| is_ready(fd));
        let ready = ready.map(|((source, _), _)| *source).collect();
        let host_speaks = fds.get(1 + sources.len()).is_some_and(is_ready);
        drop(fds);
        if host_speaks {
            self.to_card.start(self.clock.now_ns());
        }
        Ok(Some(ready))
    }

    fn timeout(&self) -> PollTimeout {
        let now_us = self.clock.now_us();
        let busy = self.to_card.is_busy() || self.to_host.is_busy();
        let rest_us = self.simulator.poll_timeout(now_us).saturating_sub(now_us);
        let rest_ms = if busy { 1 } else { rest_us.div_ceil(1_000) };
        PollTimeout::try_from(Duration::from_millis(rest_ms)).unwrap_or(PollTimeout::ZERO)
    }

    fn obey(&mut self, ready: &[Source], sink: &mut impl Sink) -> io::Result<()> {
        let now_us = self.clock.now_us();
        self.simulator.advance(now_us);
        for Wish { line, from } in self.control.take(ready) {
            if line.is_empty() {
                continue;
            }
            let answer = match Command::parse(&line) {
                Ok(command) => self.order(&command, now_us),
                Err(why) => Answer::refused(why),
            };
            match from {
                Who::Stdin => sink.answer(&answer)?,
                Who::Client(client) => self.control.answer(client, &serde_json::to_string(&answer)?),
            }
        }
        self.control.drop_gone();
        Ok(())
    }

    /// Files are opened here, and everything else is the simulator's.
    fn order(&mut self, command: &Command, now_us: u64) -> Answer {
        let done = if let Command::Record { line, file } = command {
            self.record(*line, file.as_deref())
        } else if let Command::Play { line, file } = command {
            wav::read(file).and_then(|sound| self.simulator.play(*line, sound))
        } else {
            return self.simulator.handle_command(command, now_us);
        };
        done.map_or_else(Answer::refused, |()| Answer::done())
    }

    fn record(&mut self, line: u8, file: Option<&Path>) -> Result<(), String> {
        let Some(file) = file else { return self.simulator.record(line, None).map(drop) };
        let tap = Box::new(Recording::create(file)?);
        let first_sample = self.simulator.record(line, Some(tap))?;
        self.simulator.note(Report::Recording { line, file: file.display().to_string(), first_sample });
        Ok(())
    }

    /// Makes the device be there, or not.
    fn plug(&mut self) -> io::Result<()> {
        let wanted = self.simulator.is_plugged(self.clock.now_us());
        if wanted && self.pty.is_none() {
            let pty = Pty::plug(self.options.link.as_deref())?;
            let link = self.options.link.as_ref().map(|link| link.display().to_string());
            self.simulator.note(Report::Plugged { device: pty.device().display().to_string(), link });
            self.pty = Some(pty);
        } else if !wanted && self.pty.take().is_some() {
            self.to_card.idle();
            self.simulator.note(Report::Unplugged);
        }
        Ok(())
    }

    /// Octets both ways, none before its time.
    fn carry(&mut self) -> io::Result<()> {
        let (now_us, now_ns) = (self.clock.now_us(), self.clock.now_ns());
        self.hear(now_us, now_ns)?;
        self.send(now_us, now_ns)?;
        self.release_device();
        Ok(())
    }

    fn hear(&mut self, now_us: u64, now_ns: u64) -> io::Result<()> {
        let Some(pty) = self.pty.as_ref().filter(|_| self.to_card.is_busy()) else { return Ok(()) };
        let mut octets = [0; MAX_TURN];
        let limit = self.to_card.ready(now_ns).min(MAX_TURN);
        let count = pty.read(&mut octets[..limit])?;
        self.to_card.took(count);
        if count < limit {
            self.to_card.idle();
        }
        if count > 0 {
            self.heard = Instant::now();
            self.simulator.receive(&mut octets[..count], now_us);
        }
        Ok(())
    }

    /// What a card says while it is unplugged is lost at the pace at which it is said.
    fn send(&mut self, now_us: u64, now_ns: u64) -> io::Result<()> {
        if !self.simulator.has_output(now_us) {
            self.to_host.idle();
            return Ok(());
        }
        self.to_host.start(now_ns);
        let limit = self.to_host.ready(now_ns).min(MAX_TURN);
        let octets = self.simulator.transmit(limit, now_us);
        self.to_host.took(octets.len());
        self.pty.as_ref().map_or(Ok(()), |pty| pty.write(&octets))
    }

    fn release_device(&mut self) {
        if self.heard.elapsed() > RELEASE_AFTER {
            self.heard = Instant::now();
            self.pty.iter().for_each(Pty::release_exclusive_use);
        }
    }

    fn reports(&mut self, sink: &mut impl Sink) -> io::Result<()> {
        while let Some(report) = self.simulator.poll_report() {
            sink.report(&report)?;
        }
        Ok(())
    }
}

/// CLOCK_MONOTONIC, so that other programs of the machine can place what happens here.
struct Clock;

impl Clock {
    fn now_us(&self) -> u64 {
        self.now_ns() / 1_000
    }

    fn now_ns(&self) -> u64 {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has this clock");
        u64::try_from(Duration::from(now).as_nanos()).expect("584 years")
    }
}

/// Octets of one turn in one direction.
const MAX_TURN: usize = 4096;

/// A host that is silent so long does not hold the device.
const RELEASE_AFTER: Duration = Duration::from_secs(1);
