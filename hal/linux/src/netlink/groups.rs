//! The kernel's multicast groups as doorbells: they say what to look at again, never what is there.
//!
//! A lost notice (`ENOBUFS`) rings every bell.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::NetlinkMessage;
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;

use super::interfaces::is_default_in_main;
use super::packet::link::{LinkAttribute, LinkMessage};
use super::packet::route::{RouteAttribute, RouteMessage};
use super::routes::table_of;
use super::{Frames, NetlinkError, NetlinkPayload, RouteNetlinkMessage};

const RTNLGRP_LINK: u32 = 1;
const RTNLGRP_IPV4_IFADDR: u32 = 5;
const RTNLGRP_IPV4_ROUTE: u32 = 7;
const RTNLGRP_IPV4_RULE: u32 = 8;
const RTNLGRP_IPV6_IFADDR: u32 = 9;
const RTNLGRP_IPV6_ROUTE: u32 = 11;
const RTNLGRP_IPV6_RULE: u32 = 19;
const NFNLGRP_NFTABLES: u32 = 7;

/// Room for a burst of notices while the reader is away; the kernel may grant less.
const RECEIVE_QUEUE: usize = 512 * 1024;

/// The largest notice is one interface; a larger one rings every bell.
const NOTICE_BUFFER: usize = 16 * 1024;

/// A reader that can be outrun for ever must stop at some point and look at the clock.
const MAX_NOTICES_PER_TURN: usize = 4_096;

/// What to look at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bell {
    /// An interface changed, appeared or went.
    Interface {
        /// Its number.
        ifindex: u32,
        /// Its name.
        name: Option<String>,
    },
    /// An address of this interface changed.
    Address {
        /// The interface.
        ifindex: u32,
    },
    /// A default route in `main` changed; `None` if it names several interfaces or none.
    DefaultInMain {
        /// The interface.
        ifindex: Option<u32>,
    },
    /// A route in a table outside `main` changed, or a rule.
    Routing {
        /// The table; `None` for a rule.
        table: Option<u32>,
        /// The netlink port of whoever did it; 0 is the kernel itself.
        by: u32,
    },
    /// An nftables table was touched.
    Firewall {
        /// Its name.
        table: String,
    },
    /// An nftables transaction is complete.
    FirewallDone {
        /// The process that did it, if the kernel says so.
        process: Option<u32>,
    },
    /// Notices were lost or could not be read.
    Lost,
}

/// A multicast socket, never blocking.
#[derive(Debug)]
pub(crate) struct Groups {
    socket: Socket,
    read: fn(&[u8]) -> Option<Bell>,
    buffer: Vec<u8>,
}

impl Groups {
    /// Interfaces, addresses, routes and rules.
    pub(crate) fn routing() -> Result<Self, NetlinkError> {
        let groups = [
            RTNLGRP_LINK,
            RTNLGRP_IPV4_IFADDR,
            RTNLGRP_IPV4_ROUTE,
            RTNLGRP_IPV4_RULE,
            RTNLGRP_IPV6_IFADDR,
            RTNLGRP_IPV6_ROUTE,
            RTNLGRP_IPV6_RULE,
        ];
        Self::open(NETLINK_ROUTE, &groups, routing_bell)
    }

    /// Changes of the nftables ruleset.
    pub(crate) fn firewall() -> Result<Self, NetlinkError> {
        Self::open(NETLINK_NETFILTER, &[NFNLGRP_NFTABLES], firewall_bell)
    }

    fn open(protocol: isize, groups: &[u32], read: fn(&[u8]) -> Option<Bell>) -> Result<Self, NetlinkError> {
        let because = |what| move |source| NetlinkError::Open { what, source };
        let mut socket = Socket::new(protocol).map_err(because("the multicast socket"))?;
        socket.bind(&SocketAddr::new(0, 0)).map_err(because("its address"))?;
        socket
            .set_rx_buf_sz(i32::try_from(RECEIVE_QUEUE).expect("half a MiB fits"))
            .map_err(because("its queue"))?;
        socket.set_non_blocking(true).map_err(because("non-blocking mode"))?;
        for group in groups {
            socket.add_membership(*group).map_err(because("a multicast group"))?;
        }
        Ok(Self { socket, read, buffer: vec![0; NOTICE_BUFFER] })
    }

    /// All bells that rang since the last call, at most [`MAX_NOTICES_PER_TURN`] datagrams of them.
    pub(crate) fn rung(&mut self) -> Result<Vec<Bell>, NetlinkError> {
        let mut bells = Vec::new();
        for _ in 0..MAX_NOTICES_PER_TURN {
            match self.socket.recv(&mut self.buffer.as_mut_slice(), nix::libc::MSG_TRUNC) {
                Ok(length) => match self.buffer.get(..length) {
                    Some(datagram) => bells.extend(Frames(datagram).filter_map(self.read)),
                    None => bells.push(Bell::Lost),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => bells.push(Bell::Lost),
                Err(source) => return Err(NetlinkError::Receive { what: "hear of changes", source }),
            }
        }
        Ok(bells)
    }
}

impl AsFd for Groups {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// `None` for what interests nobody here.
fn routing_bell(frame: &[u8]) -> Option<Bell> {
    let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(frame) else {
        return Some(Bell::Lost);
    };
    let by = message.header.port_number;
    let NetlinkPayload::InnerMessage(notice) = message.payload else { return Some(Bell::Lost) };
    match notice {
        RouteNetlinkMessage::NewLink(link) | RouteNetlinkMessage::DelLink(link) => {
            Some(interface_bell(&link))
        }
        RouteNetlinkMessage::NewAddress(a) | RouteNetlinkMessage::DelAddress(a) => {
            Some(Bell::Address { ifindex: a.header.index })
        }
        RouteNetlinkMessage::NewRoute(route) | RouteNetlinkMessage::DelRoute(route) => route_bell(&route, by),
        RouteNetlinkMessage::NewRule(_) | RouteNetlinkMessage::DelRule(_) => {
            Some(Bell::Routing { table: None, by })
        }
        _ => None,
    }
}

fn interface_bell(link: &LinkMessage) -> Bell {
    let name = link.attributes.iter().find_map(|a| match a {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    });
    Bell::Interface { ifindex: link.header.index, name }
}

fn route_bell(route: &RouteMessage, by: u32) -> Option<Bell> {
    if is_default_in_main(route) {
        let ifindex = route.attributes.iter().find_map(|a| match a {
            RouteAttribute::Oif(ifindex) => Some(*ifindex),
            _ => None,
        });
        return Some(Bell::DefaultInMain { ifindex });
    }
    /// `main` and `local` change with every address; both are the kernel's.
    const OF_OTHERS: [u32; 2] = [254, 255];
    let table = table_of(route);
    (!OF_OTHERS.contains(&table)).then_some(Bell::Routing { table: Some(table), by })
}

fn firewall_bell(frame: &[u8]) -> Option<Bell> {
    /// `NFNL_SUBSYS_NFTABLES`.
    const NFTABLES: u8 = 10;
    /// `NFT_MSG_NEWGEN`.
    const GENERATION: u8 = 15;
    /// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`...: the first attribute of all.
    const TABLE: u16 = 1;
    /// `NFTA_GEN_PROC_PID`, big-endian.
    const PROCESS: u16 = 2;
    let kind = u16::from_ne_bytes(frame.get(4..6)?.try_into().ok()?);
    let [subsystem, what] = kind.to_be_bytes();
    if subsystem != NFTABLES {
        return None;
    }
    let mut attributes = Attributes(frame.get(20..)?);
    if what == GENERATION {
        let process = attributes.find(|(kind, _)| *kind == PROCESS);
        let process = process.and_then(|(_, value)| Some(u32::from_be_bytes(value.try_into().ok()?)));
        return Some(Bell::FirewallDone { process });
    }
    let (_, name) = attributes.find(|(kind, _)| *kind == TABLE)?;
    Some(Bell::Firewall { table: String::from_utf8_lossy(name).trim_end_matches('\0').to_owned() })
}

/// Netlink attributes: kind without its flag bits, and value.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        const KIND: u16 = 0x3fff;
        let length = usize::from(u16::from_ne_bytes(self.0.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(self.0.get(2..4)?.try_into().ok()?) & KIND;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).unwrap();
        let header: [&[u8]; 4] = [&length.to_ne_bytes(), &kind.to_ne_bytes(), &[0; 2], &[0; 8]];
        [&header.concat(), body].concat()
    }

    #[test]
    fn a_touched_table_and_the_end_of_a_transaction_ring() {
        let table = [&[2u8, 0, 0, 0, 13, 0, 1, 0], b"holdfast\0\0\0\0".as_slice()].concat();
        let generation = [2, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 9, 8, 0, 2, 0, 0, 0, 1, 2];

        assert_eq!(firewall_bell(&frame(0x0a02, &table)), Some(Bell::Firewall { table: "holdfast".into() }));
        assert_eq!(
            firewall_bell(&frame(0x0a0f, &generation)),
            Some(Bell::FirewallDone { process: Some(0x102) })
        );
        assert_eq!(firewall_bell(&frame(0x0102, &table)), None, "another subsystem");
    }

    #[test]
    fn torn_notices_are_no_crash() {
        for length in 0..24 {
            let bytes = vec![0xff; length];
            let _ = firewall_bell(&bytes);
            assert!(matches!(routing_bell(&bytes), None | Some(Bell::Lost)));
        }
    }
}
