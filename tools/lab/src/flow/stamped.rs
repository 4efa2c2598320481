//! A datagram with the kernel's own stamp of its arrival: a receiver that is not scheduled for a
//! while must not look like a path that was silent.

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;

/// What came in.
pub(super) struct Datagram {
    pub(super) length: usize,
    pub(super) from: SocketAddr,
    /// How long it had lain in the socket when it was read.
    pub(super) age: Duration,
}

/// Asks the kernel to stamp what arrives from here on.
pub(super) fn enable(socket: &UdpSocket) -> Result<()> {
    setsockopt(socket, sockopt::ReceiveTimestampns, &true).context("have the kernel stamp datagrams")
}

/// The next datagram; `None`: none came within the socket's read timeout, or an ICMP error did.
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<Datagram> {
    let mut slices = [IoSliceMut::new(buffer)];
    let mut control = cmsg_space!(TimeSpec);
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty())
            .ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let from = message.address.and_then(|address| socket_address(&address))?;
    let stamp = message.cmsgs().ok()?.find_map(|message| stamp_in(&message)).unwrap_or(now);
    Some(Datagram { length: message.bytes, from, age: now.saturating_sub(stamp) })
}

fn stamp_in(message: &ControlMessageOwned) -> Option<Duration> {
    if let ControlMessageOwned::ScmTimestampns(stamp) = message { Some(Duration::from(*stamp)) } else { None }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let four = address.as_sockaddr_in().map(|four| SocketAddr::from((four.ip(), four.port())));
    four.or_else(|| address.as_sockaddr_in6().map(|six| SocketAddr::from((six.ip(), six.port()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_datagram_that_lay_in_the_socket_is_that_old() {
        const LAIN: Duration = Duration::from_millis(5);
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        enable(&receiver).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut buffer = [0; 16];
        let mut aged = || {
            sender.send_to(b"old", receiver.local_addr().unwrap()).unwrap();
            thread::sleep(LAIN);
            let datagram = receive(&receiver, &mut buffer).unwrap();
            assert_eq!((datagram.length, datagram.from), (3, sender.local_addr().unwrap()));
            datagram.age
        };

        // The kernel begins to stamp a moment after it was asked to.
        assert!((0..100).any(|_| aged() >= LAIN));
        assert!((0..10).all(|_| aged() >= LAIN));
    }
}
