//! One path: one station over one link.
//!
//! ```text
//!          Send                  connected: waiting frames go out
//!  Closed ──────> Dialling ──────────────────────────────────────> Open
//!     ^             │ failed, Close, other source                   │ lost, closed, Close, other source
//!     └─────────────┴───────────────────────────────────────────────┘ what has no answer is told as failed
//! ```

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

use appliance::StationEvent;
use station::PathId;
use station_wire::{MAX_FRAME, Reply, ReplyFault, Request, Sequence, Splitter};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::Instant;

use super::StationWire;
use super::allowance::Allowance;
use super::odd::Odd;
use super::pad::Pad;
use super::wire::{Read, Wire};

/// Frames that wait for a connection, and frames that wait for an answer: twice what is on its way.
const MAX_WAITING: usize = 16;
/// Read at a time: any datagram that holds a frame, and some frames of a stream.
const CHUNK: usize = 2 * MAX_FRAME;

/// For one path.
#[derive(Debug)]
pub(super) enum PathCommand {
    /// Write this, from this source.
    Send { source: IpAddr, request: Request },
    /// Close what there is.
    Close,
}

/// See the file's head.
pub(super) struct Path {
    id: PathId,
    station: StationWire,
    pad: Pad,
    events: Sender<StationEvent>,
    odd: Odd,
    allowance: Allowance,
    state: State,
}

enum State {
    Closed,
    Dialling { source: IpAddr, dial: Dial, waiting: VecDeque<Frame> },
    Open { source: IpAddr, wire: Wire, splitter: Splitter, unanswered: VecDeque<Sequence> },
}

type Dial = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

struct Frame {
    sequence: Sequence,
    octets: Vec<u8>,
}

enum Happened {
    Dialled(io::Result<Wire>),
    Read(io::Result<Read>),
}

/// Nobody listens to events any more.
struct Unheard;

impl Path {
    pub(super) fn new(id: PathId, station: StationWire, pad: Pad, events: Sender<StationEvent>) -> Self {
        let allowance = Allowance::new(Instant::now());
        Self { id, station, pad, events, odd: Odd::default(), allowance, state: State::Closed }
    }

    /// Until nobody gives commands or listens to events.
    pub(super) async fn run(mut self, mut commands: Receiver<PathCommand>) {
        let mut chunk = vec![0; CHUNK];
        loop {
            let served = tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                () = self.odd.due() => self.tell_odd().await,
                happened = self.state.next(&mut chunk) => self.take(happened, &chunk).await,
            };
            if served.is_err() {
                return;
            }
        }
    }

    async fn obey(&mut self, command: PathCommand) -> Result<(), Unheard> {
        match command {
            PathCommand::Send { source, request } => self.send(source, &request).await,
            PathCommand::Close => self.close("the link is gone").await,
        }
    }

    async fn send(&mut self, source: IpAddr, request: &Request) -> Result<(), Unheard> {
        if self.state.source().is_some_and(|bound| bound != source) {
            self.close("the link has another address").await?;
        }
        let octets = request.encode(self.station.key.as_ref(), &mut || self.pad.octet());
        let frame = Frame { sequence: request.sequence, octets };
        match &mut self.state {
            State::Open { .. } => self.write(frame).await,
            State::Dialling { waiting, .. } => match push_newest(waiting, frame) {
                Some(given_up) => self.tell_failed(given_up, "too many frames wait for a connection").await,
                None => Ok(()),
            },
            State::Closed => {
                let StationWire { address, transport, .. } = self.station;
                let dial = Box::pin(Wire::dial(transport, address, self.id.link, source));
                self.state = State::Dialling { source, dial, waiting: VecDeque::from([frame]) };
                Ok(())
            }
        }
    }

    async fn write(&mut self, frame: Frame) -> Result<(), Unheard> {
        let State::Open { wire, unanswered, .. } = &mut self.state else { return Ok(()) };
        unanswered.retain(|sequence| *sequence != frame.sequence);
        if unanswered.len() == MAX_WAITING {
            unanswered.pop_front();
        }
        unanswered.push_back(frame.sequence);
        match wire.write(&frame.octets).await {
            Ok(()) => Ok(()),
            Err(error) => self.failed(&error).await,
        }
    }

    async fn take(&mut self, happened: Happened, chunk: &[u8]) -> Result<(), Unheard> {
        match happened {
            Happened::Dialled(Ok(wire)) => self.open(wire).await,
            Happened::Dialled(Err(error)) => self.close(&error.to_string()).await,
            Happened::Read(Ok(Read::Octets(count))) => self.hear(&chunk[..count]).await,
            Happened::Read(Ok(Read::End)) => self.close("the station closed the connection").await,
            Happened::Read(Err(error)) => self.failed(&error).await,
        }
    }

    async fn open(&mut self, wire: Wire) -> Result<(), Unheard> {
        let State::Dialling { source, waiting, .. } = std::mem::replace(&mut self.state, State::Closed)
        else {
            return Ok(());
        };
        let splitter = Splitter::default();
        self.state = State::Open { source, wire, splitter, unanswered: VecDeque::new() };
        for frame in waiting {
            if matches!(self.state, State::Closed) {
                self.tell_failed(frame.sequence, "the connection was lost").await?;
            } else {
                self.write(frame).await?;
            }
        }
        Ok(())
    }

    async fn hear(&mut self, octets: &[u8]) -> Result<(), Unheard> {
        for reply in self.replies(octets) {
            self.state.answered(reply.sequence);
            let event = StationEvent::Reply { path: self.id, reply };
            self.events.send(event).await.map_err(|_| Unheard)?;
        }
        Ok(())
    }

    fn replies(&mut self, octets: &[u8]) -> Vec<Reply> {
        let State::Open { wire, splitter, .. } = &mut self.state else { return Vec::new() };
        let (key, odd, allowance) = (self.station.key.as_ref(), &mut self.odd, &mut self.allowance);
        let (now, before) = (Instant::now(), (splitter.oversized, splitter.skipped));
        let mut replies = Vec::new();
        splitter.feed(octets, |frame| match Reply::decode(frame, key) {
            Ok(reply) if allowance.one_more(now) => replies.push(reply),
            Ok(_) => odd.add(1, || "more replies than anybody asked for".to_owned()),
            Err(fault) => odd.add(1, || words(fault).to_owned()),
        });
        let (oversized, skipped) =
            (splitter.oversized.wrapping_sub(before.0), splitter.skipped.wrapping_sub(before.1));
        odd.add(oversized, || format!("a frame of more than {MAX_FRAME} octets"));
        odd.add(skipped.min(1), || format!("{skipped} octets outside of any frame"));
        if wire.survives_errors() {
            // A frame never goes on in another datagram.
            let cut_short = splitter.start_again();
            odd.add(u32::from(cut_short), || "a datagram with a part of a frame".to_owned());
        }
        replies
    }

    /// A connection is over by it; a socket is not.
    async fn failed(&mut self, error: &io::Error) -> Result<(), Unheard> {
        match &mut self.state {
            State::Open { wire, unanswered, .. } if wire.survives_errors() => {
                let unanswered = std::mem::take(unanswered);
                self.tell_all_failed(unanswered, &error.to_string()).await
            }
            State::Open { .. } | State::Dialling { .. } | State::Closed => {
                self.close(&error.to_string()).await
            }
        }
    }

    async fn close(&mut self, why: &str) -> Result<(), Unheard> {
        let unsent = match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => return Ok(()),
            State::Dialling { waiting, .. } => waiting.into_iter().map(|frame| frame.sequence).collect(),
            State::Open { unanswered, .. } => unanswered,
        };
        self.tell_all_failed(unsent, why).await
    }

    async fn tell_all_failed(&mut self, sequences: VecDeque<Sequence>, why: &str) -> Result<(), Unheard> {
        for sequence in sequences {
            self.tell_failed(sequence, why).await?;
        }
        Ok(())
    }

    async fn tell_failed(&mut self, sequence: Sequence, why: &str) -> Result<(), Unheard> {
        let why = format!("{} at {}: {why}", self.id, self.station.address);
        let event = StationEvent::SendFailed { path: self.id, sequence, why };
        self.events.send(event).await.map_err(|_| Unheard)
    }

    async fn tell_odd(&mut self) -> Result<(), Unheard> {
        let (count, what) = self.odd.take();
        let event = StationEvent::Odd { path: self.id, count, what };
        self.events.send(event).await.map_err(|_| Unheard)
    }
}

impl State {
    /// What the wire does next. Cancelling loses nothing.
    async fn next(&mut self, chunk: &mut [u8]) -> Happened {
        match self {
            Self::Closed => std::future::pending().await,
            Self::Dialling { dial, .. } => Happened::Dialled(dial.await),
            Self::Open { wire, .. } => Happened::Read(wire.read(chunk).await),
        }
    }

    const fn source(&self) -> Option<IpAddr> {
        match self {
            Self::Closed => None,
            Self::Dialling { source, .. } | Self::Open { source, .. } => Some(*source),
        }
    }

    fn answered(&mut self, number: u16) {
        if let Self::Open { unanswered, .. } = self {
            unanswered.retain(|sequence| sequence.number() != number);
        }
    }
}

/// A retry takes the place of what it repeats. Answers with the sequence that had to give way.
fn push_newest(waiting: &mut VecDeque<Frame>, frame: Frame) -> Option<Sequence> {
    waiting.retain(|waits| waits.sequence != frame.sequence);
    let given_up =
        if waiting.len() == MAX_WAITING { waiting.pop_front().map(|oldest| oldest.sequence) } else { None };
    waiting.push_back(frame);
    given_up
}

const fn words(fault: ReplyFault) -> &'static str {
    match fault {
        ReplyFault::Shape => "no frame of DC-09",
        ReplyFault::Checksum => "a frame with a wrong checksum",
        ReplyFault::Undecipherable => {
            "an encrypted frame that our key does not open; compare the key with the station's"
        }
    }
}
