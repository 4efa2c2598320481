//! Links as ways out for those who must not wait for an election: a signal tries every one of them.

use core::net::IpAddr;

use hal::{Family, LinkId};

use crate::Wan;
use crate::link_health::State;

/// A link with an address and a next hop in a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Which link.
    pub link: LinkId,
    /// The box's address on it.
    pub source: IpAddr,
    /// The kernel has answered a plan with this next hop: what carries the link's mark finds its table.
    pub routed: bool,
    /// It was judged, and does not carry traffic.
    pub down: bool,
}

impl Wan {
    /// Every link that a family could leave by, whatever the election says; in the order of the site file.
    pub fn reaches(&self, family: Family) -> impl Iterator<Item = Reach> {
        self.lanes(family).filter_map(|lane| {
            let down = match lane.health.state() {
                State::Down => true,
                State::Unheard
                | State::NoCarrier
                | State::NoAddress
                | State::Probing { .. }
                | State::Up { .. }
                | State::Suspect { .. }
                | State::HoldDown { .. } => false,
            };
            let hop = lane.hop()?;
            Some(Reach { link: lane.link(), source: hop.source, routed: lane.is_routed(), down })
        })
    }
}
