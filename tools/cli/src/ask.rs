//! One question over the daemon's socket: one line out, one line back, all within a bound of time
//! and size.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// The daemon answers within 5 s or says that it cannot.
const PATIENCE: Duration = Duration::from_secs(6);

/// Sixty links in two families take some hundred kilobytes.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// Nobody listens.
    NotRunning(PathBuf),
    /// Somebody listens, but not to us.
    NotAllowed(PathBuf),
    /// The socket failed.
    Broken(PathBuf, io::Error),
    /// The daemon said no.
    Refused(String),
    /// What came back is no answer.
    Garbled(String),
}

impl AskError {
    /// 3: cannot be asked; 4: refused, or no answer.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::NotRunning(_) | Self::NotAllowed(_) | Self::Broken(..) => 3,
            Self::Refused(_) | Self::Garbled(_) => 4,
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning(socket) => write!(
                f,
                "the daemon is not running: nobody answers on {}. See `systemctl status holdfastd` and \
                 `journalctl -u holdfastd`; for a daemon with another run directory give --socket",
                socket.display()
            ),
            Self::NotAllowed(socket) => write!(
                f,
                "you may not ask: {} is for its owner and group. Ask as root, or join the socket's group",
                socket.display()
            ),
            Self::Broken(socket, error) => {
                write!(
                    f,
                    "no answer over {}: {error}. If this lasts, the daemon hangs: see its journal",
                    socket.display()
                )
            }
            Self::Refused(why) => write!(f, "the daemon refused: {why}"),
            Self::Garbled(why) => {
                write!(f, "the answer makes no sense ({why}): are daemon and holdfast of the same release?")
            }
        }
    }
}

/// Asks; an answer is a JSON object without `error`.
pub(crate) fn ask(socket: &Path, request: &Value) -> Result<Value, AskError> {
    let line = exchange(socket, request).map_err(|error| of(socket, error))?;
    understand(&line)
}

fn of(socket: &Path, error: io::Error) -> AskError {
    let kind = error.kind();
    if [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&kind) {
        AskError::NotRunning(socket.into())
    } else if kind == io::ErrorKind::PermissionDenied {
        AskError::NotAllowed(socket.into())
    } else {
        AskError::Broken(socket.into(), error)
    }
}

fn exchange(socket: &Path, request: &Value) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A daemon that is busy answers and closes before it has read.
    let sent = stream.write_all(format!("{request}\n").as_bytes());
    let mut line = String::new();
    match BufReader::new(stream).take(MAX_ANSWER).read_line(&mut line) {
        Ok(_) => Ok(line),
        Err(_) if sent.is_err() => sent.map(|()| line),
        Err(error) => Err(error),
    }
}

fn understand(line: &str) -> Result<Value, AskError> {
    if !line.ends_with('\n') {
        return Err(AskError::Garbled(format!("it ends after {} bytes", line.len())));
    }
    let answer: Value = serde_json::from_str(line).map_err(|error| AskError::Garbled(error.to_string()))?;
    match (answer.is_object(), answer.get("error").and_then(Value::as_str)) {
        (_, Some(why)) => Err(AskError::Refused(why.to_owned())),
        (true, None) => Ok(answer),
        (false, None) => Err(AskError::Garbled("it is not an object".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_object_on_one_line() {
        let cases = [
            ("{\"a\":1}\n", None),
            ("{\"error\":\"no\"}\n", Some(4)),
            ("{\"a\":1}", Some(4)),
            ("", Some(4)),
            ("[]\n", Some(4)),
            ("{\n", Some(4)),
        ];
        for (line, code) in cases {
            assert_eq!(understand(line).err().map(|e| e.exit_code()), code, "{line:?}");
        }
    }

    #[test]
    fn a_missing_socket_is_a_daemon_that_does_not_run() {
        let error = ask(Path::new("/nowhere/control.sock"), &Value::Null).unwrap_err();
        assert!(matches!(error, AskError::NotRunning(_)), "{error:?}");
        assert!(error.to_string().contains("systemctl status holdfastd"), "{error}");
    }
}
