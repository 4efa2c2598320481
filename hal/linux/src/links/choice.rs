//! Which of an interface's addresses the box speaks from. Pure.

use std::net::IpAddr;

use hal::Family;

use crate::netlink::Address;

/// The best usable address of a family.
///
/// An address in the gateway's own network comes before others, a primary one before secondary and
/// temporary ones, a global one before a unique local one (RFC 6724), and the one in use before
/// its equals, so that a second address never moves anything.
pub(super) fn source(
    family: Family,
    addresses: &[Address],
    gateway: Option<IpAddr>,
    current: Option<IpAddr>,
) -> Option<IpAddr> {
    let rank = |a: &Address| {
        let near = gateway.is_some_and(|g| same_network(a.address, g, a.prefix));
        (near, !a.secondary, !is_unique_local(a.address), current == Some(a.address))
    };
    let of_family = addresses.iter().filter(|a| Family::of(&a.address) == family);
    // `max_by_key` takes the last of equals; the kernel lists the oldest address first.
    of_family.rev().max_by_key(|a| rank(a)).map(|a| a.address)
}

fn same_network(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    let prefix = u32::from(prefix);
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= prefix,
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= prefix,
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

fn is_unique_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.octets()[0] & 0xfe == 0xfc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn addresses(list: &[&str]) -> Vec<Address> {
        let parse = |text: &&str| {
            let (text, secondary) = text.strip_suffix('*').map_or((*text, false), |t| (t, true));
            let (address, prefix) = text.split_once('/').unwrap();
            Address { address: ip(address), prefix: prefix.parse().unwrap(), secondary }
        };
        list.iter().map(parse).collect()
    }

    #[test]
    fn the_best_address_wins_and_the_current_one_among_equals() {
        type Case<'a> = (&'a [&'a str], Option<&'a str>, Option<&'a str>, Option<&'a str>);
        let table: &[Case<'_>] = &[
            (&[], None, None, None),
            (&["10.0.0.2/24"], Some("10.0.0.1"), None, Some("10.0.0.2")),
            (&["10.0.0.2/24", "10.0.0.3/24"], Some("10.0.0.1"), None, Some("10.0.0.2")),
            (&["10.0.0.2/24", "10.0.0.3/24"], Some("10.0.0.1"), Some("10.0.0.3"), Some("10.0.0.3")),
            (&["10.0.0.2/24", "10.0.0.3/24*"], Some("10.0.0.1"), Some("10.0.0.3"), Some("10.0.0.2")),
            (&["10.0.0.2/24", "10.9.0.3/24"], Some("10.9.0.1"), Some("10.0.0.2"), Some("10.9.0.3")),
            (&["10.0.0.2/32"], Some("172.16.0.1"), None, Some("10.0.0.2")),
            (&["fd00::2/64"], Some("10.0.0.1"), None, None),
        ];
        for (list, gateway, current, expected) in table {
            let chosen = source(Family::V4, &addresses(list), gateway.map(ip), current.map(ip));
            assert_eq!(chosen, expected.map(ip), "{list:?} {gateway:?} {current:?}");
        }
    }

    #[test]
    fn a_global_address_comes_before_a_unique_local_one() {
        let list = addresses(&["fd00::2/64", "2001:db8::9/64*", "2001:db8::2/64", "10.0.0.2/24"]);
        assert_eq!(source(Family::V6, &list, Some(ip("fe80::1")), None), Some(ip("2001:db8::2")));
        assert_eq!(source(Family::V6, &list, None, Some(ip("fd00::2"))), Some(ip("2001:db8::2")));
    }
}
