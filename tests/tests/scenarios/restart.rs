//! The daemon goes and comes: traffic does not notice.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::observer::records::distinct;
use e2e::observer::{Family, Grace};
use e2e::scene::{Plot, Scene, play};
use lab::{FlowFamily, Link, UdpFlow};

use crate::{traffic, wans};

/// `going`, two seconds of draining, and an allowance.
const STOP_WITHIN: Duration = Duration::from_secs(6);
/// Traffic is watched for so long without any daemon.
const WITHOUT_DAEMON: Duration = Duration::from_secs(1);

#[test]
fn traffic_flows_on_when_the_daemon_is_told_to_stop() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace::default())?;
        let mut flows = both_families(scene)?;
        let begun = Instant::now();

        let status = scene.daemon.stop(STOP_WITHIN)?;
        ensure!(status.success(), "SIGTERM ended the daemon with {status}");
        std::thread::sleep(WITHOUT_DAEMON);
        nothing_lost(&mut flows, begun)?;

        scene.start_daemon_again()?;
        nothing_lost(&mut flows, begun)?;
        adopted_without_a_switch(scene, observer)
    });
}

#[test]
fn traffic_flows_on_when_the_daemon_is_killed_and_the_next_adopts_the_routes() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace::default())?;
        let mut flows = both_families(scene)?;
        let begun = Instant::now();

        scene.daemon.kill()?;
        std::thread::sleep(WITHOUT_DAEMON);
        nothing_lost(&mut flows, begun)?;

        scene.start_daemon_again()?;
        nothing_lost(&mut flows, begun)?;
        adopted_without_a_switch(scene, observer)
    });
}

#[test]
fn the_next_daemon_adopts_the_backup_when_the_backup_carries_traffic() {
    play(&Plot::without_failback(), |scene| {
        let (_, b) = wans();
        let mut observer = scene.observe(Grace::default())?;
        scene.lab.cut(Link::A)?;
        for family in Family::BOTH {
            observer.wait_until_active(family, &b, STOP_WITHIN)?;
        }

        scene.daemon.kill()?;
        scene.lab.restore(Link::A)?;
        scene.start_daemon_again()?;

        let (report, records) = scene.judge(observer)?;
        ensure!(report.switches.len() == 4, "the restart moved traffic: {:?}", report.switches);
        let starts: Vec<_> = distinct(&records, "start").collect();
        let adopted = starts.last().and_then(|r| r.body["adopted"].as_str());
        ensure!(adopted == Some("lte"), "the second start adopted {adopted:?}");
        Ok(())
    });
}

#[test]
fn a_better_link_that_returns_just_after_a_restart_waits_for_its_failback_time() {
    play(&Plot::without_failback(), |scene| {
        let (_, b) = wans();
        let mut observer = scene.observe(Grace { dead_standby: Duration::MAX, ..Grace::default() })?;
        scene.daemon.kill()?;
        scene.lab.cut(Link::A)?;
        scene.start_daemon_again()?;
        for family in Family::BOTH {
            observer.wait_until_active(family, &b, STOP_WITHIN)?;
        }

        scene.lab.restore(Link::A)?;
        scene.wait_until("the better link up again", STOP_WITHIN, |status| {
            let links = status["wan"]["links"].as_array()?;
            links.iter().all(|l| l["verdict"] == "up").then_some(())
        })?;
        std::thread::sleep(WITHOUT_DAEMON);

        let (report, _) = scene.judge(observer)?;
        ensure!(report.switches.len() == 4, "one switch for each family: {:?}", report.switches);
        Ok(())
    });
}

#[test]
fn a_cable_pulled_while_no_daemon_runs_costs_no_more_than_the_kernel_needs() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace { dead_standby: Duration::MAX, ..Grace::default() })?;
        let (mut udp, _tcp) = traffic(&scene.lab, FlowFamily::V4)?;

        scene.daemon.kill()?;
        let begun = Instant::now();
        scene.lab.cut(Link::A)?;
        std::thread::sleep(2 * WITHOUT_DAEMON);
        let out = udp.report(begun)?.out;
        ensure!(
            out.gap() < Duration::from_millis(1_300),
            "the standby route did not take over: {:?}",
            out.gap()
        );

        scene.start_daemon_again()?;
        observer.finish().context("the observer")?;
        Ok(())
    });
}

fn both_families(scene: &Scene) -> Result<[UdpFlow; 2]> {
    let flow = |family| UdpFlow::start(&scene.lab, family, Duration::from_millis(1));
    let mut flows = [flow(FlowFamily::V4)?, flow(FlowFamily::V6)?];
    let deadline = Instant::now() + STOP_WITHIN;
    for flow in &mut flows {
        while flow.first_arrival(Instant::now() - Duration::from_secs(1))?.is_none() {
            ensure!(Instant::now() < deadline, "no packet of the flow arrives");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(flows)
}

fn nothing_lost(flows: &mut [UdpFlow], since: Instant) -> Result<()> {
    for flow in flows {
        let out = flow.report(since)?.out;
        ensure!(out.sent > 500 && out.lost == 0, "{} of {} packets were lost", out.lost, out.sent);
    }
    Ok(())
}

fn adopted_without_a_switch(scene: &mut Scene, observer: e2e::observer::Observer) -> Result<()> {
    let (report, records) = scene.judge(observer)?;
    ensure!(report.switches.len() == 2, "only the first look at each family: {:?}", report.switches);
    let starts: Vec<_> = distinct(&records, "start").collect();
    ensure!(starts.len() == 2, "two starts were told, not {}", starts.len());
    ensure!(starts[1].body["adopted"] == "fibre", "the second start says {}", starts[1].body);
    Ok(())
}
