//! The ruleset as text. Pure.
//!
//! Masquerade and not a fixed source address: when the route of a flow changes, the kernel itself
//! drops the old mapping and makes one for the other link (one packet is lost, not all). The flow's
//! mark says by which link it leaves; it is for flushing and counting and is never restored to
//! packets, which would hold flows on a dead link.
//!
//! Nothing that a provider's side begins reaches the box or the LAN, but what is named here. TCP through
//! a link with a small MTU is told so in its SYN: what a PMTU black hole would swallow is never sent.

use std::fmt::Write;

use hal::LinkId;

use crate::links::WatchedLink;

/// The name of our table, family `inet`.
pub const TABLE: &str = "holdfast";

/// What a provider may ask of the box itself, unasked: errors and neighbours (RFC 4890 4.4.1), a few pings,
/// the DHCP server's answers, which are not tracked as such when they are broadcast.
const ANSWERED: &str = "        icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-reply } accept
        icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-reply } accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept
        icmpv6 type { mld-listener-query } ip6 saddr fe80::/10 accept
        icmp type echo-request limit rate 20/second burst 20 packets accept
        icmpv6 type echo-request limit rate 20/second burst 20 packets accept
        udp sport 67 udp dport 68 accept
        ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
";

pub(super) fn text(lan: &str, links: &[WatchedLink]) -> String {
    let wans: Vec<String> = links.iter().map(|l| quoted(&l.interface)).collect();
    let (wans, lan) = (wans.join(", "), quoted(lan));
    let mut marks = String::new();
    let others = !LinkId::MARK_MASK;
    for link in links {
        let (name, mark) = (quoted(&link.interface), link.link.mark());
        let mask = LinkId::MARK_MASK;
        writeln!(
            marks,
            "        oifname {name} ct mark and {mask:#x} != {mark:#x} ct mark set ct mark and {others:#x} or {mark:#x}"
        )
        .expect("writing to a string never fails");
    }
    // Naming the table before deleting it makes the deletion succeed also where there is none.
    format!(
        "table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
    chain flow_marks {{
        type filter hook postrouting priority mangle; policy accept;
{marks}    }}

    chain source_nat {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname {{ {wans} }} masquerade
    }}

    chain input {{
        type filter hook input priority filter; policy accept;
        iifname {{ {wans} }} jump from_provider
    }}

    chain from_provider {{
        ct state established,related accept
{ANSWERED}        counter drop
    }}

    chain forward {{
        type filter hook forward priority filter; policy drop;
        oifname {{ {wans} }} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
        ct state established,related accept
        iifname {lan} ct state invalid meta l4proto tcp reject with tcp reset
        ct state invalid drop
        iifname {lan} accept
        iifname {{ {wans} }} drop
        oifname {lan} accept
    }}
}}
"
    )
}

/// An interface's name as a string of `nft`, whatever is in it.
fn quoted(name: &str) -> String {
    let safe: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '*' | '\\')).collect();
    format!("\"{safe}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_is_masqueraded_and_marks_its_flows() {
        let link = |n: u8, interface: &str| WatchedLink {
            link: LinkId::new(n).unwrap(),
            interface: interface.to_owned(),
            gateway4: None,
            gateway6: None,
        };

        let text = text("br0", &[link(1, "eth0.5"), link(2, "wwan0")]);

        assert!(text.contains("oifname { \"eth0.5\", \"wwan0\" } masquerade"), "{text}");
        assert!(
            text.contains(
                "oifname \"wwan0\" ct mark and 0xff00 != 0x200 ct mark set ct mark and 0xffff00ff or 0x200"
            ),
            "{text}"
        );
        assert!(text.contains("iifname \"br0\" accept"), "{text}");
        assert!(text.contains("iifname { \"eth0.5\", \"wwan0\" } jump from_provider"), "{text}");
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted("a\" accept; #"), "\"a accept; #\"");
        assert_eq!(quoted("eth*\n"), "\"eth\"");
    }
}
