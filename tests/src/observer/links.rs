//! Interfaces: number, name, carrier, and the addresses they ever had.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::Result;

use super::netlink::{GET_ADDRESS, GET_LINK, Message, NEW_ADDRESS, NEW_LINK, Socket, address, text};

const LINK_FIXED: usize = 16;
const ADDRESS_FIXED: usize = 8;
const IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// `IFF_UP`.
const UP: u32 = 0x1;
/// `IFF_LOWER_UP`.
const LOWER_UP: u32 = 0x1_0000;

/// All interfaces by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// The latest state of each.
    pub(super) by_index: BTreeMap<u32, Link>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The kernel's name.
    pub(super) name: String,
    /// It is up and hears the other side.
    pub(super) carrier: bool,
}

impl Links {
    /// Looks at all of them.
    pub(super) fn dump(socket: &mut Socket) -> Result<Self> {
        let mut links = Self::default();
        for message in socket.dump(GET_LINK, &[0; LINK_FIXED])? {
            if message.kind == NEW_LINK {
                links.add(&message)?;
            }
        }
        Ok(links)
    }

    /// The name of an interface, for people.
    pub(super) fn name(&self, index: u32) -> String {
        self.by_index.get(&index).map_or_else(|| format!("interface {index}"), |l| l.name.clone())
    }

    /// Whether an interface has carrier; one that is gone has none.
    pub(super) fn carrier(&self, index: u32) -> bool {
        self.by_index.get(&index).is_some_and(|l| l.carrier)
    }

    fn add(&mut self, message: &Message) -> Result<()> {
        let (index, flags) = (message.word(4)?, message.word(8)?);
        let attributes = message.attributes(LINK_FIXED)?;
        let name = attributes.iter().find(|(kind, _)| *kind == IFNAME).map(|(_, name)| text(name));
        let carrier = flags & UP != 0 && flags & LOWER_UP != 0;
        self.by_index.insert(index, Link { name: name.unwrap_or_default(), carrier });
        Ok(())
    }
}

/// The addresses of all interfaces at this moment.
pub(super) fn addresses(socket: &mut Socket) -> Result<BTreeSet<(u32, IpAddr)>> {
    let mut found = BTreeSet::new();
    for message in socket.dump(GET_ADDRESS, &[0; ADDRESS_FIXED])? {
        if message.kind != NEW_ADDRESS {
            continue;
        }
        let index = message.word(4)?;
        let own = message.attributes(ADDRESS_FIXED)?;
        let own = own.iter().filter(|(kind, _)| matches!(*kind, IFA_ADDRESS | IFA_LOCAL));
        found.extend(own.filter_map(|(_, bytes)| Some((index, address(bytes)?))));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carrier_is_up_and_lower_up_together() {
        for (flags, carrier) in [(0, false), (UP, false), (LOWER_UP, false), (UP | LOWER_UP, true)] {
            let mut body = vec![0; LINK_FIXED];
            body[4] = 3;
            body[8..12].copy_from_slice(&u32::to_ne_bytes(flags));
            body.extend([9, 0, 3, 0, b'w', b'a', b'n', b'1', 0, 0, 0, 0]);
            let mut links = Links::default();
            links.add(&Message { kind: NEW_LINK, flags: 0, body }).unwrap();
            assert_eq!((links.carrier(3), links.name(3).as_str()), (carrier, "wan1"), "{flags:#x}");
        }
        assert!(!Links::default().carrier(3), "what is not there has no carrier");
    }
}
