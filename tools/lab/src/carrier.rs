//! The kernel's own word about carriers, read from its multicast group without any library: the
//! moment that reaction times are counted from.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::namespace::Namespace;

/// `RTMGRP_LINK`, rtnetlink(7).
const LINK_GROUP: u32 = 1;

/// `RTM_NEWLINK`.
const NEW_LINK: u16 = 16;

/// `IFF_LOWER_UP`: carrier.
const LOWER_UP: u32 = 1 << 16;

/// Length of a netlink header, then of `struct ifinfomsg`.
const HEADER: usize = 16;
const LINK_INFO: usize = 16;

/// A socket that hears of interfaces.
#[derive(Debug)]
pub struct CarrierEvents {
    socket: OwnedFd,
}

impl CarrierEvents {
    /// Listens inside a namespace; events from here on are kept by the kernel until they are read.
    pub fn listen(namespace: &Namespace) -> Result<Self> {
        namespace.run(|| {
            let socket = socket(
                AddressFamily::Netlink,
                SockType::Raw,
                SockFlag::SOCK_CLOEXEC,
                SockProtocol::NetlinkRoute,
            )?;
            bind(socket.as_raw_fd(), &NetlinkAddr::new(0, LINK_GROUP))
                .context("listen to the kernel's link events")?;
            Ok(Self { socket })
        })
    }

    /// Waits until the kernel says that an interface has (or has no) carrier; `false`: it did not.
    pub fn wait_for(&mut self, interface: u32, carrier: bool, within: Duration) -> Result<bool> {
        let deadline = Instant::now() + within;
        let mut datagram = [0; 32 * 1024];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let left = TimeVal::microseconds(i64::try_from(left.as_micros())?.max(1));
            setsockopt(&self.socket, sockopt::ReceiveTimeout, &left)?;
            match recv(self.socket.as_raw_fd(), &mut datagram, MsgFlags::empty()) {
                Ok(length) if tells(&datagram[..length], interface, carrier) => return Ok(true),
                Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => bail!("read the kernel's link events: {errno}"),
            }
        }
    }
}

/// Does one of the datagram's messages say so?
fn tells(mut datagram: &[u8], interface: u32, carrier: bool) -> bool {
    while let Some(length) = word(datagram, 0).map(|length| length as usize) {
        if length < HEADER || length > datagram.len() {
            return false;
        }
        let (message, rest) = datagram.split_at(length);
        if link_state(message) == Some((interface, carrier)) {
            return true;
        }
        datagram = rest.get(length.next_multiple_of(4) - length..).unwrap_or(&[]);
    }
    false
}

/// The interface of a message and whether it has carrier.
fn link_state(message: &[u8]) -> Option<(u32, bool)> {
    let kind = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    if kind != NEW_LINK || message.len() < HEADER + LINK_INFO {
        return None;
    }
    Some((word(message, HEADER + 4)?, word(message, HEADER + 8)? & LOWER_UP != 0))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, interface: u32, flags: u32) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + LINK_INFO];
        bytes[..4].copy_from_slice(&32_u32.to_ne_bytes());
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[20..24].copy_from_slice(&interface.to_ne_bytes());
        bytes[24..28].copy_from_slice(&flags.to_ne_bytes());
        bytes
    }

    #[test]
    fn only_the_asked_interface_in_the_asked_state_counts() {
        let down = message(NEW_LINK, 11, 1);
        assert!(tells(&down, 11, false));
        assert!(!tells(&down, 11, true));
        assert!(!tells(&down, 12, false));
        assert!(!tells(&message(NEW_LINK + 1, 11, 1), 11, false));
        assert!(tells(&[message(NEW_LINK, 12, 1), message(NEW_LINK, 11, LOWER_UP)].concat(), 11, true));
    }

    #[test]
    fn a_torn_datagram_says_nothing() {
        let down = message(NEW_LINK, 11, 1);
        for length in 0..down.len() {
            assert!(!tells(&down[..length], 11, false), "{length}");
        }
        assert!(!tells(&[0; 64], 0, false));
    }
}
