//! Default routes and rules of ours as netlink messages, and what the kernel says of them.
//!
//! Decoding refuses to guess: a rule with a selector that we never make is no rule of ours, a route
//! of a shape that we never make has no next hop.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hal::Family;
use nix::errno::Errno;

use super::packet::AddressFamily;
use super::packet::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType, RouteVia,
};
use super::{NLM_F_CREATE, NLM_F_REPLACE, NetlinkError, RouteNetlinkMessage, Session};
use crate::routing::{KernelRoute, PROTOCOL, Place, Route, Via};

impl Session {
    /// Puts a default route, replacing in place what stands there. One message, no gap.
    pub fn put_route(&mut self, route: &Route) -> Result<(), NetlinkError> {
        let message = encode(route);
        match self.request(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE) {
            // IPv4 says so if this very route stands behind another one of the same metric.
            Err(error) if error.is(Errno::EEXIST) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes a route; one that is gone already is removed.
    pub fn drop_route(&mut self, route: &KernelRoute) -> Result<(), NetlinkError> {
        match self.request(RouteNetlinkMessage::DelRoute(selector(route)), 0) {
            Err(error) if error.says_absent() => Ok(()),
            outcome => outcome,
        }
    }

    /// Every route of a table; a table that does not exist is empty.
    pub fn routes_of(&mut self, family: Family, table: u32) -> Result<Vec<KernelRoute>, NetlinkError> {
        let mut request = RouteMessage::default();
        request.header.address_family = family_of(family);
        request.attributes.push(RouteAttribute::Table(table));
        self.read_routes(family, request)
    }

    /// Every route that we made, in whatever table.
    pub fn routes_of_ours(&mut self, family: Family) -> Result<Vec<KernelRoute>, NetlinkError> {
        let mut request = RouteMessage::default();
        request.header.address_family = family_of(family);
        request.header.protocol = RouteProtocol::Other(PROTOCOL);
        self.read_routes(family, request)
    }

    fn read_routes(
        &mut self,
        family: Family,
        request: RouteMessage,
    ) -> Result<Vec<KernelRoute>, NetlinkError> {
        let answers = match self.dump(RouteNetlinkMessage::GetRoute(request)) {
            Err(error) if error.says_absent() => Vec::new(),
            outcome => outcome?,
        };
        let routes = answers.iter().filter_map(|answer| match answer {
            RouteNetlinkMessage::NewRoute(route) => decode(family, route),
            _ => None,
        });
        Ok(routes.collect())
    }
}

/// The table of a route or of a request.
pub(crate) fn table_of(message: &RouteMessage) -> u32 {
    let long = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    long.unwrap_or_else(|| u32::from(message.header.table))
}

/// The gateway among a route's or a next hop's attributes.
pub(crate) fn gateway_of(attributes: &[RouteAttribute]) -> Option<IpAddr> {
    attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(address) => ip(address),
        RouteAttribute::Via(RouteVia::Inet(address)) => Some(IpAddr::V4(*address)),
        RouteAttribute::Via(RouteVia::Inet6(address)) => Some(IpAddr::V6(*address)),
        _ => None,
    })
}

pub(crate) const fn family_of(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

fn encode(route: &Route) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family_of(route.place.family);
    message.header.protocol = RouteProtocol::Other(PROTOCOL);
    message.header.kind = RouteType::Unicast;
    message.header.scope = scope_of(route);
    message.attributes = place(route.place);
    message.attributes.push(RouteAttribute::Oif(route.via.ifindex));
    if let Some(gateway) = route.via.gateway {
        message.attributes.push(gateway_attribute(route.place.family, gateway));
        // Access networks hand out /32 addresses with a gateway beyond them.
        message.header.flags = RouteFlags::Onlink;
    }
    message.attributes.extend(route.via.source.map(|s| RouteAttribute::PrefSource(s.into())));
    message
}

const fn scope_of(route: &Route) -> RouteScope {
    match (route.place.family, route.via.gateway) {
        (Family::V4, None) => RouteScope::Link,
        (Family::V4, Some(_)) | (Family::V6, _) => RouteScope::Universe,
    }
}

fn gateway_attribute(family: Family, gateway: IpAddr) -> RouteAttribute {
    if Family::of(&gateway) == family {
        RouteAttribute::Gateway(gateway.into())
    } else {
        RouteAttribute::Via(gateway.into())
    }
}

/// A request for exactly this route: the kernel compares what is given.
fn selector(route: &KernelRoute) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family_of(route.place.family);
    message.header.protocol = RouteProtocol::from(route.protocol);
    message.header.scope = RouteScope::NoWhere;
    message.attributes = place(route.place);
    if let Some((address, length)) = route.destination {
        message.header.destination_prefix_length = length;
        message.attributes.push(RouteAttribute::Destination(address.into()));
    }
    if let Some(via) = route.via {
        message.attributes.push(RouteAttribute::Oif(via.ifindex));
        message.attributes.extend(via.gateway.map(|g| gateway_attribute(route.place.family, g)));
    }
    message
}

fn place(place: Place) -> Vec<RouteAttribute> {
    vec![RouteAttribute::Table(place.table), RouteAttribute::Priority(place.metric)]
}

/// `None` for entries that are no routes of a table (cached exceptions).
fn decode(family: Family, message: &RouteMessage) -> Option<KernelRoute> {
    if message.header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let metric = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::Priority(metric) => Some(*metric),
        _ => None,
    });
    let destination = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::Destination(address) => ip(address),
        _ => None,
    });
    let length = message.header.destination_prefix_length;
    Some(KernelRoute {
        place: Place { family, table: table_of(message), metric: metric.unwrap_or(0) },
        destination: (length > 0).then(|| (destination.unwrap_or_else(|| any(family)), length)),
        protocol: message.header.protocol.into(),
        via: via(message),
    })
}

fn via(message: &RouteMessage) -> Option<Via> {
    if message.header.kind != RouteType::Unicast {
        return None;
    }
    let ifindex = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::Oif(ifindex) => Some(*ifindex),
        _ => None,
    })?;
    let source = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::PrefSource(address) => ip(address),
        _ => None,
    });
    Some(Via { ifindex, gateway: gateway_of(&message.attributes), source })
}

const fn any(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}
