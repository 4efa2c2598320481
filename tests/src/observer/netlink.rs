//! NETLINK_ROUTE by hand: requests of four fixed shapes out, messages and attributes in.
//!
//! Every offset is checked: a message that is shorter than it claims is an error, not a guess.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
    socket, sockopt,
};

/// `RTM_NEWLINK`.
pub(super) const NEW_LINK: u16 = 16;
/// `RTM_GETLINK`.
pub(super) const GET_LINK: u16 = 18;
/// `RTM_NEWADDR`.
pub(super) const NEW_ADDRESS: u16 = 20;
/// `RTM_GETADDR`.
pub(super) const GET_ADDRESS: u16 = 22;
/// `RTM_NEWROUTE`.
pub(super) const NEW_ROUTE: u16 = 24;
/// `RTM_DELROUTE`.
pub(super) const DEL_ROUTE: u16 = 25;
/// `RTM_GETROUTE`.
pub(super) const GET_ROUTE: u16 = 26;
/// `RTM_NEWRULE`.
pub(super) const NEW_RULE: u16 = 32;
/// `RTM_GETRULE`.
pub(super) const GET_RULE: u16 = 34;

/// `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE`.
pub(super) const CHANGES: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// `NLM_F_REPLACE` of a notification: it took the place of another.
pub(super) const REPLACED: u16 = 0x100;

const HEADER: usize = 16;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const FLAG_REQUEST: u16 = 0x1;
const FLAG_DUMP: u16 = 0x300;
const FLAG_INTERRUPTED: u16 = 0x10;
/// The kernel never fills more than this in one datagram of a dump.
const DATAGRAM: usize = 64 * 1024;
/// Room for a storm of notifications.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// A dump that is interrupted by changes is asked for again so many times.
const DUMP_TRIES: usize = 50;

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// `RTM_*`.
    pub(super) kind: u16,
    /// `NLM_F_*`.
    pub(super) flags: u16,
    /// Behind the header.
    pub(super) body: Vec<u8>,
}

/// A socket for dumps or for notifications.
pub(super) struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

/// What notifications there were.
pub(super) enum Heard {
    /// In order.
    Messages(Vec<Message>),
    /// The kernel dropped some: look at everything again.
    Overrun,
}

impl Heard {
    /// Nothing at all was heard.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Messages(messages) if messages.is_empty())
    }
}

impl Socket {
    /// Opens a socket in the namespace of this thread; `groups` of 0 hears no notifications.
    pub(super) fn open(groups: u32) -> Result<Self> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkRoute,
        )
        .context("cannot open a netlink socket")?;
        setsockopt(&fd, sockopt::RcvBufForce, &RECEIVE_BUFFER)
            .context("cannot enlarge its buffer (root?)")?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups)).context("cannot bind a netlink socket")?;
        Ok(Self { fd, sequence: 0, buffer: vec![0; DATAGRAM] })
    }

    /// Everything of a kind, consistent in itself.
    pub(super) fn dump(&mut self, kind: u16, request: &[u8]) -> Result<Vec<Message>> {
        for _ in 0..DUMP_TRIES {
            if let Some(messages) = self.dump_once(kind, request)? {
                return Ok(messages);
            }
        }
        bail!("the kernel's tables changed during each of {DUMP_TRIES} dumps")
    }

    /// Notifications that have come; waits for the first at most so long.
    pub(super) fn hear(&mut self, wait: Duration) -> Result<Heard> {
        let mut messages = Vec::new();
        let mut wait = wait;
        loop {
            if !self.readable(wait)? {
                return Ok(Heard::Messages(messages));
            }
            wait = Duration::ZERO;
            match recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => messages.extend(split(&self.buffer[..length])?),
                Err(Errno::ENOBUFS) => return Ok(Heard::Overrun),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(error) => return Err(error).context("netlink notifications"),
            }
        }
    }

    /// `None` if the tables changed meanwhile.
    fn dump_once(&mut self, kind: u16, request: &[u8]) -> Result<Option<Vec<Message>>> {
        self.sequence += 1;
        let message = request_message(kind, self.sequence, request);
        send(self.fd.as_raw_fd(), &message, MsgFlags::empty()).context("cannot ask for a netlink dump")?;
        let mut found = Vec::new();
        let mut consistent = true;
        loop {
            ensure!(self.readable(Duration::from_secs(2))?, "the kernel did not answer a netlink dump");
            let length =
                recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::empty()).context("netlink dump")?;
            for message in split(&self.buffer[..length])? {
                consistent &= message.flags & FLAG_INTERRUPTED == 0;
                match message.kind {
                    DONE => return Ok(consistent.then_some(found)),
                    ERROR => bail!("the kernel refused a netlink dump of kind {kind}"),
                    _ => found.push(message),
                }
            }
        }
    }

    fn readable(&self, wait: Duration) -> Result<bool> {
        let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(count) => Ok(count > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error).context("cannot wait for netlink"),
        }
    }
}

impl Message {
    /// A byte of the fixed part.
    pub(super) fn byte(&self, at: usize) -> Result<u8> {
        self.body.get(at).copied().context("a netlink message is too short")
    }

    /// Four bytes of the fixed part.
    pub(super) fn word(&self, at: usize) -> Result<u32> {
        number(self.body.get(at..at + 4).context("a netlink message is too short")?)
    }

    /// The attributes behind a fixed part of the given length.
    pub(super) fn attributes(&self, fixed: usize) -> Result<Vec<(u16, &[u8])>> {
        let mut rest = self.body.get(fixed..).context("a netlink message is too short")?;
        let mut found = Vec::new();
        while rest.len() >= 4 {
            let length = usize::from(u16::from_ne_bytes([rest[0], rest[1]]));
            // The two upper bits say "nested" and "network order".
            let kind = u16::from_ne_bytes([rest[2], rest[3]]) & 0x3fff;
            found
                .push((kind, rest.get(4..length).context("a netlink attribute is longer than its message")?));
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(found)
    }
}

/// An attribute of four bytes.
pub(super) fn number(bytes: &[u8]) -> Result<u32> {
    let bytes: [u8; 4] = bytes.try_into().context("a netlink number is not of four bytes")?;
    Ok(u32::from_ne_bytes(bytes))
}

/// An attribute that ends in a zero.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(&[0]).unwrap_or(bytes)).into_owned()
}

/// An attribute that is an address.
pub(super) fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(Into::into),
        16 => <[u8; 16]>::try_from(bytes).ok().map(Into::into),
        _ => None,
    }
}

fn request_message(kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).expect("requests are a few bytes long");
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((FLAG_REQUEST | FLAG_DUMP).to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(body);
    message
}

fn split(mut datagram: &[u8]) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    while datagram.len() >= HEADER {
        let length = number(&datagram[..4])? as usize;
        ensure!((HEADER..=datagram.len()).contains(&length), "a netlink message claims {length} bytes");
        messages.push(Message {
            kind: u16::from_ne_bytes([datagram[4], datagram[5]]),
            flags: u16::from_ne_bytes([datagram[6], datagram[7]]),
            body: datagram[HEADER..length].to_vec(),
        });
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_attributes_are_split_by_their_lengths() {
        let mut datagram = request_message(NEW_ROUTE, 1, &[9, 9, 9, 9, 6, 0, 6, 0, 1, 2, 0, 0]);
        datagram.extend(request_message(DEL_ROUTE, 2, &[]));
        let messages = split(&datagram).unwrap();
        assert_eq!((messages[0].kind, messages[1].kind), (NEW_ROUTE, DEL_ROUTE));
        assert_eq!(messages[0].attributes(4).unwrap(), [(6, &[1_u8, 2][..])]);
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        let mut datagram = request_message(NEW_ROUTE, 1, &[]);
        datagram[0] = 200;
        assert!(split(&datagram).is_err());
        let short = Message { kind: NEW_ROUTE, flags: 0, body: vec![8, 0, 1, 0] };
        assert!(short.attributes(0).is_err());
        assert!(short.word(2).is_err());
    }

    #[test]
    fn the_kernel_answers_a_dump_of_links_with_the_loopback() {
        let mut socket = Socket::open(0);
        if let Err(error) = &socket {
            // Enlarging the buffer needs root; nothing else here does.
            assert!(!nix::unistd::geteuid().is_root(), "{error:#}");
            return;
        }
        let links = socket.as_mut().unwrap().dump(GET_LINK, &[0; 16]).unwrap();
        let names = links.iter().flat_map(|m| m.attributes(16).unwrap());
        assert!(names.filter(|(kind, _)| *kind == 3).any(|(_, name)| text(name) == "lo"));
    }
}
