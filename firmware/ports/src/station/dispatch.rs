//! Gives each command to the task of its path. A task that ended by a panic is started again with the
//! next command: one path's fault is no other's.

use std::collections::BTreeMap;

use appliance::{StationCommand, StationEvent};
use station::PathId;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::StationPortConfig;
use super::pad::Pad;
use super::path::{Path, PathCommand};

/// Commands that wait for one path: all signals on their way, with room for signs of life.
const COMMANDS: usize = 32;

/// See the file's head.
pub(super) struct Dispatch {
    config: StationPortConfig,
    commands: Receiver<StationCommand>,
    events: Sender<StationEvent>,
    /// At most stations times links.
    paths: BTreeMap<PathId, Sender<PathCommand>>,
    seeds: Pad,
}

impl Dispatch {
    pub(super) fn new(
        config: StationPortConfig,
        commands: Receiver<StationCommand>,
        events: Sender<StationEvent>,
    ) -> Self {
        let seeds = Pad::new(config.seed);
        Self { config, commands, events, paths: BTreeMap::new(), seeds }
    }

    /// Until the handle is dropped or nobody listens to events.
    pub(super) async fn run(mut self) {
        loop {
            let command = tokio::select! {
                command = self.commands.recv() => command,
                () = self.events.closed() => None,
            };
            let Some(command) = command else { return };
            match command {
                StationCommand::Send { path, source, request } => {
                    let sequence = request.sequence;
                    if let Err(why) = self.give(path, PathCommand::Send { source, request }) {
                        let why = why.to_owned();
                        // The channel's other end is watched above.
                        self.events.send(StationEvent::SendFailed { path, sequence, why }).await.ok();
                    }
                }
                StationCommand::Close { path } => self.close(path),
            }
        }
    }

    /// A path whose channel is full gets a new task: its old one ends when its channel does.
    fn close(&mut self, path: PathId) {
        if let Some(commands) = self.paths.get(&path) {
            if commands.try_send(PathCommand::Close).is_err() {
                self.paths.remove(&path);
            }
        }
    }

    fn give(&mut self, path: PathId, command: PathCommand) -> Result<(), &'static str> {
        if self.paths.get(&path).is_none_or(Sender::is_closed) {
            let started = self.start(path).ok_or("the site has no such station")?;
            self.paths.insert(path, started);
        }
        let Some(commands) = self.paths.get(&path) else { return Err("the path has no task") };
        commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => "too many frames wait for this path already",
            TrySendError::Closed(_) => "the path's task ended just before",
        })
    }

    fn start(&mut self, path: PathId) -> Option<Sender<PathCommand>> {
        let wire = self.config.stations.get(usize::from(path.station.0))?.clone();
        let (commands, to_obey) = channel(COMMANDS);
        let pad = Pad::new(self.seeds.draw());
        tokio::spawn(Path::new(path, wire, pad, self.events.clone()).run(to_obey));
        Some(commands)
    }
}
