//! Local questions over a unix socket: one line of JSON in, one line of JSON out.
//!
//! ```text
//!   holdfast ──line──> connection ──Question──> loop of the daemon
//!            <──line──            <──answer───
//! ```
//! It changes exactly one thing: an account is put on test or taken off it, with the name of who asked.
//! It refuses everything else. Whoever may open the socket (owner and group) may ask. A client that is
//! slow, silent, talkative or wrong costs one of a few places for a few seconds, never the daemon's time.

mod ask;
mod connection;
#[cfg(test)]
mod tests;

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

pub use ask::{Ask, MAX_CALLS, MAX_TEST_MINUTES};

/// Clients at the same time; the next one is told so and sent away.
pub const MAX_CONNECTIONS: usize = 8;

/// The longest request, its line feed included, bytes.
pub const MAX_LINE: usize = 4096;

/// For a request to come, for the daemon to answer, for the answer to be taken.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A failing `accept` (no file descriptors left) must not become a busy loop.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Owner and group may ask.
const MODE: u32 = 0o660;

/// A question with the way back.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub ask: Ask,
    /// Takes the answer; whoever asked may have gone.
    pub answer: oneshot::Sender<Value>,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another daemon answers on it.
    #[error("{0} is in use by a running daemon: stop that one first, or use another run directory")]
    InUse(PathBuf),
    /// Something that is no socket has its name.
    #[error("{0} exists and is not a socket: remove it, or use another run directory")]
    NotASocket(PathBuf),
    /// The kernel refused.
    #[error("cannot listen on {path}: {source}; the run directory must exist and be writable")]
    Listen {
        /// The socket.
        path: PathBuf,
        /// The kernel's words.
        source: io::Error,
    },
}

/// Listens on `path`, mode 0660. A socket that a dead daemon left behind is replaced.
///
/// # Errors
/// When another daemon answers there, or the socket cannot be made.
pub async fn listen(path: &Path) -> Result<UnixListener, ControlError> {
    remove_stale(path).await?;
    let failed = |source| ControlError::Listen { path: path.to_owned(), source };
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(failed)?;
    Ok(listener)
}

/// Serves until nobody takes questions any more.
pub async fn serve(listener: UnixListener, questions: mpsc::Sender<Question>) {
    serve_with(listener, questions, PATIENCE).await;
}

async fn serve_with(listener: UnixListener, questions: mpsc::Sender<Question>, patience: Duration) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = questions.closed() => return,
            Some(ended) = connections.join_next() => report(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(connection::serve(stream, questions.clone(), patience));
                }
                Ok((stream, _)) => connection::send_away(&stream),
                Err(error) => {
                    tracing::debug!(%error, "a question could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            },
        }
    }
}

async fn remove_stale(path: &Path) -> Result<(), ControlError> {
    let failed = |source| ControlError::Listen { path: path.to_owned(), source };
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !there.file_type().is_socket() {
        return Err(ControlError::NotASocket(path.to_owned()));
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(ControlError::InUse(path.to_owned()));
    }
    std::fs::remove_file(path).map_err(failed)
}

fn report(ended: Result<io::Result<()>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a client of the control socket went away"),
        Err(error) => tracing::error!(%error, "a connection of the control socket ended abnormally"),
    }
}
