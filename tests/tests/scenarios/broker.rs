//! The broker dies, comes back, forgets, and fills its disk: no state record is lost.

use std::time::Duration;

use e2e::observer::Grace;
use e2e::scene::{Plot, play};

use crate::disk_full::SmallDisk;
use crate::no_record_lost::{all_hooks_arrived, flip};

/// The session's loss is noticed at once on a killed broker; back-off grows to a few seconds here.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn records_made_while_the_broker_is_dead_arrive_once_it_is_back() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace::default())?;
        flip(scene, 20)?;
        scene.broker.kill()?;
        scene.wait_until("lost session", NOTICED_WITHIN, |s| {
            (s["mqtt"]["connected"] == false).then_some(())
        })?;
        flip(scene, 60)?;
        scene.broker.start_again(&scene.lab)?;
        flip(scene, 20)?;

        all_hooks_arrived(scene, 100)?;
        scene.judge_all(observer)?;
        Ok(())
    });
}

#[test]
fn a_broker_whose_disk_is_full_loses_what_it_had_and_the_noc_loses_nothing() {
    let disk = SmallDisk::mount("broker", 2).unwrap_or_else(|error| panic!("{error:#}"));
    let mut plot = Plot::without_failback();
    plot.site.broker_store = Some(disk.path.clone());
    play(&plot, |scene| {
        let observer = scene.observe(Grace::default())?;
        disk.fill()?;
        scene.collector.kill()?;
        flip(scene, 50)?;
        // The broker has these for the collector, in memory alone.
        scene.wait_until("all sent", NOTICED_WITHIN, |s| (s["mqtt"]["connected"] == true).then_some(()))?;
        scene.broker.kill()?;
        scene.broker.start_again(&scene.lab)?;
        disk.make_room()?;
        scene.collector = scene.branch.start_collector(&scene.lab)?;
        flip(scene, 10)?;

        all_hooks_arrived(scene, 60)?;
        scene.judge_all(observer)?;
        Ok(())
    });
}

#[test]
fn a_collector_that_was_killed_gets_everything_it_has_not_kept() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace::default())?;
        for _ in 0..3 {
            flip(scene, 30)?;
            scene.collector.kill()?;
            flip(scene, 30)?;
            scene.collector = scene.branch.start_collector(&scene.lab)?;
        }

        all_hooks_arrived(scene, 180)?;
        scene.judge_all(observer)?;
        Ok(())
    });
}
