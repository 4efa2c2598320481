//! People and tests who command: standard input, and a unix socket that several may use at once.
//!
//! One line in, one line of JSON out. It never waits for a slow client: who does not read its
//! answers is dropped.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Everyone who may command.
#[derive(Debug, Default)]
pub struct Control {
    listener: Option<(UnixListener, PathBuf)>,
    clients: Vec<Client>,
    stdin: Option<Lines>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    lines: Lines,
}

/// A line and who said it.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) line: String,
    pub(crate) from: Who,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Stdin,
    Client(usize),
}

/// A source that can be waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Stdin,
    Listener,
    Client(usize),
}

impl Control {
    /// Nobody.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Also standard input, until it ends.
    #[must_use]
    pub fn with_stdin(mut self) -> Self {
        self.stdin = Some(Lines::default());
        self
    }

    /// Also this stream.
    pub fn with_client(mut self, stream: UnixStream) -> io::Result<Self> {
        self.admit(stream)?;
        Ok(self)
    }

    /// Also whoever connects to this path. A socket left behind by another run is replaced.
    pub fn with_socket(mut self, path: &Path) -> io::Result<Self> {
        let told =
            |error: io::Error| io::Error::new(error.kind(), format!("control {}: {error}", path.display()));
        if UnixStream::connect(path).is_ok() {
            let what = format!("control {}: another simulator answers there", path.display());
            return Err(io::Error::new(ErrorKind::AddrInUse, what));
        }
        if is_socket(path) {
            std::fs::remove_file(path).map_err(told)?;
        }
        let listener = UnixListener::bind(path).map_err(told)?;
        listener.set_nonblocking(true)?;
        self.listener = Some((listener, path.to_owned()));
        Ok(self)
    }

    /// What to wait for.
    pub(crate) fn sources(&self) -> Vec<(Source, BorrowedFd<'_>)> {
        let stdin = self.stdin.iter().map(|_| (Source::Stdin, stdin_fd()));
        let listener = self.listener.iter().map(|(listener, _)| (Source::Listener, listener.as_fd()));
        let clients = self.clients.iter().enumerate().map(|(n, c)| (Source::Client(n), c.stream.as_fd()));
        stdin.chain(listener).chain(clients).collect()
    }

    /// Takes what is there; sources in the order in which they were listed.
    pub(crate) fn take(&mut self, ready: &[Source]) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for source in ready {
            match *source {
                Source::Stdin => self.take_stdin(&mut wishes),
                Source::Listener => self.accept(),
                Source::Client(n) => self.take_client(n, &mut wishes),
            }
        }
        wishes
    }

    /// Answers; a client that is gone or full is dropped by the next [`Self::drop_gone`].
    pub(crate) fn answer(&mut self, client: usize, line: &str) {
        if let Some(client) = self.clients.get_mut(client) {
            if writeln!(client.stream, "{line}").is_err() {
                client.lines.ended = true;
            }
        }
    }

    /// Forgets who has gone. Indices of clients change.
    pub(crate) fn drop_gone(&mut self) {
        self.clients.retain(|client| !client.lines.ended);
        if self.stdin.as_ref().is_some_and(|lines| lines.ended) {
            self.stdin = None;
        }
    }

    fn accept(&mut self) {
        let Some((listener, _)) = &self.listener else { return };
        if let Ok((stream, _)) = listener.accept() {
            let _unusable = self.admit(stream);
        }
    }

    fn admit(&mut self, stream: UnixStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        if self.clients.len() < MAX_CLIENTS {
            self.clients.push(Client { stream, lines: Lines::default() });
        }
        Ok(())
    }

    fn take_stdin(&mut self, wishes: &mut Vec<Wish>) {
        let Some(lines) = &mut self.stdin else { return };
        let read = |buffer: &mut [u8]| nix::unistd::read(stdin_fd(), buffer).map_err(io::Error::from);
        lines.read(read);
        while let Some(line) = lines.next() {
            wishes.push(Wish { line, from: Who::Stdin });
        }
    }

    fn take_client(&mut self, n: usize, wishes: &mut Vec<Wish>) {
        let Some(Client { stream, lines }) = self.clients.get_mut(n) else { return };
        lines.read(|buffer| stream.read(buffer));
        while let Some(line) = lines.next() {
            wishes.push(Wish { line, from: Who::Client(n) });
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.listener {
            let _gone = std::fs::remove_file(path);
        }
    }
}

/// Octets to lines.
#[derive(Debug, Default)]
struct Lines {
    octets: Vec<u8>,
    ended: bool,
}

impl Lines {
    fn read(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) {
        let mut buffer = [0; 1024];
        match read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(count) => self.octets.extend(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.ended = true,
        }
        self.ended |= self.octets.len() > MAX_PENDING;
    }

    fn next(&mut self) -> Option<String> {
        let end = self.octets.iter().position(|octet| *octet == b'\n')?;
        let line: Vec<u8> = self.octets.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim().to_owned())
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

fn stdin_fd() -> BorrowedFd<'static> {
    static STDIN: std::sync::OnceLock<io::Stdin> = std::sync::OnceLock::new();
    STDIN.get_or_init(io::stdin).as_fd()
}

/// More than a test, a demo and a person need at once.
const MAX_CLIENTS: usize = 8;

/// Octets of a client that were not ended by a line feed, or came faster than they are obeyed.
const MAX_PENDING: usize = 16 * 1024;
