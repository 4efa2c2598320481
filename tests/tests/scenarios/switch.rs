//! What happens when a link dies: in each family, with and without carrier, and when all are dead.

use std::time::{Duration, Instant};

use anyhow::ensure;
use e2e::observer::{Family, Grace};
use e2e::scene::{Plot, play};
use lab::{Blackhole, Families, FlowFamily, Link};

use crate::{traffic, wans};

/// Detection takes 0.75 s at most (design); the rest is for two scenarios on two cores.
pub(crate) const SWITCHED_WITHIN: Duration = Duration::from_secs(3);
/// Hold times of the plot, and the same allowance.
const BACK_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn primary_silent_moves_traffic_and_tells_noc_once() {
    play(&Plot::default(), |scene| {
        let (a, b) = wans();
        let mut observer = scene.observe(Grace::default())?;
        let (mut udp, mut tcp) = traffic(&scene.lab, FlowFamily::V4)?;
        let (mut udp6, _tcp6) = traffic(&scene.lab, FlowFamily::V6)?;

        let begun = Instant::now();
        scene.lab.blackhole(Link::A, Blackhole::default())?;
        for family in Family::BOTH {
            observer.wait_until_active(family, &b, SWITCHED_WITHIN)?;
        }
        scene.lab.heal(Link::A)?;
        for family in Family::BOTH {
            observer.wait_until_active(family, &a, BACK_WITHIN)?;
        }

        for flow in [&mut udp, &mut udp6] {
            let out = flow.report(begun)?.out;
            ensure!(out.gap() < SWITCHED_WITHIN, "traffic stood still for {:?}", out.gap());
            ensure!(out.duplicates == 0, "{} packets arrived twice", out.duplicates);
        }
        ensure!(tcp.report(begun)?.stall() < 2 * SWITCHED_WITHIN, "TCP hung");
        let report = scene.judge_all(observer)?;
        ensure!(report.departures > 1_000, "the observer saw only {} packets", report.departures);
        for family in Family::BOTH {
            let made = report.switches_of(family);
            ensure!(made.len() == 3, "first look, away, back; but {family} made {made:?}");
        }
        Ok(())
    });
}

#[test]
fn a_pulled_cable_moves_both_families_to_the_backup() {
    play(&Plot::without_failback(), |scene| {
        let (_, b) = wans();
        let mut observer = scene.observe(Grace::default())?;

        scene.lab.cut(Link::A)?;
        for family in Family::BOTH {
            observer.wait_until_active(family, &b, SWITCHED_WITHIN)?;
        }

        let report = scene.judge_all(observer)?;
        ensure!(report.switches.len() == 4, "one switch for each family: {:?}", report.switches);
        Ok(())
    });
}

#[test]
fn a_link_that_lost_only_ipv6_keeps_ipv4() {
    play(&Plot::without_failback(), |scene| {
        let (_, b) = wans();
        let mut observer = scene.observe(Grace::default())?;
        let (mut udp, _tcp) = traffic(&scene.lab, FlowFamily::V4)?;

        let begun = Instant::now();
        scene.lab.blackhole(Link::A, Blackhole { families: Families::V6, ..Blackhole::default() })?;
        observer.wait_until_active(Family::V6, &b, SWITCHED_WITHIN)?;

        let out = udp.report(begun)?.out;
        ensure!(out.lost == 0, "IPv4 lost {} packets although its link was well", out.lost);
        let report = scene.judge_all(observer)?;
        ensure!(report.switches_of(Family::V4).len() == 1, "IPv4 moved: {:?}", report.switches);
        Ok(())
    });
}

#[test]
fn when_all_links_are_dead_the_last_route_stays_and_the_first_that_answers_is_used() {
    play(&Plot::without_failback(), |scene| {
        let (_, b) = wans();
        let mut observer = scene.observe(Grace::default())?;

        scene.lab.blackhole(Link::A, Blackhole::default())?;
        for family in Family::BOTH {
            observer.wait_until_active(family, &b, SWITCHED_WITHIN)?;
        }
        scene.lab.blackhole(Link::B, Blackhole::default())?;
        scene.wait_until("all links down", BACK_WITHIN, all_down)?;
        scene.lab.heal(Link::B)?;
        scene
            .wait_until("a session again", BACK_WITHIN, |s| (s["mqtt"]["connected"] == true).then_some(()))?;

        let report = scene.judge_all(observer)?;
        for family in Family::BOTH {
            let last = report.switches_of(family).last().map(|s| s.to.clone());
            ensure!(last.as_deref() == Some(&b), "{family} ended on {last:?}");
        }
        Ok(())
    });
}

fn all_down(status: &serde_json::Value) -> Option<()> {
    let links = status["wan"]["links"].as_array()?;
    links.iter().all(|l| l["verdict"] == "down").then_some(())
}

#[test]
fn a_dead_backup_is_neither_standby_nor_taken() {
    play(&Plot::without_failback(), |scene| {
        let (a, _) = wans();
        let observer = scene.observe(Grace::default())?;

        scene.lab.cut(Link::B)?;
        scene.wait_until("no standby", SWITCHED_WITHIN, |status| {
            let families = status["wan"]["families"].as_array()?;
            families.iter().all(|f| f["standby"].is_null()).then_some(())
        })?;
        scene.lab.blackhole(Link::A, Blackhole::default())?;
        scene.wait_until("the primary down", SWITCHED_WITHIN, |status| {
            let links = status["wan"]["links"].as_array()?;
            links.iter().filter(|l| l["link"] == 1).all(|l| l["verdict"] == "down").then_some(())
        })?;
        scene.lab.heal(Link::A)?;

        let report = scene.judge_all(observer)?;
        ensure!(
            report.switches.iter().all(|s| s.to == a),
            "traffic went to a dead link: {:?}",
            report.switches
        );
        Ok(())
    });
}
