//! Default routes as the kernel writes them.

use std::net::IpAddr;

use anyhow::Result;

use super::Family;
use super::netlink::{Message, address, number};

/// The table that carries the site's traffic.
const ACTIVE_TABLE: u32 = 99;
/// `struct rtmsg`.
const FIXED: usize = 12;
/// `RTN_UNICAST`: leads somewhere.
const UNICAST: u8 = 1;
/// What IPv6 writes for a route without a metric.
const DEFAULT_METRIC_V6: u32 = 1024;

const OIF: u16 = 4;
const GATEWAY: u16 = 5;
const PRIORITY: u16 = 6;
const MULTIPATH: u16 = 9;
const TABLE: u16 = 15;

/// One default of table 99.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Default {
    /// Lowest wins.
    pub(super) metric: u32,
    /// The interface it leads over; 0 if it names none.
    pub(super) oif: u32,
    /// The next router.
    pub(super) gateway: Option<IpAddr>,
    /// It leads over several ways at once.
    pub(super) multipath: bool,
}

/// The request for all routes of a family.
pub(super) fn request(family: Family) -> [u8; FIXED] {
    let mut body = [0; FIXED];
    body[0] = family.number();
    body
}

/// A unicast default of table 99; `None` for every other route.
pub(super) fn parse(message: &Message) -> Result<Option<(Family, Default)>> {
    let Some(family) = Family::from_number(message.byte(0)?) else { return Ok(None) };
    let (prefix, kind) = (message.byte(1)?, message.byte(7)?);
    let mut table = u32::from(message.byte(4)?);
    let mut metric = if family == Family::V6 { DEFAULT_METRIC_V6 } else { 0 };
    let (mut oif, mut gateway, mut multipath) = (0, None, false);
    for (attribute, value) in message.attributes(FIXED)? {
        match attribute {
            TABLE => table = number(value)?,
            PRIORITY => metric = number(value)?,
            OIF => oif = number(value)?,
            GATEWAY => gateway = address(value),
            MULTIPATH => multipath = true,
            _ => {}
        }
    }
    let ours = table == ACTIVE_TABLE && prefix == 0 && kind == UNICAST;
    Ok(ours.then_some((family, Default { metric, oif, gateway, multipath })))
}

#[cfg(test)]
mod tests {
    use super::super::netlink::NEW_ROUTE;
    use super::*;

    fn message(table: u32, prefix: u8, kind: u8) -> Message {
        let mut body = vec![2, prefix, 0, 0, 0, 200, 0, kind, 0, 0, 0, 0];
        for (attribute, value) in [(TABLE, table), (PRIORITY, 10), (OIF, 7)] {
            body.extend(8_u16.to_ne_bytes());
            body.extend(attribute.to_ne_bytes());
            body.extend(value.to_ne_bytes());
        }
        body.extend([8, 0, 5, 0, 192, 0, 2, 1]);
        Message { kind: NEW_ROUTE, flags: 0, body }
    }

    #[test]
    fn a_default_of_table_99_is_read_whole() {
        let (family, route) = parse(&message(99, 0, UNICAST)).unwrap().unwrap();
        assert_eq!(family, Family::V4);
        let gateway = Some("192.0.2.1".parse().unwrap());
        assert_eq!(route, Default { metric: 10, oif: 7, gateway, multipath: false });
    }

    #[test]
    fn other_tables_other_prefixes_and_dead_ends_are_not_meant() {
        for message in [message(254, 0, UNICAST), message(99, 24, UNICAST), message(99, 0, 7)] {
            assert_eq!(parse(&message).unwrap(), None);
        }
    }
}
