//! The station's thread: reads, judges by the letter, and does what it was told to do.

use std::collections::VecDeque;
use std::io::Read;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;

use super::StationOptions;
use super::behaviour::{Behaviour, By, answer};
use super::frame::{self, Frame};
use super::secret::Secret;
use super::socket::{Peer, Piece, Sockets};

/// One frame, or what came in the place of one.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// When.
    #[serde(skip)]
    pub at: Instant,
    /// When, milliseconds since 1970 by the machine's clock.
    pub unix_ms: u64,
    /// From where.
    pub from: SocketAddr,
    /// Number of the connection, from 1; 0 for datagrams.
    pub connection: u64,
    /// From LF to CR.
    #[serde(skip)]
    pub octets: Vec<u8>,
    /// It came in more than one segment.
    pub cut: bool,
    /// What it says, or the rule it breaks.
    pub frame: Result<Frame, String>,
    /// What was done with it; `None`: nothing, since it breaks a rule.
    pub behaviour: Option<Behaviour>,
}

impl Received {
    /// One line for people.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} from {}: {:?}", self.octets.escape_ascii(), self.from, self.behaviour)
    }
}

/// What the scenario wants.
pub(super) enum Order {
    Signals(Behaviour),
    SignsOfLife(Behaviour),
    NextSignal(Behaviour),
    ClockAhead(i64),
    HangUp,
}

pub(super) struct Server {
    sockets: Sockets,
    secret: Option<Secret>,
    clock_ahead_s: i64,
    orders: Receiver<Order>,
    woken: UnixStream,
    notes: SyncSender<Received>,
    signals: Behaviour,
    signs_of_life: Behaviour,
    script: VecDeque<Behaviour>,
    later: Vec<(Instant, Peer, Vec<u8>)>,
}

impl Server {
    pub(super) fn listen(
        options: &StationOptions,
        secret: Option<Secret>,
        orders: Receiver<Order>,
        woken: UnixStream,
        notes: SyncSender<Received>,
    ) -> Result<Self> {
        Ok(Self {
            sockets: Sockets::listen(options.transport, options.listen)?,
            secret,
            clock_ahead_s: options.clock_ahead_s,
            orders,
            woken,
            notes,
            signals: Behaviour::Answer,
            signs_of_life: Behaviour::Answer,
            script: VecDeque::new(),
            later: Vec::new(),
        })
    }

    pub(super) fn address(&self) -> Result<SocketAddr> {
        self.sockets.address().context("the station has no address")
    }

    /// Until the scenario drops the station.
    pub(super) fn serve(mut self) -> Result<()> {
        loop {
            self.wait()?;
            if !self.obey() {
                return Ok(());
            }
            for piece in self.sockets.read()? {
                self.take(piece)?;
            }
            self.write_due();
        }
    }

    fn wait(&mut self) -> Result<()> {
        let next = self.later.iter().map(|(at, ..)| *at).min();
        // Rounded up: a deadline is over when the wait is.
        let ms = next.map(|at| at.saturating_duration_since(Instant::now()).as_millis() + 1);
        let timeout =
            ms.map_or(PollTimeout::NONE, |ms| PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX));
        let sockets = self.sockets.waits_for().into_iter().map(|(fd, flags)| PollFd::new(fd, flags));
        let mut fds: Vec<PollFd> =
            sockets.chain([PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)]).collect();
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("the station cannot wait"),
        }
        drop(fds);
        let mut bell = [0; 256];
        while self.woken.read(&mut bell).is_ok_and(|count| count == bell.len()) {}
        Ok(())
    }

    /// Whether the scenario still wants the station.
    fn obey(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Signals(what)) => self.signals = what,
                Ok(Order::SignsOfLife(what)) => self.signs_of_life = what,
                Ok(Order::NextSignal(what)) => self.script.push_back(what),
                Ok(Order::ClockAhead(seconds)) => self.clock_ahead_s = seconds,
                Ok(Order::HangUp) => self.sockets.hang_up(None),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, piece: Piece) -> Result<()> {
        let (at, now) = (Instant::now(), unix());
        let frame = frame::read(&piece.octets, self.secret.as_ref());
        let behaviour = frame.as_ref().ok().map(|frame| {
            let scripted = if frame.is_signal() { self.script.pop_front() } else { None };
            scripted.unwrap_or(if frame.is_signal() { self.signals } else { self.signs_of_life })
        });
        if let (Ok(frame), Some(behaviour)) = (&frame, behaviour) {
            let clock = i64::try_from(now.as_secs())? + self.clock_ahead_s;
            for writing in answer(behaviour, frame, self.secret.as_ref(), clock) {
                match writing.by {
                    By::Station => self.later.push((at + writing.after, piece.from, writing.octets)),
                    By::OtherPort => self.forge(None, piece.from, &writing.octets)?,
                    By::OtherAddress(address) => self.forge(Some(address), piece.from, &writing.octets)?,
                }
            }
            if behaviour == Behaviour::HangUp {
                self.sockets.hang_up(Some(piece.from.connection));
            }
        }
        let Piece { from: Peer { address: from, connection }, octets, cut } = piece;
        let unix_ms = u64::try_from(now.as_millis())?;
        // A full log is told by `judge`.
        self.notes.try_send(Received { at, unix_ms, from, connection, octets, cut, frame, behaviour }).ok();
        self.write_due();
        Ok(())
    }

    fn forge(&self, address: Option<std::net::IpAddr>, to: Peer, octets: &[u8]) -> Result<()> {
        self.sockets.forge(self.sockets.forger(address)?, to, octets)
    }

    fn write_due(&mut self) {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|(at, ..)| *at <= now);
        self.later = later;
        for (_, to, octets) in due {
            self.sockets.write(to, &octets);
        }
    }
}

fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
