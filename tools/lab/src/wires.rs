//! Interfaces, addresses and routes by netlink, in the namespace the session was opened in.
//!
//! It makes and changes, it never decides: what is wired to what is said in `topology`.

use std::fs::File;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use hal_linux::netlink::packet::AddressFamily;
use hal_linux::netlink::packet::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope,
};
use hal_linux::netlink::packet::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use hal_linux::netlink::packet::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use hal_linux::netlink::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, RouteNetlinkMessage, Session};

use crate::plan::Net;

/// The loopback of every namespace.
pub(crate) const LOOPBACK: u32 = 1;

/// One end of a cable: what it is called and numbered where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    pub name: &'a str,
    pub index: u32,
}

/// A route to be made. `gateway: None` with a kind other than unicast needs no interface.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub to: Net,
    pub via: Option<IpAddr>,
    pub interface: Option<u32>,
    pub metric: u32,
    pub protocol: RouteProtocol,
    pub kind: RouteType,
}

impl Route {
    /// To a network over a gateway.
    pub(crate) fn via(to: Net, gateway: IpAddr) -> Self {
        Self {
            to: to.network(),
            via: Some(gateway),
            interface: None,
            metric: 0,
            protocol: RouteProtocol::Static,
            kind: RouteType::Unicast,
        }
    }

    /// To everywhere over a gateway of the same family.
    pub(crate) fn default_via(gateway: IpAddr) -> Self {
        Self::via(Net { address: gateway, length: 0 }, gateway)
    }

    /// Swallows what no better route takes.
    pub(crate) fn blackhole(to: Net) -> Self {
        Self {
            to: to.network(),
            via: None,
            interface: None,
            metric: 4096,
            protocol: RouteProtocol::Static,
            kind: RouteType::BlackHole,
        }
    }
}

/// A netlink session that wires the namespace it was opened in.
#[derive(Debug)]
pub(crate) struct Wires {
    session: Session,
}

impl Wires {
    /// Opens a session in the namespace of the calling thread.
    pub(crate) fn open() -> Result<Self> {
        Ok(Self { session: Session::open()? })
    }

    /// A cable from here to another namespace. Both ends are still down.
    pub(crate) fn cable(&mut self, here: End<'_>, there: End<'_>, namespace: &File) -> Result<()> {
        let mut far = named(there);
        far.attributes.push(LinkAttribute::NetNsFd(namespace.as_raw_fd()));
        let mut near = named(here);
        near.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far))),
        ]));
        self.session
            .request(RouteNetlinkMessage::NewLink(near), NLM_F_CREATE | NLM_F_EXCL)
            .with_context(|| format!("plug a cable between {} and {}", here.name, there.name))
    }

    /// Sets an interface administratively up or down.
    pub(crate) fn set_up(&mut self, index: u32, up: bool) -> Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Up;
        self.session
            .request(RouteNetlinkMessage::SetLink(message), 0)
            .with_context(|| format!("set interface {index} {}", if up { "up" } else { "down" }))
    }

    /// Gives an interface addresses that are usable at once.
    pub(crate) fn address(&mut self, index: u32, nets: &[Net]) -> Result<()> {
        for net in nets {
            let mut message = AddressMessage::default();
            message.header.family = family(net.address);
            message.header.prefix_len = net.length;
            message.header.index = index;
            message.header.flags = AddressHeaderFlags::Nodad;
            message.header.scope = scope(net.address);
            message.attributes =
                vec![AddressAttribute::Local(net.address), AddressAttribute::Address(net.address)];
            self.session
                .request(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
                .with_context(|| format!("give {}/{} to interface {index}", net.address, net.length))?;
        }
        Ok(())
    }

    /// Takes an address away.
    pub(crate) fn remove_address(&mut self, index: u32, net: Net) -> Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = family(net.address);
        message.header.prefix_len = net.length;
        message.header.index = index;
        message.attributes = vec![AddressAttribute::Local(net.address)];
        self.session
            .request(RouteNetlinkMessage::DelAddress(message), 0)
            .with_context(|| format!("take {}/{} from interface {index}", net.address, net.length))
    }

    /// Makes a route in `main`.
    pub(crate) fn route(&mut self, route: &Route) -> Result<()> {
        self.session
            .request(RouteNetlinkMessage::NewRoute(route_message(route)), NLM_F_CREATE | NLM_F_EXCL)
            .with_context(|| format!("make route {route:?}"))
    }

    /// Makes a route in `main` or takes the place of the one that stands there.
    pub(crate) fn replace_route(&mut self, route: &Route) -> Result<()> {
        self.session
            .request(RouteNetlinkMessage::NewRoute(route_message(route)), NLM_F_CREATE | NLM_F_REPLACE)
            .with_context(|| format!("replace route {route:?}"))
    }

    /// Removes a route from `main`.
    pub(crate) fn remove_route(&mut self, route: &Route) -> Result<()> {
        self.session
            .request(RouteNetlinkMessage::DelRoute(route_message(route)), 0)
            .with_context(|| format!("remove route {route:?}"))
    }

    /// The number of an interface's other end, as the kernel tells it.
    pub(crate) fn other_end(&mut self, index: u32) -> Result<u32> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        let found = self.session.get(RouteNetlinkMessage::GetLink(message))?;
        let Some(RouteNetlinkMessage::NewLink(link)) = found else {
            anyhow::bail!("interface {index} does not exist");
        };
        let end = link.attributes.iter().find_map(other_end_in);
        end.with_context(|| format!("interface {index} has no other end: is it a veth?"))
    }
}

fn other_end_in(attribute: &LinkAttribute) -> Option<u32> {
    if let LinkAttribute::Link(end) = attribute { Some(*end) } else { None }
}

fn named(end: End<'_>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = end.index;
    message.attributes.push(LinkAttribute::IfName(end.name.to_owned()));
    message
}

fn route_message(route: &Route) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(route.to.address);
    message.header.destination_prefix_length = route.to.length;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = route.protocol;
    message.header.scope = RouteScope::Universe;
    message.header.kind = route.kind;
    if route.to.length > 0 {
        message.attributes.push(RouteAttribute::Destination(route.to.address.into()));
    }
    message.attributes.extend(route.via.map(|gateway| RouteAttribute::Gateway(gateway.into())));
    message.attributes.extend(route.interface.map(RouteAttribute::Oif));
    if route.metric > 0 {
        message.attributes.push(RouteAttribute::Priority(route.metric));
    }
    message
}

const fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

const fn scope(address: IpAddr) -> AddressScope {
    match address {
        IpAddr::V4(_) => AddressScope::Universe,
        IpAddr::V6(six) if six.is_unicast_link_local() => AddressScope::Link,
        IpAddr::V6(_) => AddressScope::Universe,
    }
}
