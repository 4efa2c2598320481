//! Names of things on the box. Inside the product no bare number or string stands for one of these.

use core::fmt;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A WAN link, numbered 1..=49 in the order of the site file.
///
/// The number is also its place in the kernel: routing table `100 + n`, rules at `400 + n` and
/// `600 + n`, packet mark `n << 8` under mask `0xff00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(u8);

impl LinkId {
    /// The most links a site can have: rule 400 + n must come before the guard rule at 450.
    pub const MAX: u8 = 49;
    /// The bits of a packet mark that name a link.
    pub const MARK_MASK: u32 = 0xff00;

    /// `None` unless `n` is in 1..=49.
    #[must_use]
    pub const fn new(n: u8) -> Option<Self> {
        if n >= 1 && n <= Self::MAX { Some(Self(n)) } else { None }
    }

    /// The bare number, 1..=49.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The firewall mark that pins a packet to this link.
    #[must_use]
    pub const fn mark(self) -> u32 {
        (self.0 as u32) << 8
    }

    /// The routing table that holds only this link's default route.
    #[must_use]
    pub const fn table(self) -> u32 {
        100 + self.0 as u32
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link{}", self.0)
    }
}

/// An analogue line of the card, numbered from 0 as on the card's connector strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(pub u8);

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line{}", self.0)
    }
}

/// An address family; health and routes of the two are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both, in the order in which they are switched.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    #[must_use]
    pub const fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_knows_its_place_in_the_kernel() {
        let link = LinkId::new(2).expect("2 is in range");
        assert_eq!((link.mark(), link.table()), (0x200, 102));
        assert_eq!(LinkId::new(0), None);
        assert_eq!(LinkId::new(50), None);
    }
}
