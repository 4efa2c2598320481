//! The address plan of the lab: pure, the same in every lab, documentation prefixes only.
//!
//! ```text
//!   lan host 192.168.77.10        isp a 192.0.2.1 ------- .1 transit .2 ---\
//!      |     fd77::10            /      2001:db8:1::1                       internet
//!      +---- box ---------------<                                           203.0.113.1-3  targets
//!       192.168.77.1             \ isp b 198.51.100.1 --- .1 transit .2 ---/ 203.0.113.10  broker, .11 station
//!       fd77::1                         2001:db8:2::1                       203.0.113.20  far end
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most links a lab can have: the plan carves that many networks out of its prefixes.
pub const MAX_LINKS: u8 = 8;

/// A WAN link of the lab, in the order of the site file. The first is `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link(u8);

impl Link {
    /// The first link, the primary of the default lab.
    pub const A: Self = Self(1);
    /// The second link, the backup of the default lab.
    pub const B: Self = Self(2);

    /// `None` unless `number` is in 1..=[`MAX_LINKS`].
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= MAX_LINKS { Some(Self(number)) } else { None }
    }

    /// By its letter, as people type it.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        let [byte] = letter.as_bytes() else { return None };
        Self::new(byte.to_ascii_lowercase().checked_sub(b'a')?.checked_add(1)?)
    }

    /// From 1, the daemon's number of the same link.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its place in a list of links.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }

    /// The box's interface.
    #[must_use]
    pub fn interface(self) -> String {
        format!("wan{}", self.0)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(b'a' + self.0 - 1))
    }
}

/// An address with the length of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// The address.
    pub address: IpAddr,
    /// The length of the network's prefix.
    pub length: u8,
}

impl Net {
    /// The network itself: the address with its host part cut off.
    #[must_use]
    pub fn network(self) -> Self {
        let address = match self.address {
            IpAddr::V4(four) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & mask))
            }
            IpAddr::V6(six) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & mask))
            }
        };
        Self { address, length: self.length }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Net {
    Net { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length }
}

const fn v6(part: u16, host: u16, length: u8) -> Net {
    Net { address: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, part, 0, 0, 0, 0, host)), length }
}

const fn lan6(host: u16) -> Net {
    Net { address: IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, host)), length: 64 }
}

/// The box on the LAN.
pub const BOX_LAN: [Net; 2] = [v4(192, 168, 77, 1, 24), lan6(0x1)];

/// The host on the LAN.
pub const LAN_HOST: [Net; 2] = [v4(192, 168, 77, 10, 24), lan6(0x10)];

/// The access network of a link seen from the box.
#[must_use]
pub const fn box_wan(link: Link) -> [Net; 2] {
    access(link, 2)
}

/// Another IPv4 address of the box on a link, by its place in the access network (2 is the planned
/// one, 1 the gateway, 15 the broadcast address).
#[must_use]
pub const fn box_wan_as(link: Link, host: u8) -> Net {
    access(link, host)[0]
}

/// The access network of a link seen from its ISP: the box's gateway.
#[must_use]
pub const fn gateway(link: Link) -> [Net; 2] {
    access(link, 1)
}

/// The link-local address of every ISP's router, what a router advertisement would name.
pub const GATEWAY_LINK_LOCAL: Net =
    Net { address: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)), length: 64 };

const fn access(link: Link, host: u8) -> [Net; 2] {
    let place = link.0 - 1;
    let subnet = 16 * (place / 2) + host;
    let four = if place % 2 == 0 { v4(192, 0, 2, subnet, 28) } else { v4(198, 51, 100, subnet, 28) };
    [four, v6(link.0 as u16, host as u16, 64)]
}

/// Between an ISP and the internet, the ISP's end.
#[must_use]
pub const fn transit_isp(link: Link) -> [Net; 2] {
    transit(link, 1)
}

/// Between an ISP and the internet, the internet's end.
#[must_use]
pub const fn transit_internet(link: Link) -> [Net; 2] {
    transit(link, 2)
}

const fn transit(link: Link, host: u8) -> [Net; 2] {
    [v4(203, 0, 113, 128 + 4 * link.0 + host, 30), v6(0x100 + link.0 as u16, host as u16, 64)]
}

/// Hosts of the internet, all on its loopback.
const fn internet(host: u8) -> [Net; 2] {
    [v4(203, 0, 113, host, 32), v6(0xffff, host as u16, 128)]
}

/// The echo targets, both families of each.
pub const TARGETS: [[Net; 2]; 3] = [internet(1), internet(2), internet(3)];

/// Where the broker listens.
pub const BROKER: [Net; 2] = internet(10);

/// Where the station listens.
pub const STATION: [Net; 2] = internet(11);

/// Where measurement flows end.
pub const FAR_END: [Net; 2] = internet(20);

/// Interface numbers. On a veth whose two ends carry the same number the kernel treats a lost
/// carrier as not urgent and tells of it at most once a second, as it does for real cards.
pub mod index {
    use super::Link;

    /// The box's LAN side and the LAN host's end.
    pub const LAN: (u32, u32) = (5, 6);

    /// The box's end of a link.
    #[must_use]
    pub const fn box_wan(link: Link) -> u32 {
        10 + link.0 as u32
    }

    /// The ISP's end where carrier events are to be prompt.
    #[must_use]
    pub const fn isp_access(link: Link) -> u32 {
        40 + link.0 as u32
    }

    /// The ISP's and the internet's end of a transit.
    #[must_use]
    pub const fn transit(link: Link) -> (u32, u32) {
        (60 + link.0 as u32, 80 + link.0 as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn links() -> impl Iterator<Item = Link> {
        (1..=MAX_LINKS).filter_map(Link::new)
    }

    #[test]
    fn no_address_is_given_twice() {
        let mut all = vec![BOX_LAN, LAN_HOST, BROKER, STATION, FAR_END];
        all.extend(TARGETS);
        for link in links() {
            all.extend([box_wan(link), gateway(link), transit_isp(link), transit_internet(link)]);
        }
        let nets: Vec<IpAddr> = all.iter().flatten().map(|n| n.address).collect();
        let distinct: BTreeSet<IpAddr> = nets.iter().copied().collect();
        assert_eq!(distinct.len(), nets.len());
    }

    #[test]
    fn the_first_two_links_live_where_the_map_says() {
        let shown = |nets: [Net; 2]| nets.map(|n| n.address.to_string());
        assert_eq!(shown(gateway(Link::A)), ["192.0.2.1", "2001:db8:1::1"]);
        assert_eq!(shown(gateway(Link::B)), ["198.51.100.1", "2001:db8:2::1"]);
        assert_eq!(shown(BROKER), ["203.0.113.10", "2001:db8:ffff::a"]);
        assert_eq!(shown(LAN_HOST), ["192.168.77.10", "fd77::10"]);
    }

    #[test]
    fn a_transit_stays_clear_of_the_hosts_of_the_internet() {
        for link in links() {
            let IpAddr::V4(end) = transit_internet(link)[0].address else { panic!("the first is IPv4") };
            assert!(end.octets()[3] > 128, "{end}");
        }
    }

    #[test]
    fn a_network_has_no_host_part() {
        let shown = |net: Net| net.network().to_string();
        assert_eq!(shown(gateway(Link::new(3).unwrap())[0]), "192.0.2.16/28");
        assert_eq!(gateway(Link::A).map(shown), ["192.0.2.0/28", "2001:db8:1::/64"]);
        assert_eq!(shown(Net { length: 0, ..BROKER[0] }), "0.0.0.0/0");
        assert_eq!(shown(Net { length: 0, ..BROKER[1] }), "::/0");
    }

    #[test]
    fn letters_and_numbers_name_the_same_links() {
        assert_eq!(Link::from_letter("b"), Some(Link::B));
        assert_eq!(Link::B.to_string(), "b");
        for bad in ["", "ab", "1", "z", "`"] {
            assert_eq!(Link::from_letter(bad), None, "{bad:?}");
        }
    }
}
