//! Forgets the flows of a link: one message, whatever their number.
//!
//! After a switch the flows that left by the dead link would keep its address until they expire.
//! Flows of other links, and those that bear no mark, stay.

use core::time::Duration;

use hal::LinkId;
use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::conntrack::{ConntrackAttribute, ConntrackMessage};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::{Exchange, NetlinkError, Protocol};
use crate::clock;

/// A request socket of connection tracking.
#[derive(Debug)]
pub struct Flows {
    exchange: Exchange,
}

impl Flows {
    /// Opens the socket in the network namespace of the calling thread.
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { exchange: Exchange::open(NETLINK_NETFILTER)? })
    }

    /// Deletes every flow that bears the link's mark; tells how long the kernel took: half a
    /// microsecond per flow of the whole table, about.
    pub fn forget(&mut self, link: LinkId) -> Result<Duration, NetlinkError> {
        let started = clock::boottime_ns();
        self.exchange.acknowledged(deletion(link), 0)?;
        Ok(Duration::from_nanos(clock::boottime_ns().saturating_sub(started)))
    }
}

fn deletion(link: LinkId) -> NetfilterMessage {
    /// `CTA_MARK_MASK`.
    const MARK_MASK: u16 = 21;
    let mask = LinkId::MARK_MASK.to_be_bytes().to_vec();
    let attributes = vec![
        ConntrackAttribute::CtaMark(link.mark()),
        ConntrackAttribute::Other(DefaultNla::new(MARK_MASK, mask)),
    ];
    let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, 0);
    NetfilterMessage::new(header, ConntrackMessage::Delete(attributes))
}

impl Protocol for NetfilterMessage {
    fn word(&self) -> &'static str {
        "forget the flows of a link"
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NetlinkSerializable;

    use super::*;

    #[test]
    fn the_deletion_names_mark_and_mask_in_network_order() {
        let message = deletion(LinkId::new(2).unwrap());
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        assert_eq!(message.message_type(), 0x0102);
        assert_eq!(bytes, [0, 0, 0, 0, 8, 0, 8, 0, 0, 0, 2, 0, 8, 0, 21, 0, 0, 0, 0xff, 0]);
    }
}
