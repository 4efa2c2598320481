//! The stations' wire: DC-09 frames out, replies in, over every path (station and link) by itself.
//!
//! ```text
//!   StationHandle::try_send ──> dispatch ──> path task ──> socket: mark, source ──> station
//!   StationEvent            <──────────────  path task <── Splitter, Reply::decode <──┘
//! ```
//! A thread with a runtime of its own: neither telemetry nor a slow disk delays an acknowledgement.
//! For each path there is at most one connection or one connected socket, so that only what comes
//! from the station's own address is read at all. It is opened when there is something to send, kept,
//! and opened again when the source changes or it failed.
//!
//! It decides nothing: it never sends by itself or twice, and whether a reply counts is said elsewhere.
//! It refuses to show a key, and to wait for anybody in [`StationHandle::try_send`].

mod allowance;
mod dispatch;
mod odd;
mod pad;
mod path;
mod wire;

use std::net::SocketAddr;

use appliance::{StationCommand, StationEvent};
use station_wire::Key;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, channel};

use dispatch::Dispatch;

/// All stations of the site.
#[derive(Clone, Debug)]
pub struct StationPortConfig {
    /// In the order of the site file: a station's place is its [`station::StationId`].
    pub stations: Vec<StationWire>,
    /// Of the daemon's one seed: the padding of encrypted frames comes from it.
    pub seed: u64,
}

/// How a station is reached.
#[derive(Clone, Debug)]
pub struct StationWire {
    /// Where it listens.
    pub address: SocketAddr,
    /// How frames travel.
    pub transport: Transport,
    /// Frames are encrypted with it; `None`: in clear.
    pub key: Option<Key>,
}

/// How frames travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One connection for each path.
    Tcp,
    /// One socket for each path.
    Udp,
}

/// The thread that talks to the stations. Dropping it ends the thread and closes all sockets.
#[derive(Debug)]
pub struct StationHandle {
    commands: Sender<StationCommand>,
}

/// Why there is no wire to the stations.
#[derive(Debug, thiserror::Error)]
pub enum StationPortError {
    /// No thread or no runtime.
    #[error(
        "the stations' thread could not be started: {0}; raise the limit of tasks or files (systemd: TasksMax, LimitNOFILE)"
    )]
    Thread(#[from] std::io::Error),
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StationCommandError {
    /// What was not sent is tried again by its machine.
    #[error("stations' thread: {COMMANDS} commands wait already; give it again later")]
    Full,
    /// The thread has ended.
    #[error("stations' thread: has ended; spawn it again")]
    Ended,
}

/// Starts the thread, in the caller's network namespace.
///
/// # Errors
/// No thread or no runtime.
pub fn spawn(
    config: StationPortConfig,
    events: Sender<StationEvent>,
) -> Result<StationHandle, StationPortError> {
    let (commands, to_obey) = channel(COMMANDS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let dispatch = Dispatch::new(config, to_obey, events);
    let work = move || runtime.block_on(dispatch.run());
    std::thread::Builder::new().name("stations".to_owned()).spawn(work)?;
    Ok(StationHandle { commands })
}

impl StationHandle {
    /// Gives a command without waiting.
    ///
    /// # Errors
    /// When too many wait, or the thread has ended.
    pub fn try_send(&self, command: StationCommand) -> Result<(), StationCommandError> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => StationCommandError::Full,
            TrySendError::Closed(_) => StationCommandError::Ended,
        })
    }

    /// Whether the thread runs. It ends by itself only when nobody listens to its events.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.commands.is_closed()
    }
}

/// Commands that wait for the thread: signals on their way and signs of life, many times over.
const COMMANDS: usize = 256;
