//! The ruleset as text. Pure.
//!
//! Masquerade and not a fixed source address: when the route of a flow changes, the kernel itself
//! drops the old mapping and makes one for the other link (one packet is lost, not all). The flow's
//! mark says by which link it leaves; it is for flushing and counting and is never restored to
//! packets, which would hold flows on a dead link.

use std::fmt::Write;

use hal::LinkId;

use crate::links::WatchedLink;

/// The name of our table, family `inet`.
pub const TABLE: &str = "holdfast";

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

    chain forward {{
        type filter hook forward priority filter; policy drop;
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
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted("a\" accept; #"), "\"a accept; #\"");
        assert_eq!(quoted("eth*\n"), "\"eth\"");
    }
}
