//! The daemon's card thread against a simulated card on a real pseudo-terminal.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use appliance::{CardCommand, CardEvent};
use ata_sim::{Handle, Options, Report, Settings, spawn};
use ports::card::{CardConfig, CardHandle};
use tokio::sync::mpsc::Receiver;

/// Nothing in these tests takes nearly so long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Change = (u8, bool, u32, u32, u16);

pub(crate) struct Desk {
    pub(crate) sim: Handle,
    pub(crate) card: CardHandle,
    pub(crate) events: Receiver<CardEvent>,
    config: CardConfig,
    _folder: tempfile::TempDir,
}

impl Desk {
    /// A simulator with two lines and a card thread that has said `Ready`.
    pub(crate) fn ready(error_rate: f64) -> Self {
        let mut desk = Self::with_channel(error_rate, 256);
        let ready = desk.next_but_garbage();
        assert!(matches!(ready, CardEvent::Ready(_)), "{ready:?}");
        desk
    }

    pub(crate) fn with_channel(error_rate: f64, room: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the link");
        let device = folder.path().join("card");
        let settings = Settings { lines: 2, seed: 11, serial: "DESK".to_owned(), error_rate };
        let options = Options { settings, baud: 921_600, link: Some(device.clone()) };
        let sim = spawn(options).expect("a pty");
        wait_for(&device);
        let config = CardConfig { device, baud: 921_600, lines: 2, seed: 5 };
        let (card, events) = start(&config, room);
        Self { sim, card, events, config, _folder: folder }
    }

    /// Kills the card thread and starts another one, as a restart of the daemon does.
    pub(crate) fn restart(&mut self) {
        let config = CardConfig { seed: self.config.seed + 1, ..self.config.clone() };
        self.stop();
        (self.card, self.events) = start(&config, 256);
        self.config = config;
    }

    fn stop(&mut self) {
        let nowhere = CardConfig { device: PathBuf::from("/nonexistent/card"), ..self.config.clone() };
        let (placeholder, _) = start(&nowhere, 1);
        std::mem::replace(&mut self.card, placeholder).stop();
    }

    pub(crate) fn command(&mut self, words: &str) {
        let answer = self.sim.command(words).expect("the simulator answers");
        assert!(answer.ok, "{words}: {answer:?}");
    }

    /// The next event; fails after [`PATIENCE`].
    pub(crate) fn next(&mut self) -> CardEvent {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.events.try_recv() {
                Ok(event) => return event,
                Err(error) => assert!(Instant::now() < until, "no event: {error}"),
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Waits for an event, passing over garbage counts.
    pub(crate) fn next_but_garbage(&mut self) -> CardEvent {
        loop {
            let event = self.next();
            if !matches!(event, CardEvent::Garbage { .. }) {
                return event;
            }
        }
    }

    pub(crate) fn keep(&self, card_boot: u32, card_seq: u16) {
        let command = CardCommand::Acknowledge { card_boot, card_seq };
        self.card.try_send(command).expect("room for an acknowledgement");
    }

    /// Takes hook changes until there are so many, keeping each; also gives what else was told.
    pub(crate) fn keep_changes(&mut self, count: usize) -> (Vec<Change>, Vec<CardEvent>) {
        let (mut changes, mut others) = (Vec::new(), Vec::new());
        while changes.len() < count {
            let event = self.next();
            if let CardEvent::Hook { line, off_hook, sample, card_boot, card_seq } = event {
                self.keep(card_boot, card_seq);
                changes.push((line.0, off_hook, sample, card_boot, card_seq));
            } else {
                others.push(event);
            }
        }
        (changes, others)
    }

    /// Every hook change that the simulator has reported so far.
    pub(crate) fn truth(&self) -> Vec<Change> {
        self.sim.reports().try_iter().filter_map(|report| change_of(&report)).collect()
    }

    /// Asks the simulator until it is so.
    pub(crate) fn wait_until(&mut self, what: &str, so: impl Fn(&ata_sim::Status) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.sim.status().expect("the simulator answers");
            if so(&status) {
                return;
            }
            assert!(Instant::now() < until, "waited for: {what}; it is {status:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn start(config: &CardConfig, room: usize) -> (CardHandle, Receiver<CardEvent>) {
    let (sender, events) = tokio::sync::mpsc::channel(room);
    (ports::card::spawn(config.clone(), sender).expect("a thread"), events)
}

fn wait_for(device: &std::path::Path) {
    let until = Instant::now() + PATIENCE;
    while !device.exists() {
        assert!(Instant::now() < until, "no device at {}", device.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn change_of(report: &Report) -> Option<Change> {
    match report {
        Report::Hook { line, off_hook, sample, card_boot, card_seq } => {
            Some((*line, *off_hook, *sample, *card_boot, *card_seq))
        }
        Report::Plugged { .. }
        | Report::Unplugged
        | Report::Link { .. }
        | Report::HostDead { .. }
        | Report::Boot { .. }
        | Report::Flipped { .. }
        | Report::Lost { .. }
        | Report::Panel { .. }
        | Report::Recording { .. }
        | Report::RecordingEnded { .. } => None,
    }
}
