//! What an ISP does to packets, as one nftables transaction: faults and counters.
//!
//! The text is pure; a change of faults replaces all rules at once, so that there is no instant at
//! which an ISP neither forwards nor drops as asked.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::namespace::Namespace;

/// Which address families a fault concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Both.
    #[default]
    Both,
    /// Only IPv4.
    V4,
    /// Only IPv6.
    V6,
}

/// Which way a fault concerns, seen from the branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Both.
    #[default]
    Both,
    /// What the branch sends.
    Out,
    /// What comes back.
    Back,
}

/// A silent upstream: carrier stays up, packets vanish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blackhole {
    /// Which families vanish.
    pub families: Families,
    /// Which way they vanish.
    pub way: Way,
    /// The ISP's router is silent too; otherwise it still answers at its own address, as the modem
    /// of a dead line does.
    pub gateway_too: bool,
}

/// How an ISP treats packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) blackhole: Option<Blackhole>,
    /// Answers with "administratively prohibited".
    pub(crate) refusing: bool,
    /// Of every hundred packets, each way, at random.
    pub(crate) loss_pct: u8,
}

/// TCP and UDP packets that the branch sent over one link, whether or not a fault then took them.
/// Echo probes are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// IPv4 packets.
    pub v4: u64,
    /// IPv6 packets.
    pub v6: u64,
}

/// Makes an ISP treat packets so.
pub(crate) fn apply(isp: &Namespace, faults: &Faults) -> Result<()> {
    load(isp, &ruleset(faults))
}

/// Loads a ruleset inside a namespace, all or nothing.
pub(crate) fn load(namespace: &Namespace, ruleset: &str) -> Result<()> {
    namespace.run(|| {
        let mut nft = Command::new("nft")
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("run nft: is the package nftables installed?")?;
        nft.stdin.take().context("nft has no standard input")?.write_all(ruleset.as_bytes())?;
        let done = nft.wait_with_output()?;
        if !done.status.success() {
            bail!("nft refused this ruleset: {}\n{ruleset}", String::from_utf8_lossy(&done.stderr).trim());
        }
        Ok(())
    })
}

/// Reads an ISP's counters.
pub(crate) fn sent(isp: &Namespace) -> Result<Sent> {
    let listed = isp.run(|| {
        let done = Command::new("nft").args(["-j", "list", "counters", "table", "inet", "lab"]).output()?;
        Ok(done.stdout)
    })?;
    let listed: serde_json::Value = serde_json::from_slice(&listed).context("read the counters of nft -j")?;
    let packets = |name: &str| {
        let objects = listed["nftables"].as_array().into_iter().flatten();
        let counter = objects.map(|o| &o["counter"]).find(|c| c["name"] == name);
        counter.and_then(|c| c["packets"].as_u64()).with_context(|| format!("nft told no counter {name}"))
    };
    Ok(Sent { v4: packets("sent4")?, v6: packets("sent6")? })
}

/// The counters keep their values over a change: only rules are flushed.
fn ruleset(faults: &Faults) -> String {
    let mut text = String::from(
        "add table inet lab\n\
         add counter inet lab sent4\n\
         add counter inet lab sent6\n\
         add chain inet lab through { type filter hook forward priority -10; }\n\
         add chain inet lab router { type filter hook input priority -10; }\n\
         flush table inet lab\n\
         add rule inet lab through iifname access meta nfproto ipv4 meta l4proto { tcp, udp } counter name sent4\n\
         add rule inet lab through iifname access meta nfproto ipv6 meta l4proto { tcp, udp } counter name sent6\n",
    );
    let mut rule = |chain: &str, rule: &str| {
        writeln!(text, "add rule inet lab {chain} {rule}").expect("a String takes every write");
    };
    if let Some(blackhole) = faults.blackhole {
        let which = format!("{} {} drop", way(blackhole.way), families(blackhole.families));
        rule("through", &which);
        if blackhole.gateway_too && blackhole.way != Way::Back {
            // Neighbour discovery is the carrier's business, as ARP is in IPv4.
            rule("router", "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept");
            rule("router", &format!("iifname access {} drop", families(blackhole.families)));
        }
    }
    if faults.refusing {
        rule("through", "iifname access reject with icmpx type admin-prohibited");
    }
    if faults.loss_pct > 0 {
        rule("through", &format!("numgen random mod 100 < {} drop", faults.loss_pct));
    }
    text
}

const fn way(way: Way) -> &'static str {
    match way {
        Way::Both => "",
        Way::Out => "iifname access",
        Way::Back => "oifname access",
    }
}

const fn families(families: Families) -> &'static str {
    match families {
        Families::Both => "",
        Families::V4 => "meta nfproto ipv4",
        Families::V6 => "meta nfproto ipv6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(faults: Faults) -> Vec<String> {
        let text = ruleset(&faults);
        let rules = text.lines().filter_map(|line| line.strip_prefix("add rule inet lab "));
        rules.filter(|rule| !rule.contains("counter")).map(str::to_owned).collect()
    }

    #[test]
    fn a_healthy_isp_only_counts() {
        assert_eq!(rules(Faults::default()), Vec::<String>::new());
    }

    #[test]
    fn a_blackhole_takes_just_what_it_was_asked_to_take() {
        let silent = |families, way, gateway_too| {
            rules(Faults { blackhole: Some(Blackhole { families, way, gateway_too }), ..Faults::default() })
        };
        assert_eq!(silent(Families::Both, Way::Both, false), ["through   drop"]);
        assert_eq!(silent(Families::V6, Way::Back, true), ["through oifname access meta nfproto ipv6 drop"]);
        assert_eq!(
            silent(Families::V4, Way::Out, true).last().unwrap(),
            "router iifname access meta nfproto ipv4 drop"
        );
    }

    #[test]
    fn faults_add_up() {
        let faults = Faults { blackhole: Some(Blackhole::default()), refusing: true, loss_pct: 5 };
        assert_eq!(rules(faults).len(), 3);
    }
}
