//! The thread's loop: octets to the session, events out, commands in, and a device that may be gone.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use appliance::{CardCommand, CardEvent};
use ata_wire::limits::MAX_WIRE;
use ata_wire::{CardState, ControlKind, Event, EventKind, Greeting, HostEvent, HostSession, Seq};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::device::{Device, DeviceError};
use super::ears::Ears;
use super::garbage::Garbage;
use super::retry::Retry;
use super::wishes::Wishes;
use super::{CardConfig, words};

/// Everything the thread owns.
pub(super) struct Worker {
    config: CardConfig,
    events: Sender<CardEvent>,
    commands: Receiver<CardCommand>,
    woken: UnixStream,
    session: HostSession,
    wire: Wire,
    retry: Retry,
    garbage: Garbage,
    wishes: Wishes,
    ears: Ears,
    /// The boot of the card that is or was linked.
    card_boot: u32,
    /// Why the card was last told to be lost; `None` while it is ready.
    lost: Option<String>,
    /// Events that found no room; nothing is taken from the session before they are out.
    waiting: VecDeque<CardEvent>,
}

/// The device, or when to look for it.
enum Wire {
    Open { device: Device, unsent: Vec<u8> },
    Closed { retry_ms: u64 },
}

/// What woke the thread.
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    commands: bool,
    octets: bool,
}

/// The handle is dropped, or nobody listens.
struct Ended;

impl Worker {
    pub(super) fn new(
        config: CardConfig,
        events: Sender<CardEvent>,
        commands: Receiver<CardCommand>,
        woken: UnixStream,
        ears: Ears,
    ) -> Self {
        let host_boot = (config.seed >> 32) as u32 ^ config.seed as u32;
        Self {
            session: HostSession::new(host_boot, now_ms()),
            retry: Retry::new(config.seed),
            wire: Wire::Closed { retry_ms: 0 },
            garbage: Garbage::default(),
            wishes: Wishes::default(),
            ears,
            card_boot: 0,
            lost: None,
            waiting: VecDeque::with_capacity(MAX_WAITING),
            config,
            events,
            commands,
            woken,
        }
    }

    pub(super) fn run(mut self) {
        while let Ok(()) = self.turn() {}
    }

    fn turn(&mut self) -> Result<(), Ended> {
        self.open_if_due()?;
        self.send_octets()?;
        let ready = self.wait();
        if ready.commands {
            self.take_commands()?;
        }
        if ready.octets {
            self.take_octets()?;
        }
        // Without a device there is nobody to be silent.
        if matches!(self.wire, Wire::Open { .. }) {
            self.session.handle_timeout(now_ms());
        }
        self.deliver()?;
        self.wishes.hand_over(&mut self.session, now_ms());
        if self.events.is_closed() { Err(Ended) } else { Ok(()) }
    }

    fn open_if_due(&mut self) -> Result<(), Ended> {
        let now_ms = now_ms();
        if !matches!(self.wire, Wire::Closed { retry_ms } if now_ms >= retry_ms) {
            return Ok(());
        }
        match Device::open(&self.config.device, self.config.baud) {
            Ok(device) => {
                self.session.reopened(now_ms);
                self.wire = Wire::Open { device, unsent: Vec::with_capacity(MAX_WIRE) };
                Ok(())
            }
            Err(error) => self.close(&error),
        }
    }

    /// What the card said before it went is told first.
    fn close(&mut self, error: &DeviceError) -> Result<(), Ended> {
        self.wire = Wire::Closed { retry_ms: now_ms() + self.retry.wait_ms() };
        self.deliver()?;
        if self.waiting.len() < MAX_WAITING {
            let lost = self.lose(error.to_string());
            self.waiting.extend(lost);
        }
        Ok(())
    }

    fn send_octets(&mut self) -> Result<(), Ended> {
        let Wire::Open { device, unsent } = &mut self.wire else { return Ok(()) };
        let sent = send(device, unsent, &mut self.session);
        sent.or_else(|cause| self.gone(cause))
    }

    fn take_octets(&mut self) -> Result<(), Ended> {
        let Wire::Open { device, .. } = &self.wire else { return Ok(()) };
        let mut octets = [0; READ_SIZE];
        match device.read(&mut octets) {
            Ok(count) => {
                self.session.receive(&octets[..count.unwrap_or(0)], now_ms());
                Ok(())
            }
            Err(cause) => self.gone(cause),
        }
    }

    fn gone(&mut self, cause: io::Error) -> Result<(), Ended> {
        self.close(&DeviceError::Gone { path: self.config.device.clone(), cause })
    }

    fn take_commands(&mut self) -> Result<(), Ended> {
        let mut calls = [0; 64];
        if let Ok(0) = self.woken.read(&mut calls) {
            return Err(Ended);
        }
        while let Ok(command) = self.commands.try_recv() {
            self.obey(&command);
        }
        Ok(())
    }

    fn obey(&mut self, command: &CardCommand) {
        let now_ms = now_ms();
        match *command {
            CardCommand::Acknowledge { card_boot, card_seq } => {
                self.session.acknowledge(card_boot, Seq(card_seq));
            }
            CardCommand::Play { line, play, sequence, window } => {
                let kind = words::play(play, sequence, window);
                self.wishes.ask(line.0, kind, &mut self.session, now_ms);
            }
            CardCommand::Silence { line } => {
                self.wishes.ask(line.0, ControlKind::Stop, &mut self.session, now_ms);
            }
            CardCommand::Feed { line, on } => self.wishes.feed(line.0, on, &mut self.session, now_ms),
        }
    }

    /// Sleeps until the card, a command or the session asks for something.
    fn wait(&self) -> Ready {
        let mut fds = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        if let Wire::Open { device, unsent } = &self.wire {
            let room = if unsent.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
            fds.push(PollFd::new(device.as_fd(), PollFlags::POLLIN | room));
        }
        // An interrupted wait is a turn with nothing ready.
        if poll(&mut fds, self.timeout()).is_err() {
            return Ready::default();
        }
        let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        Ready { commands: is_ready(&fds[0]), octets: fds.get(1).is_some_and(is_ready) }
    }

    fn timeout(&self) -> PollTimeout {
        let at_ms = match self.wire {
            Wire::Open { .. } => self.session.poll_timeout(),
            Wire::Closed { retry_ms } => retry_ms,
        };
        let rest_ms = at_ms.saturating_sub(now_ms());
        // A full channel is looked at again soon; a full wire makes what is due wait.
        let rest_ms = if self.waiting.is_empty() { rest_ms } else { rest_ms.min(FULL_MS) };
        let full_wire = matches!(&self.wire, Wire::Open { unsent, .. } if !unsent.is_empty());
        let rest_ms = if full_wire { rest_ms.max(FULL_MS) } else { rest_ms };
        PollTimeout::try_from(Duration::from_millis(rest_ms)).unwrap_or(PollTimeout::MAX)
    }

    /// Passes on what there is to tell, as far as there is room.
    fn deliver(&mut self) -> Result<(), Ended> {
        while let Some(event) = self.next_event() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    return Ok(());
                }
                Err(TrySendError::Closed(_)) => return Err(Ended),
            }
        }
        Ok(())
    }

    /// What the card tells comes before what its lines say.
    fn next_event(&mut self) -> Option<CardEvent> {
        if let Some(event) = self.waiting.pop_front() {
            return Some(event);
        }
        while let Some(event) = self.session.poll_event() {
            if let Some(event) = self.translate(event) {
                return Some(event);
            }
        }
        while let Some(audio) = self.session.poll_audio() {
            self.ears.hear(&audio, self.card_boot, |heard| self.waiting.push_back(heard));
            if let Some(heard) = self.waiting.pop_front() {
                return Some(heard);
            }
        }
        self.garbage.due(self.session.counters(), now_ms())
    }

    fn translate(&mut self, event: HostEvent) -> Option<CardEvent> {
        match event {
            HostEvent::Linked(greeting, state) => Some(self.linked(&greeting, &state)),
            HostEvent::Lost(why) => self.lose(format!("card at {}: {why}", self.config.device.display())),
            HostEvent::Line { card_boot, event } => self.line(card_boot, &event),
        }
    }

    fn linked(&mut self, greeting: &Greeting, state: &CardState) -> CardEvent {
        self.lost = None;
        self.card_boot = greeting.card_boot;
        self.retry.reset();
        self.ears.begin_anew();
        self.wishes.begin_anew(&mut self.session, now_ms());
        words::warn_of_oddities(&self.config, greeting, state);
        CardEvent::Ready(words::hello(greeting, state))
    }

    fn line(&mut self, card_boot: u32, event: &Event) -> Option<CardEvent> {
        if let EventKind::HookChange { .. } = event.kind {
            self.ears.hook_changed(event.line);
        }
        let told = words::line(card_boot, event);
        if told.is_none() {
            self.session.disregard(card_boot, event.seq);
        }
        told
    }

    /// The same reason is told once.
    fn lose(&mut self, why: String) -> Option<CardEvent> {
        if self.lost.as_ref() == Some(&why) {
            return None;
        }
        self.lost = Some(why.clone());
        Some(CardEvent::Lost { why })
    }
}

/// Hands over frame after frame until there is none or the wire is full.
fn send(device: &Device, unsent: &mut Vec<u8>, session: &mut HostSession) -> io::Result<()> {
    let mut frame = [0; MAX_WIRE];
    loop {
        if unsent.is_empty() {
            let Some(len) = session.poll_transmit(now_ms(), &mut frame) else { return Ok(()) };
            unsent.extend(&frame[..len]);
        }
        let sent = device.write(unsent)?;
        if sent == 0 {
            return Ok(());
        }
        unsent.drain(..sent);
    }
}

fn now_ms() -> u64 {
    hal_linux::clock::tick().0
}

/// A turn's octets: 44 ms of the fastest wire.
const READ_SIZE: usize = 4096;

/// Events beside the session's own window: one that was refused, what the same 10 ms of audio held
/// beside it, and why the device is gone.
const MAX_WAITING: usize = 8;

/// How soon a full channel or a full wire is tried again.
const FULL_MS: u64 = 5;
