//! Echo targets: whom a link asks whether the world is there.

use core::net::IpAddr;

use hal::Family;

use crate::keys::MAX_TARGETS_PER_FAMILY;
use crate::section::Section;

/// Fewer say more about the target than about the link.
const ENOUGH: usize = 3;

/// The targets that a section names; empty where it names none or only wrong ones.
pub(super) fn targets(section: &Section<'_>) -> Vec<IpAddr> {
    let mut targets: Vec<IpAddr> = Vec::new();
    for target in section.addresses("targets") {
        if let Some(why) = unfit(&target.value) {
            let what = format!("{} is no target: {why}", target.value);
            section.problem_at(&target.place, what, "Name a host beyond the provider that answers ping.");
        } else if targets.contains(&target.value) {
            let what = format!("{} is named twice", target.value);
            section.problem_at(
                &target.place,
                what,
                "Remove one of them: it would count twice in the quorum.",
            );
        } else {
            targets.push(target.value);
        }
    }
    judge_numbers(section, &targets);
    targets
}

/// How many there are of a family.
pub(super) fn count(targets: &[IpAddr], family: Family) -> usize {
    targets.iter().filter(|target| Family::of(target) == family).count()
}

fn judge_numbers(section: &Section<'_>, targets: &[IpAddr]) {
    if !section.has("targets") {
        return;
    }
    if targets.is_empty() {
        section.problem("targets", "no usable target is named", "Name at least one; three judge better.");
    }
    for family in Family::BOTH {
        let count = count(targets, family);
        if count > MAX_TARGETS_PER_FAMILY {
            let what = format!("there are {count} for {family}, at most {MAX_TARGETS_PER_FAMILY} are asked");
            section.problem("targets", what, "Keep those that answer best.");
        } else if (1..ENOUGH).contains(&count) {
            let what =
                format!("only {count} for {family}: when it is in maintenance, a good link looks dead");
            section.warning("targets", what, format!("Name {ENOUGH}, run by different operators."));
        }
    }
}

fn unfit(target: &IpAddr) -> Option<&'static str> {
    let local = match target {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some(),
    };
    let cases = [
        (target.is_unspecified(), "it is the unspecified address"),
        (target.is_loopback(), "it is this box itself"),
        (target.is_multicast(), "it is a group"),
        (local, "it is not reached through a provider"),
    ];
    cases.into_iter().find(|(unfit, _)| *unfit).map(|(_, why)| why)
}
