//! One connection or one connected socket: a frame is one write, and nobody else's octets are read.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hal::LinkId;
use socket2::Type;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::Transport;
use crate::bound;

/// The other path has been tried by then; a station that needs longer to accept is of no use.
const CONNECT_AT_MOST: Duration = Duration::from_secs(2);
/// Octets that nobody confirms for so long are a dead connection.
const USER_TIMEOUT: Duration = Duration::from_secs(3);
/// A frame is small: a socket that does not take it for so long is stuck.
const WRITE_AT_MOST: Duration = Duration::from_secs(1);

/// See the file's head.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

/// What a read gave.
#[derive(Debug)]
pub(super) enum Read {
    /// So many octets of a stream, or a datagram of so many.
    Octets(usize),
    /// The station closed the connection.
    End,
}

impl Wire {
    pub(super) async fn dial(
        transport: Transport,
        to: SocketAddr,
        link: LinkId,
        source: IpAddr,
    ) -> io::Result<Self> {
        match transport {
            Transport::Tcp => connect(to, link, source).await.map(Self::Tcp),
            Transport::Udp => {
                let socket = bound::socket(Type::DGRAM, to, link, source)?;
                let socket = UdpSocket::from_std(socket.into())?;
                socket.connect(to).await?;
                Ok(Self::Udp(socket))
            }
        }
    }

    /// Writes a frame as a whole.
    pub(super) async fn write(&self, frame: &[u8]) -> io::Result<()> {
        let written = timeout(WRITE_AT_MOST, async {
            match self {
                Self::Tcp(stream) => write_once(stream, frame).await,
                Self::Udp(socket) => send(socket, frame).await,
            }
        });
        let count = written.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if count == frame.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    /// Reads once. Cancelling loses nothing.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<Read> {
        match self {
            Self::Tcp(stream) => loop {
                stream.readable().await?;
                match stream.try_read(buffer) {
                    Ok(0) => return Ok(Read::End),
                    Ok(count) => return Ok(Read::Octets(count)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            },
            Self::Udp(socket) => socket.recv(buffer).await.map(Read::Octets),
        }
    }

    /// An error ends a connection; a socket without one lives on.
    pub(super) const fn survives_errors(&self) -> bool {
        matches!(self, Self::Udp(_))
    }
}

async fn connect(to: SocketAddr, link: LinkId, source: IpAddr) -> io::Result<TcpStream> {
    let socket = bound::socket(Type::STREAM, to, link, source)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    let connecting = TcpSocket::from_std_stream(socket.into()).connect(to);
    timeout(CONNECT_AT_MOST, connecting).await.map_err(|_| {
        let what = format!("no connection within {} s", CONNECT_AT_MOST.as_secs());
        io::Error::new(io::ErrorKind::TimedOut, what)
    })?
}

/// One write, since some receivers take a segment for a frame. A part of it is as good as none.
async fn write_once(stream: &TcpStream, frame: &[u8]) -> io::Result<usize> {
    loop {
        stream.writable().await?;
        match stream.try_write(frame) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            written => return written,
        }
    }
}

/// What an earlier datagram met (ICMP) is reported by the next send, which then has sent nothing.
async fn send(socket: &UdpSocket, frame: &[u8]) -> io::Result<usize> {
    match socket.send(frame).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => socket.send(frame).await,
        sent => sent,
    }
}
