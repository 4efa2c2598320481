//! Interfaces, their addresses and the gateways that `main` names for them, as the kernel has them.

use std::net::IpAddr;

use hal::Family;

use super::packet::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use super::packet::link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage};
use super::packet::route::{RouteAttribute, RouteMessage, RouteType};
use super::routes::{family_of, gateway_of, table_of};
use super::{NetlinkError, RouteNetlinkMessage, Session};
use crate::routing::MAIN_TABLE;

/// An interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number; another one after it was removed and made again.
    pub ifindex: u32,
    /// Up and with carrier (`IFF_UP` and `IFF_LOWER_UP`).
    pub carrier: bool,
    /// Needs no gateway.
    pub point_to_point: bool,
}

/// An address that packets can be sent from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The box's own end.
    pub address: IpAddr,
    /// Length of the on-link prefix.
    pub prefix: u8,
    /// A secondary (IPv4) or temporary (IPv6) address.
    pub secondary: bool,
}

impl Session {
    /// An interface by its name. Asking also makes the kernel hand out a carrier event that it
    /// holds back.
    pub fn interface(&mut self, name: &str) -> Result<Option<Interface>, NetlinkError> {
        let mut request = LinkMessage::default();
        request.attributes.push(LinkAttribute::IfName(name.to_owned()));
        request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        let answer = self.get(RouteNetlinkMessage::GetLink(request))?;
        Ok(match answer {
            Some(RouteNetlinkMessage::NewLink(link)) => Some(interface(&link)),
            _ => None,
        })
    }

    /// The usable addresses of an interface: global, verified unique, not on their way out.
    pub fn addresses(&mut self, ifindex: u32) -> Result<Vec<Address>, NetlinkError> {
        let mut request = AddressMessage::default();
        request.header.index = ifindex;
        let answers = match self.dump(RouteNetlinkMessage::GetAddress(request)) {
            Err(error) if error.says_absent() => Vec::new(),
            outcome => outcome?,
        };
        Ok(answers
            .iter()
            .filter_map(|answer| match answer {
                RouteNetlinkMessage::NewAddress(a) if a.header.index == ifindex => usable(a),
                _ => None,
            })
            .collect())
    }

    /// The gateway of the best default route by this interface in `main`.
    pub fn gateway_in_main(&mut self, family: Family, ifindex: u32) -> Result<Option<IpAddr>, NetlinkError> {
        let mut request = RouteMessage::default();
        request.header.address_family = family_of(family);
        request.attributes.push(RouteAttribute::Table(MAIN_TABLE));
        request.attributes.push(RouteAttribute::Oif(ifindex));
        let answers = match self.dump(RouteNetlinkMessage::GetRoute(request)) {
            Err(error) if error.says_absent() => Vec::new(),
            outcome => outcome?,
        };
        let candidates = answers.iter().filter_map(|answer| match answer {
            RouteNetlinkMessage::NewRoute(route) => default_by(route, ifindex),
            _ => None,
        });
        Ok(candidates.min_by_key(|(metric, _)| *metric).map(|(_, gateway)| gateway))
    }
}

/// A default route in `main`.
pub(super) fn is_default_in_main(route: &RouteMessage) -> bool {
    route.header.destination_prefix_length == 0 && table_of(route) == MAIN_TABLE
}

fn interface(link: &LinkMessage) -> Interface {
    let flags = link.header.flags;
    Interface {
        ifindex: link.header.index,
        carrier: flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
        point_to_point: flags.contains(LinkFlags::Pointopoint),
    }
}

fn usable(message: &AddressMessage) -> Option<Address> {
    let wide = message.attributes.iter().find_map(|a| match a {
        AddressAttribute::Flags(flags) => Some(*flags),
        _ => None,
    });
    let flags =
        wide.unwrap_or_else(|| AddressFlags::from_bits_retain(u32::from(message.header.flags.bits())));
    let doubtful = AddressFlags::Tentative | AddressFlags::Dadfailed | AddressFlags::Deprecated;
    if message.header.scope != AddressScope::Universe || flags.intersects(doubtful) {
        return None;
    }
    let find = |pick: fn(&AddressAttribute) -> Option<IpAddr>| message.attributes.iter().find_map(pick);
    let local = find(|a| if let AddressAttribute::Local(ip) = a { Some(*ip) } else { None });
    let address = find(|a| if let AddressAttribute::Address(ip) = a { Some(*ip) } else { None });
    Some(Address {
        address: local.or(address)?,
        prefix: message.header.prefix_len,
        secondary: flags.contains(AddressFlags::Secondary),
    })
}

/// Metric and gateway, if the route is a unicast default with a gateway by this interface.
fn default_by(route: &RouteMessage, ifindex: u32) -> Option<(u32, IpAddr)> {
    if !is_default_in_main(route) || route.header.kind != RouteType::Unicast {
        return None;
    }
    let mut metric = 0;
    let mut gateway = None;
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Priority(value) => metric = *value,
            RouteAttribute::Oif(oif) if *oif == ifindex => gateway = gateway_of(&route.attributes),
            RouteAttribute::MultiPath(hops) => {
                let hop = hops.iter().find(|hop| hop.interface_index == ifindex);
                gateway = hop.and_then(|hop| gateway_of(&hop.attributes));
            }
            _ => {}
        }
    }
    Some((metric, gateway?))
}

#[cfg(test)]
mod tests {
    use super::super::packet::address::AddressHeaderFlags;
    use super::super::packet::route::RouteNextHop;
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_global_address_without_doubts_is_usable() {
        let table = [
            (AddressScope::Universe, AddressFlags::Permanent, true),
            (AddressScope::Universe, AddressFlags::Secondary, true),
            (AddressScope::Link, AddressFlags::Permanent, false),
            (AddressScope::Host, AddressFlags::Permanent, false),
            (AddressScope::Universe, AddressFlags::Tentative, false),
            (AddressScope::Universe, AddressFlags::Tentative | AddressFlags::Optimistic, false),
            (AddressScope::Universe, AddressFlags::Dadfailed, false),
            (AddressScope::Universe, AddressFlags::Deprecated, false),
        ];
        for (scope, flags, expected) in table {
            let mut message = AddressMessage::default();
            message.header.scope = scope;
            message.attributes =
                vec![AddressAttribute::Flags(flags), AddressAttribute::Address(ip("2001:db8::2"))];
            assert_eq!(usable(&message).is_some(), expected, "{scope:?} {flags:?}");
        }
    }

    #[test]
    fn flags_of_old_kernels_stand_in_the_header() {
        let mut message = AddressMessage::default();
        message.header.flags = AddressHeaderFlags::Deprecated;
        message.attributes = vec![AddressAttribute::Address(ip("2001:db8::2"))];
        assert_eq!(usable(&message), None);
    }

    #[test]
    fn on_a_point_to_point_link_the_own_end_counts_not_the_peer() {
        let mut message = AddressMessage::default();
        message.attributes =
            vec![AddressAttribute::Address(ip("10.0.0.1")), AddressAttribute::Local(ip("10.0.0.2"))];
        assert_eq!(usable(&message).unwrap().address, ip("10.0.0.2"));
    }

    #[test]
    fn a_gateway_comes_from_a_unicast_default_by_this_interface_only() {
        let gateway = |text: &str| RouteAttribute::Gateway(ip(text).into());
        let mut plain = RouteMessage::default();
        plain.header.table = 254;
        plain.header.kind = RouteType::Unicast;
        plain.attributes = vec![RouteAttribute::Oif(7), gateway("10.0.0.1"), RouteAttribute::Priority(5)];
        assert_eq!(default_by(&plain, 7), Some((5, ip("10.0.0.1"))));
        assert_eq!(default_by(&plain, 8), None);

        let mut longer = plain.clone();
        longer.header.destination_prefix_length = 24;
        let mut elsewhere = plain.clone();
        elsewhere.attributes.push(RouteAttribute::Table(100));
        let mut unreachable = plain.clone();
        unreachable.header.kind = RouteType::Unreachable;
        for other in [longer, elsewhere, unreachable] {
            assert_eq!(default_by(&other, 7), None);
        }

        let mut hop = RouteNextHop::default();
        hop.interface_index = 7;
        hop.attributes = vec![gateway("10.0.0.9")];
        let mut multipath = plain;
        multipath.attributes = vec![RouteAttribute::MultiPath(vec![RouteNextHop::default(), hop])];
        assert_eq!(default_by(&multipath, 7), Some((0, ip("10.0.0.9"))));
    }
}
