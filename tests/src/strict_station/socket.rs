//! The station's sockets: a listener with its connections, or one socket for datagrams.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::poll::PollFlags;

use super::Transport;

/// A stream without CR for so long is no sender of ours.
const MAX_UNREAD: usize = 64 * 1024;
/// An MTU's worth.
const DATAGRAM: usize = 1_400;
const FORGER_PATIENCE: Duration = Duration::from_millis(300);

/// From whom something came and to whom the answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Number of the connection, from 1; 0 for datagrams.
    pub(super) connection: u64,
}

/// Octets from LF to CR, or whatever came in their place.
pub(super) struct Piece {
    pub(super) from: Peer,
    pub(super) octets: Vec<u8>,
    /// It took more than one read to get it.
    pub(super) cut: bool,
}

pub(super) enum Sockets {
    Tcp { listener: TcpListener, connections: BTreeMap<u64, Connection>, next: u64 },
    Udp(UdpSocket),
}

pub(super) struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    unread: Vec<u8>,
    unwritten: Vec<u8>,
}

impl Sockets {
    pub(super) fn listen(transport: Transport, address: SocketAddr) -> Result<Self> {
        let told = || format!("the station cannot listen at {address}");
        Ok(match transport {
            Transport::Tcp => {
                let listener = TcpListener::bind(address).with_context(told)?;
                listener.set_nonblocking(true)?;
                Self::Tcp { listener, connections: BTreeMap::new(), next: 1 }
            }
            Transport::Udp => {
                let socket = UdpSocket::bind(address).with_context(told)?;
                socket.set_nonblocking(true)?;
                Self::Udp(socket)
            }
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp { listener, .. } => listener.local_addr(),
            Self::Udp(socket) => socket.local_addr(),
        }
    }

    pub(super) fn waits_for(&self) -> Vec<(BorrowedFd<'_>, PollFlags)> {
        match self {
            Self::Udp(socket) => vec![(socket.as_fd(), PollFlags::POLLIN)],
            Self::Tcp { listener, connections, .. } => {
                let one = |connection: &'_ Connection| {
                    let out =
                        if connection.unwritten.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
                    PollFlags::POLLIN | out
                };
                let all = connections.values().map(|c| (c.stream.as_fd(), one(c)));
                all.chain([(listener.as_fd(), PollFlags::POLLIN)]).collect()
            }
        }
    }

    /// Everything that has come. Connections that ended are forgotten.
    pub(super) fn read(&mut self) -> Result<Vec<Piece>> {
        match self {
            Self::Udp(socket) => Ok(read_datagrams(socket)),
            Self::Tcp { listener, connections, next } => {
                while let Some((stream, address)) = would_block(listener.accept()).context("accept")? {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let connection =
                        Connection { stream, address, unread: Vec::new(), unwritten: Vec::new() };
                    connections.insert(*next, connection);
                    *next += 1;
                }
                let mut pieces = Vec::new();
                connections.retain(|number, connection| {
                    connection.write(&[]).is_ok() && connection.read(*number, &mut pieces)
                });
                Ok(pieces)
            }
        }
    }

    /// Writes as the station itself. A peer that is gone is nobody's fault.
    pub(super) fn write(&mut self, to: Peer, octets: &[u8]) {
        match self {
            Self::Udp(socket) => {
                for datagram in octets.chunks(DATAGRAM) {
                    socket.send_to(datagram, to.address).ok();
                }
            }
            Self::Tcp { connections, .. } => {
                if let Some(connection) = connections.get_mut(&to.connection) {
                    connection.write(octets).ok();
                }
            }
        }
    }

    /// Says it from somewhere else: as a datagram, and by a connection if the box would take one.
    pub(super) fn forge(&self, from: SocketAddr, to: Peer, octets: &[u8]) -> Result<()> {
        let forger = UdpSocket::bind(from).with_context(|| format!("the forger cannot use {from}"))?;
        forger.send_to(octets, to.address).ok();
        if matches!(self, Self::Tcp { .. }) {
            if let Ok(mut stream) = TcpStream::connect_timeout(&to.address, FORGER_PATIENCE) {
                stream.write_all(octets).ok();
            }
        }
        Ok(())
    }

    /// Closes one connection, or all of them.
    pub(super) fn hang_up(&mut self, which: Option<u64>) {
        match self {
            Self::Udp(_) => {}
            Self::Tcp { connections, .. } => {
                connections.retain(|number, _| which.is_some_and(|which| which != *number));
            }
        }
    }

    /// Where a forger sits: another port of the station, or its port at another address.
    pub(super) fn forger(&self, address: Option<IpAddr>) -> io::Result<SocketAddr> {
        let own = self.address()?;
        Ok(address.map_or(SocketAddr::new(own.ip(), 0), |address| SocketAddr::new(address, own.port())))
    }
}

impl Connection {
    /// Whether the connection goes on.
    fn read(&mut self, number: u64, pieces: &mut Vec<Piece>) -> bool {
        let mut chunk = [0; 4_096];
        loop {
            let count = match would_block(self.stream.read(&mut chunk)) {
                Ok(Some(0)) | Err(_) => return false,
                Ok(Some(count)) => count,
                Ok(None) => return self.unread.len() <= MAX_UNREAD,
            };
            let mut cut = !self.unread.is_empty();
            self.unread.extend_from_slice(&chunk[..count]);
            while let Some(end) = self.unread.iter().position(|octet| *octet == b'\r') {
                let octets = self.unread.drain(..=end).collect();
                pieces.push(Piece { from: Peer { address: self.address, connection: number }, octets, cut });
                cut = false;
            }
        }
    }

    /// Writes what it can; the rest goes when there is room.
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.unwritten.extend_from_slice(octets);
        while !self.unwritten.is_empty() {
            match would_block(self.stream.write(&self.unwritten))? {
                Some(count) => drop(self.unwritten.drain(..count)),
                None => break,
            }
        }
        Ok(())
    }
}

fn read_datagrams(socket: &UdpSocket) -> Vec<Piece> {
    let mut chunk = [0; 65_536];
    // An error is an ICMP answer to an earlier datagram of ours.
    let datagrams = std::iter::from_fn(|| match socket.recv_from(&mut chunk) {
        Ok((count, address)) => Some(Some((chunk[..count].to_vec(), address))),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(_) => Some(None),
    });
    let piece = |(octets, address)| Piece { from: Peer { address, connection: 0 }, octets, cut: false };
    datagrams.flatten().map(piece).collect()
}

fn would_block<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
