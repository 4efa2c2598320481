//! Echo messages as bytes (RFC 792, RFC 4443) and which router messages are certain. Pure.
//!
//! ```text
//!  0 type  1 code  2..4 checksum  4..6 identifier   (the kernel fills in the last two)
//!  6..8 our number on the wire
//!  8..16 nonce  16..20 the machine's sequence  20 link  21 zero  22..24 zero
//! ```

use hal::Family;
use wan::Probe;

/// Length of a request: 24 bytes, 44 with an IPv4 header.
pub(super) const LENGTH: usize = 24;

const V4_REQUEST: u8 = 8;
const V4_REPLY: u8 = 0;
const V6_REQUEST: u8 = 128;
const V6_REPLY: u8 = 129;

/// A request, or what a reply brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) wire: u16,
    pub(super) nonce: u64,
}

pub(super) fn request(probe: &Probe, echo: Echo) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0] = match Family::of(&probe.target) {
        Family::V4 => V4_REQUEST,
        Family::V6 => V6_REQUEST,
    };
    bytes[6..8].copy_from_slice(&echo.wire.to_be_bytes());
    bytes[8..16].copy_from_slice(&echo.nonce.to_be_bytes());
    bytes[16..20].copy_from_slice(&probe.sequence.to_be_bytes());
    bytes[20] = probe.link.number();
    bytes
}

/// `None` for anything but an echo reply long enough to hold our nonce.
pub(super) fn reply(family: Family, bytes: &[u8]) -> Option<Echo> {
    let expected = match family {
        Family::V4 => V4_REPLY,
        Family::V6 => V6_REPLY,
    };
    let kind = *bytes.first()?;
    if kind != expected || *bytes.get(1)? != 0 || bytes.len() < LENGTH {
        return None;
    }
    Some(Echo { wire: wire(bytes)?, nonce: nonce(bytes)? })
}

/// The number on the wire, also of a request that a router quotes.
pub(super) fn wire(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(6..8)?.try_into().ok()?))
}

/// The nonce, also of a request that a router quotes; RFC 792 lets it quote only the header.
pub(super) fn nonce(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?))
}

/// No answer can come after this message of a router.
pub(super) const fn is_certain(family: Family, kind: u8, code: u8) -> bool {
    match family {
        // Destination unreachable, but not "fragmentation needed"; time exceeded.
        Family::V4 => (kind == 3 && code != 4) || kind == 11,
        // RFC 4443: destination unreachable; time exceeded.
        Family::V6 => kind == 1 || kind == 3,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use hal::LinkId;
    use proptest::prelude::*;

    use super::*;

    fn probe(target: &str, sequence: u32) -> Probe {
        let target: IpAddr = target.parse().unwrap();
        Probe { link: LinkId::new(3).unwrap(), source: target, target, sequence }
    }

    #[test]
    fn the_bytes_of_a_request_are_pinned() {
        let echo = Echo { wire: 0x0102, nonce: 0x1122_3344_5566_7788 };
        let v4 = request(&probe("192.0.2.1", 0xaabb_ccdd), echo);
        assert_eq!(
            v4,
            [
                8, 0, 0, 0, 0, 0, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0xaa, 0xbb, 0xcc,
                0xdd, 3, 0, 0, 0
            ]
        );
        assert_eq!(request(&probe("2001:db8::1", 1), echo)[0], 128);
    }

    #[test]
    fn which_router_messages_are_certain() {
        let table = [
            (Family::V4, 3, 1, true),
            (Family::V4, 3, 13, true),
            (Family::V4, 3, 4, false),
            (Family::V4, 11, 0, true),
            (Family::V4, 5, 1, false),
            (Family::V4, 4, 0, false),
            (Family::V6, 1, 0, true),
            (Family::V6, 3, 0, true),
            (Family::V6, 2, 0, false),
            (Family::V6, 4, 1, false),
        ];
        for (family, kind, code, expected) in table {
            assert_eq!(is_certain(family, kind, code), expected, "{family} {kind}/{code}");
        }
    }

    proptest! {
        #[test]
        fn a_reply_brings_back_what_the_request_took(wire: u16, nonce: u64, sequence: u32, tail in 0usize..64) {
            for (target, kind) in [("192.0.2.1", 0), ("2001:db8::1", 129)] {
                let probe = probe(target, sequence);
                let mut bytes = request(&probe, Echo { wire, nonce }).to_vec();
                bytes[0] = kind;
                bytes.resize(bytes.len() + tail, 0);
                prop_assert_eq!(reply(Family::of(&probe.target), &bytes), Some(Echo { wire, nonce }));
            }
        }

        #[test]
        fn garbage_is_never_a_crash_and_a_short_reply_never_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            for family in Family::BOTH {
                if let Some(echo) = reply(family, &bytes) {
                    prop_assert!(bytes.len() >= LENGTH);
                    prop_assert_eq!(Some(echo.wire), wire(&bytes));
                }
            }
        }
    }
}
