//! Cables that go in and out, as short as a loose plug and as long as a rebooting modem, on links
//! whose carrier events are prompt and on links where the kernel holds them back for up to a second.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::observer::{Family, Grace};
use e2e::scene::{Plot, Scene, play};
use lab::{Carrier, Link};

use crate::{long_form, wans};

/// How long a cable is out, and how often.
const FLAPS: [(Duration, u32); 4] = [
    (Duration::from_millis(10), 20),
    (Duration::from_millis(100), 10),
    (Duration::from_millis(900), 3),
    (Duration::from_millis(1_100), 3),
];
/// Hold times, fail-back and an allowance.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn flaps_with_prompt_carrier_events_end_where_they_began() {
    flap_all(Carrier::Prompt);
}

#[test]
fn flaps_with_rate_limited_carrier_events_end_where_they_began() {
    flap_all(Carrier::RateLimited);
}

fn flap_all(carrier: Carrier) {
    let mut plot = Plot::default();
    for link in &mut plot.lab.links {
        link.carrier = carrier;
    }
    play(&plot, |scene| {
        let (a, _) = wans();
        let mut observer = scene.observe(Grace::default())?;
        let rounds = if long_form() { 5 } else { 1 };
        for (out, times) in FLAPS {
            scene.lab.flap(Link::A, times * rounds, out, out)?;
            settle(scene)?;
            for family in Family::BOTH {
                observer.wait_until_active(family, &a, SETTLED_WITHIN)?;
            }
        }
        let report = scene.judge_all(observer)?;
        let there_and_back = report.switches_of(Family::V4).len();
        ensure!(there_and_back % 2 == 1, "it did not end where it began: {:?}", report.switches);
        Ok(())
    });
}

/// Every link of every family is up and carries what it should.
fn settle(scene: &mut Scene) -> Result<()> {
    scene.wait_until("all links up and traffic on the first", SETTLED_WITHIN, |status| {
        let links = status["wan"]["links"].as_array()?;
        let families = status["wan"]["families"].as_array()?;
        let up = links.iter().all(|l| l["verdict"] == "up");
        (up && families.iter().all(|f| f["active"] == 1 && f["standby"] == 2)).then_some(())
    })
}
