//! WAN links.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hal::{Family, LinkId};
use wan::LinkConfig;

use super::ports::Ports;
use super::targets::{count, targets};
use crate::WanLink;
use crate::section::Section;

/// All links of the file, those that could be understood.
pub(super) fn links(file: &Section<'_>, ports: &mut Ports<'_>) -> Vec<WanLink> {
    let common = targets(file);
    let sections = file.sections("link");
    if sections.is_empty() {
        file.problem("link", "there is no WAN link", "Add a section [[link]] for each.");
    }
    let links: Vec<WanLink> = (1..).zip(&sections).filter_map(|(n, s)| link(n, s, ports, &common)).collect();
    refuse_twins(&sections);
    if sections.len() == 1 {
        file.warning("link", "there is one link: nothing can take over when it fails", "Add a second one.");
    }
    links
}

fn link(number: u8, section: &Section<'_>, ports: &mut Ports<'_>, common: &[IpAddr]) -> Option<WanLink> {
    let id = LinkId::new(number).expect("no more sections are read than there are ids");
    let name = section.text("name");
    let interface = ports.take(section);
    let rank = rank(section, number);
    let metered = section.flag("metered");
    let gateway4 = gateway::<Ipv4Addr>(section, "gateway4");
    let gateway6 = gateway::<Ipv6Addr>(section, "gateway6");
    let targets = own_or_common(section, common);
    let quorum = quorum(section, &targets);
    warn_of_useless_gateways(section, gateway4, gateway6, &targets);
    let (name, metered) = (name?.value, metered?.value);
    let judged = LinkConfig { id, name, rank, metered, targets, quorum: quorum? };
    Some(WanLink { judged, interface: interface?, gateway4, gateway6 })
}

fn rank(section: &Section<'_>, number: u8) -> u8 {
    if !section.has("preference") {
        section.derived("preference", number.to_string(), "place in the file");
    }
    let preference = section.whole_number("preference").and_then(|at| u8::try_from(at.value).ok());
    preference.unwrap_or(number)
}

fn gateway<A>(section: &Section<'_>, name: &str) -> Option<A>
where
    A: core::str::FromStr + Into<IpAddr> + Copy,
{
    let text = section.text(name)?;
    let gateway: A = text.value.parse().ok()?;
    let address: IpAddr = gateway.into();
    if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
        let what = format!("{address} cannot be a gateway");
        section.problem(name, what, "Write the address that the provider gave, or remove the line for DHCP.");
        return None;
    }
    Some(gateway)
}

fn own_or_common(section: &Section<'_>, common: &[IpAddr]) -> Vec<IpAddr> {
    if section.has("targets") {
        return targets(section);
    }
    if common.is_empty() {
        let what = "no target is named, here or for the whole site: the link could not be judged";
        let remedy = "Add targets = [\"...\"] at the top of the file: hosts that always answer ping, run by \
                      different operators, such as your own servers or public resolvers.";
        section.problem("targets", what, remedy);
    } else {
        let spelled = common.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
        section.derived("targets", spelled, "the site's targets");
    }
    common.to_vec()
}

/// `None` when it is wrong or there are no targets.
fn quorum(section: &Section<'_>, targets: &[IpAddr]) -> Option<u8> {
    let counts = Family::BOTH.map(|family| count(targets, family));
    let smallest = counts.into_iter().filter(|count| *count > 0).min()?;
    if !section.has("quorum") {
        let quorum = u8::try_from((smallest / 2).max(1)).ok()?;
        section.derived(
            "quorum",
            quorum.to_string(),
            "half of the targets of the smaller family, at least 1",
        );
        return Some(quorum);
    }
    let quorum = section.whole_number("quorum")?.value;
    if usize::try_from(quorum).is_ok_and(|quorum| quorum <= smallest) {
        return u8::try_from(quorum).ok();
    }
    let what = format!("{quorum} can never be reached: the smaller family has {smallest} targets");
    section.problem("quorum", what, format!("Write {smallest} or less, or name more targets."));
    None
}

fn warn_of_useless_gateways(
    section: &Section<'_>,
    gateway4: Option<Ipv4Addr>,
    gateway6: Option<Ipv6Addr>,
    targets: &[IpAddr],
) {
    let gateways = [
        ("gateway4", gateway4.map(IpAddr::from), Family::V4),
        ("gateway6", gateway6.map(IpAddr::from), Family::V6),
    ];
    for (key, gateway, family) in gateways {
        let Some(gateway) = gateway else { continue };
        if count(targets, family) == 0 {
            let what = format!("the link has no {family} target: this gateway is never used for traffic");
            section.warning(key, what, format!("Name {family} targets, or remove the line."));
        }
        if targets.contains(&gateway) {
            let what = format!("{gateway} is also a target: it answers when nothing beyond it does");
            section.warning("targets", what, "Name hosts beyond the provider.");
        }
    }
}

fn refuse_twins(sections: &[Section<'_>]) {
    for (at, section) in sections.iter().enumerate() {
        let Some(name) = section.peek("name") else { continue };
        let earlier = sections[..at].iter().find(|earlier| earlier.peek("name") == Some(name));
        if let Some(earlier) = earlier {
            let what = format!("{name:?} is the name of [{}] already", earlier.place.key);
            section.problem("name", what, "Give each its own name.");
        }
    }
}
