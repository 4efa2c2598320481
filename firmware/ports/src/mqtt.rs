//! The MQTT session: one client, one fixed identity, over a link that the appliance chose.
//!
//! ```text
//!   MqttHandle::try_send --> session --> connection --> rumqttc --> bridge --> broker
//!   MqttEvent            <--         <--            <--         <--
//! ```
//! A thread with a runtime of its own: telemetry can stall without anybody noticing on the lines.
//! rumqttc is a dumb pipe: each connection gets a client of its own, so that nothing of the one
//! before is in flight, and the outbox begins again from its spool's head. A connection that
//! neither speaks nor acknowledges is dropped; the next is dialled with full jitter, at once when
//! the link changed.
//!
//! It refuses to publish anything that was meant for an earlier connection.

mod connection;
mod jitter;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use appliance::{MqttCommand, MqttEvent};
use noc_messages::SiteId;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::tls::ClientTls;
use session::Session;

/// Commands that wait for the thread: a window of publications, with room for all else.
const COMMANDS: usize = 4 * outbox::WINDOW;

/// Who and where to.
pub struct MqttPortConfig {
    /// The site's name: client identifier and topics.
    pub site: SiteId,
    /// Number of the daemon's start.
    pub boot: u32,
    /// The broker's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Mutual TLS; `None` only where the site file says `insecure = ["mqtt-without-tls"]`.
    pub tls: Option<ClientTls>,
    /// MQTT keep-alive, at least a second.
    pub keep_alive: Duration,
    /// Where the bridge's socket lies; only the daemon may write there.
    pub run_dir: PathBuf,
    /// Of the daemon's one seed: back-off derives from it.
    pub seed: u64,
}

/// Why there is no MQTT.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// No thread or no runtime.
    #[error(
        "the MQTT thread could not be started: {0}; raise the limit of tasks or files (systemd: TasksMax, LimitNOFILE)"
    )]
    Thread(#[from] std::io::Error),
}

/// The thread that talks to the broker.
pub struct MqttPort;

/// Gives commands to the session; dropping it ends the session without goodbye.
pub struct MqttHandle {
    commands: mpsc::Sender<MqttCommand>,
    overflown: Arc<AtomicBool>,
}

impl MqttPort {
    /// Starts the thread. It dials once it has been told which links to use.
    ///
    /// # Errors
    /// No thread or no runtime.
    pub fn spawn(config: MqttPortConfig, events: mpsc::Sender<MqttEvent>) -> Result<MqttHandle, MqttError> {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let overflown = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Only the resolver blocks.
            .max_blocking_threads(2)
            .build()?;
        let session = Session::new(config, receiver, events, overflown.clone());
        std::thread::Builder::new().name("mqtt".to_owned()).spawn(move || session.serve(&runtime))?;
        Ok(MqttHandle { commands, overflown })
    }
}

impl MqttHandle {
    /// Never waits. A publication that finds no room costs the connection: the outbox starts again
    /// from its spool with the next one, so nothing is lost by it.
    pub fn try_send(&self, command: MqttCommand) {
        if let Err(TrySendError::Full(_)) = self.commands.try_send(command) {
            self.overflown.store(true, Ordering::Relaxed);
        }
    }
}
