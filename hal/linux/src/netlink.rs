//! A blocking request socket of `NETLINK_ROUTE`: ask, wait for the kernel's acknowledgement, know.
//!
//! The only module family of the product that imports the netlink crates. It never retries a
//! change, never guesses an outcome and never waits for ever: an answer that does not come within
//! [`ANSWER_WITHIN_MS`] is an error.

#![allow(clippy::wildcard_enum_match_arm, reason = "the kernel's vocabulary is open, we name what we use")]

pub mod conntrack;
mod error;
pub(crate) mod groups;
mod interfaces;
pub(crate) mod routes;
mod rules;

use std::io;

use netlink_packet_core::{
    NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

pub use error::NetlinkError;
pub use interfaces::{Address, Interface};
pub use netlink_packet_core::{
    NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
};
pub use netlink_packet_route as packet;
pub use netlink_packet_route::RouteNetlinkMessage;

/// The kernel answers in microseconds; one that is silent for so long has lost the request.
pub const ANSWER_WITHIN_MS: u32 = 2_000;

/// A dump that the kernel's own state keeps overtaking is started over so many times.
const DUMP_ATTEMPTS: u32 = 8;

/// More entries than any box of this kind has; the rest of a larger dump is refused, not cut off.
const MAX_DUMP: usize = 200_000;

/// The kernel fills at most 32 KiB per answer of a dump.
const RECEIVE_BUFFER: usize = 32 * 1024;

const NLM_F_DUMP_INTR: u16 = netlink_packet_core::NLM_F_DUMP_INTR;

/// A request socket. One request at a time; answers to earlier, abandoned requests are skipped.
#[derive(Debug)]
pub struct Session {
    exchange: Exchange,
}

impl Session {
    /// Opens the socket in the network namespace of the calling thread.
    pub fn open() -> Result<Self, NetlinkError> {
        let exchange = Exchange::open(NETLINK_ROUTE)?;
        exchange
            .socket
            .set_netlink_get_strict_chk(true)
            .map_err(|source| NetlinkError::Open { what: "strict checking of dump requests", source })?;
        Ok(Self { exchange })
    }

    /// Sends one change and waits until the kernel has acknowledged it.
    ///
    /// `flags` go on top of `NLM_F_REQUEST | NLM_F_ACK`.
    pub fn request(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), NetlinkError> {
        self.exchange.acknowledged(message, flags)
    }

    /// Asks for one object (not a dump); `None` if the kernel says it does not exist.
    pub fn get(&mut self, message: RouteNetlinkMessage) -> Result<Option<RouteNetlinkMessage>, NetlinkError> {
        match self.exchange.one(message) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.says_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Everything that matches `message`; consistent, or an error.
    #[allow(clippy::needless_pass_by_value, reason = "messages are given away, as in `request`")]
    pub fn dump(&mut self, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        for _ in 0..DUMP_ATTEMPTS {
            if let Some(all) = self.exchange.dump_once(message.clone())? {
                return Ok(all);
            }
        }
        Err(NetlinkError::Restless { what: word(&message), attempts: DUMP_ATTEMPTS })
    }

    /// The socket's netlink port; the kernel's notices about our own changes carry it.
    #[must_use]
    pub const fn port(&self) -> u32 {
        self.exchange.port
    }

    /// Messages that could not be decoded since the session was opened. They were left out of dumps.
    #[must_use]
    pub const fn undecodable(&self) -> u64 {
        self.exchange.undecodable
    }
}

/// Request and answer over one netlink socket of any protocol.
#[derive(Debug)]
pub(crate) struct Exchange {
    socket: Socket,
    port: u32,
    sequence: u32,
    send: Vec<u8>,
    receive: Vec<u8>,
    undecodable: u64,
}

impl Exchange {
    pub(crate) fn open(protocol: isize) -> Result<Self, NetlinkError> {
        let because = |what| move |source| NetlinkError::Open { what, source };
        let mut socket = Socket::new(protocol).map_err(because("the socket"))?;
        let port = socket.bind_auto().map_err(because("its address"))?.port_number();
        socket.connect(&SocketAddr::new(0, 0)).map_err(because("the way to the kernel"))?;
        socket.set_cap_ack(true).map_err(because("short acknowledgements"))?;
        socket.set_ext_ack(true).map_err(because("the kernel's own words"))?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(i64::from(ANSWER_WITHIN_MS)))
            .map_err(io::Error::from)
            .map_err(because("a receive timeout"))?;
        let receive = vec![0; RECEIVE_BUFFER];
        Ok(Self { socket, port, sequence: 0, send: Vec::new(), receive, undecodable: 0 })
    }

    pub(crate) fn acknowledged<M: Protocol>(&mut self, message: M, flags: u16) -> Result<(), NetlinkError> {
        let what = message.word();
        self.transmit(message, NLM_F_REQUEST | NLM_F_ACK | flags)?;
        loop {
            let length = self.datagram(what)?;
            for answer in answers::<M>(&self.receive[..length], self.sequence, &mut self.undecodable) {
                if let NetlinkPayload::Error(end) = answer.payload {
                    return error::verdict(what, &end);
                }
            }
        }
    }

    fn one<M: Protocol>(&mut self, message: M) -> Result<M, NetlinkError> {
        let what = message.word();
        self.transmit(message, NLM_F_REQUEST)?;
        let before = self.undecodable;
        loop {
            let length = self.datagram(what)?;
            for answer in answers::<M>(&self.receive[..length], self.sequence, &mut self.undecodable) {
                match answer.payload {
                    NetlinkPayload::InnerMessage(found) => return Ok(found),
                    NetlinkPayload::Error(end) => error::verdict(what, &end)?,
                    _ => {}
                }
            }
            if self.undecodable != before {
                return Err(NetlinkError::Unreadable { what });
            }
        }
    }

    /// `None`: the kernel's state changed meanwhile, the answer would be a mixture.
    pub(crate) fn dump_once<M: Protocol>(&mut self, message: M) -> Result<Option<Vec<M>>, NetlinkError> {
        let what = message.word();
        self.transmit(message, NLM_F_REQUEST | NLM_F_DUMP)?;
        let mut all = Vec::new();
        let mut overtaken = false;
        loop {
            let length = self.datagram(what)?;
            for answer in answers::<M>(&self.receive[..length], self.sequence, &mut self.undecodable) {
                overtaken |= answer.header.flags & NLM_F_DUMP_INTR != 0;
                match answer.payload {
                    NetlinkPayload::InnerMessage(_) if all.len() == MAX_DUMP => {
                        return Err(NetlinkError::TooMany { what, limit: MAX_DUMP });
                    }
                    NetlinkPayload::InnerMessage(entry) => all.push(entry),
                    NetlinkPayload::Error(end) => error::verdict(what, &end)?,
                    NetlinkPayload::Done(end) => {
                        error::code(what, end.code, &end.extended_ack)?;
                        return Ok((!overtaken).then_some(all));
                    }
                    _ => {}
                }
            }
        }
    }

    fn transmit<M: Protocol>(&mut self, message: M, flags: u16) -> Result<(), NetlinkError> {
        let what = message.word();
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let mut framed = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::InnerMessage(message));
        framed.header.flags = flags;
        framed.header.sequence_number = self.sequence;
        framed.finalize();
        self.send.clear();
        self.send.resize(framed.buffer_len(), 0);
        framed.serialize(&mut self.send);
        loop {
            match self.socket.send(&self.send, 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(NetlinkError::Send { what, source }),
            }
        }
    }

    fn datagram(&mut self, what: &'static str) -> Result<usize, NetlinkError> {
        loop {
            match self.socket.recv(&mut self.receive.as_mut_slice(), nix::libc::MSG_TRUNC) {
                Ok(length) if length > self.receive.len() => {
                    self.receive.resize(length.next_power_of_two(), 0);
                    return Err(NetlinkError::Receive { what, source: Errno::EMSGSIZE.into() });
                }
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(NetlinkError::Silent { what });
                }
                Err(source) => return Err(NetlinkError::Receive { what, source }),
            }
        }
    }
}

/// A netlink protocol as far as an [`Exchange`] must know it.
pub(crate) trait Protocol: NetlinkSerializable + NetlinkDeserializable {
    /// What a message asks for, in words.
    fn word(&self) -> &'static str;
}

impl Protocol for RouteNetlinkMessage {
    fn word(&self) -> &'static str {
        word(self)
    }
}

/// The messages of a datagram that answer request `sequence`.
fn answers<M: Protocol>(datagram: &[u8], sequence: u32, undecodable: &mut u64) -> Vec<NetlinkMessage<M>> {
    let mut found = Vec::new();
    for frame in Frames(datagram) {
        if frame_sequence(frame) != Some(sequence) {
            continue;
        }
        match NetlinkMessage::deserialize(frame) {
            Ok(message) => found.push(message),
            Err(_) => *undecodable += 1,
        }
    }
    found
}

fn frame_sequence(frame: &[u8]) -> Option<u32> {
    let bytes = frame.get(8..12)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// The messages inside one datagram, each with its header, padding cut off.
pub(crate) struct Frames<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        const HEADER: usize = 16;
        let length = u32::from_ne_bytes(self.0.get(..4)?.try_into().ok()?) as usize;
        if length < HEADER || length > self.0.len() {
            self.0 = &[];
            return None;
        }
        let (frame, rest) = self.0.split_at(length);
        self.0 = rest.get(length.next_multiple_of(4) - length..).unwrap_or(&[]);
        Some(frame)
    }
}

fn word(message: &RouteNetlinkMessage) -> &'static str {
    use RouteNetlinkMessage as M;
    match message {
        M::NewLink(_) | M::SetLink(_) => "make or change an interface",
        M::DelLink(_) => "remove an interface",
        M::GetLink(_) => "read interfaces",
        M::NewAddress(_) => "add an address",
        M::DelAddress(_) => "remove an address",
        M::GetAddress(_) => "read addresses",
        M::NewRoute(_) => "add or replace a route",
        M::DelRoute(_) => "remove a route",
        M::GetRoute(_) => "read routes",
        M::NewRule(_) => "add a routing rule",
        M::DelRule(_) => "remove a routing rule",
        M::GetRule(_) => "read routing rules",
        _ => "talk to the kernel",
    }
}

#[cfg(test)]
mod tests;
