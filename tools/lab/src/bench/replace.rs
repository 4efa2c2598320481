//! From a verdict to the kernel's acknowledgement: the daemon's router switches both families,
//! against two raw route replaces that know nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hal::LinkId;
use hal_linux::links::WatchedLink;
use hal_linux::router::Router;
use lab::{Lab, LabOptions, Link, PlainRoutes, plan};
use wan::{FamilyPlan, Hop, RoutePlan};

use super::report::Row;
use super::{Effort, say};

/// The limit of the issue, microseconds.
const GOAL_US: f64 = 1000.0;

pub(crate) fn measure(effort: Effort) -> Result<Row> {
    say("verdict to kernel acknowledgement, both families");
    let lab = Lab::build(&LabOptions::default())?;
    let (ours, raw) = lab.branch().run(|| {
        let (mut router, _) = Router::open(&[watched(Link::A)?, watched(Link::B)?])?;
        let mut plain = PlainRoutes::open()?;
        let (mut ours, mut raw) = (Vec::new(), Vec::new());
        // Alternating: whatever slows the machine slows both.
        for generation in 1..=effort.replaces {
            let (to, other) = if generation % 2 == 0 { (Link::A, Link::B) } else { (Link::B, Link::A) };
            ours.push(apply(&mut router, generation, to, other)?);
            let begun = Instant::now();
            plain.lead_to(to)?;
            raw.push(us(begun.elapsed()));
        }
        Ok((ours, raw))
    })?;
    Ok(Row::new("verdict to kernel acknowledgement, IPv4 + IPv6", "us", GOAL_US, &ours)
        .against("two raw netlink replaces", &raw))
}

fn apply(router: &mut Router, generation: usize, to: Link, standby: Link) -> Result<f64> {
    let family = |place: usize| -> Result<FamilyPlan> {
        Ok(FamilyPlan { active: Some(hop(to, place)?), standby: Some(hop(standby, place)?) })
    };
    let mut tables = Vec::new();
    for link in [Link::A, Link::B] {
        tables.extend([hop(link, 0)?, hop(link, 1)?]);
    }
    let plan = RoutePlan { generation: generation as u64, tables, v4: family(0)?, v6: family(1)? };
    let begun = Instant::now();
    let (applied, performed) = router.apply(&plan);
    let took = begun.elapsed();
    ensure!(applied.v4 && applied.v6, "the kernel refused the plan: {performed:?}");
    Ok(us(took))
}

fn hop(link: Link, family: usize) -> Result<Hop> {
    Ok(Hop {
        link: id(link)?,
        ifindex: plan::index::box_wan(link),
        gateway: Some(plan::gateway(link)[family].address),
        source: plan::box_wan(link)[family].address,
    })
}

fn watched(link: Link) -> Result<WatchedLink> {
    Ok(WatchedLink { link: id(link)?, interface: link.interface(), gateway4: None, gateway6: None })
}

fn id(link: Link) -> Result<LinkId> {
    LinkId::new(link.number()).context("the lab's links are numbered as the daemon's")
}

fn us(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_of_both_families_is_measured_beside_raw_replaces() {
        let row = measure(Effort { replaces: 300, ..Effort::QUICK }).unwrap();
        eprintln!("{row:?}");
        assert_eq!(row.runs, 300);
        assert!(row.p50 > 1.0 && row.ratio.is_some_and(|ratio| ratio > 0.1), "{row:?}");
    }
}
