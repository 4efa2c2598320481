//! One line to a Unix socket, one line back: how the card's simulator and the daemon are asked.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Both answer at once or not at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Asks and waits for the answer.
pub(crate) fn ask(socket: &Path, line: &str) -> Result<String> {
    let about = || format!("ask {line:?} at {}", socket.display());
    let mut stream = UnixStream::connect(socket).with_context(about)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    writeln!(stream, "{line}").with_context(about)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).with_context(about)?;
    ensure!(answer.ends_with('\n'), "{}: the connection ended without an answer", about());
    Ok(answer.trim_end().to_owned())
}
