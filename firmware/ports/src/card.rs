//! The line card's wire: one thread that owns the serial port.
//!
//! It keeps the link up, opens the device again when it comes back, and passes events on: each
//! numbered one once for its card boot and number while the process lives. It listens to what the
//! lines say and tells the digits; it asks the card for tones and voltage.
//!
//! It refuses to acknowledge an event before it is told to, to block on a full channel or a full
//! wire, to let audio stand before an event, and to end because a device is gone.

mod device;
mod ears;
mod garbage;
mod retry;
mod wishes;
mod words;
mod worker;

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};

use appliance::{CardCommand, CardEvent};
use tokio::sync::mpsc::Sender;

use ears::Ears;
use worker::Worker;

/// Where the card is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardConfig {
    /// The serial device.
    pub device: PathBuf,
    /// Bits per second, 8N1.
    pub baud: u32,
    /// How many lines the board says the card has.
    pub lines: u8,
    /// Drawn once for the process: this session's boot id and the jitter of retries come from it.
    pub seed: u64,
}

/// The running thread. Dropping it ends the thread and closes the device.
#[derive(Debug)]
pub struct CardHandle {
    commands: SyncSender<CardCommand>,
    /// `None` only while the handle is being dropped.
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
    audio_lost: Arc<AtomicU64>,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardCommandError {
    /// The thread is behind; an acknowledgement that is given again later covers this one.
    #[error("card thread: {COMMANDS} commands wait already; give it again later")]
    Full,
    /// The thread has ended.
    #[error("card thread: has ended; spawn it again")]
    Ended,
}

/// Starts the thread. A device that is missing is told as [`CardEvent::Lost`] and waited for.
///
/// # Errors
/// When the kernel gives no thread or no socket pair.
pub fn spawn(config: CardConfig, events: Sender<CardEvent>) -> io::Result<CardHandle> {
    let (commands, to_obey) = sync_channel(COMMANDS);
    let (wake, woken) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let audio_lost = Arc::new(AtomicU64::new(0));
    let worker = Worker::new(config, events, to_obey, woken, Ears::new(audio_lost.clone()));
    let thread = Builder::new().name("card".to_owned()).spawn(move || worker.run())?;
    Ok(CardHandle { commands, wake: Some(wake), thread: Some(thread), audio_lost })
}

impl CardHandle {
    /// Gives a command without waiting.
    ///
    /// # Errors
    /// When too many wait, or the thread has ended.
    pub fn try_send(&self, command: CardCommand) -> Result<(), CardCommandError> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => CardCommandError::Full,
            TrySendError::Disconnected(_) => CardCommandError::Ended,
        })?;
        if let Some(mut wake) = self.wake.as_ref() {
            // A full socket means that the thread has not yet looked at an earlier call: it will.
            let _already_awake = wake.write(&[0]);
        }
        Ok(())
    }

    /// Whether the thread runs. It ends by itself only when nobody listens to its events.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Frames of 10 ms, over all lines, that the card's counter shows but that never came.
    #[must_use]
    pub fn audio_frames_lost(&self) -> u64 {
        self.audio_lost.load(Ordering::Relaxed)
    }

    /// Ends the thread, and returns when the device is closed.
    pub fn stop(self) {}
}

impl Drop for CardHandle {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            if thread.join().is_err() {
                tracing::error!("the card thread had panicked");
            }
        }
    }
}

/// Commands that wait: eight lines that are lifted at once ask for a handful each.
const COMMANDS: usize = 64;
