//! Links, cards and power that go in the middle of an event.

use std::collections::BTreeMap;
use std::time::Duration;

use appliance::{Command, Entry};
use line::Step;
use noc_messages::Body;
use proptest::prelude::*;

use crate::site::{self, digits, fibre, frame, lte};
use crate::station::Mood;
use crate::world::World;

const BURGLARY: &str = "1234181131010158";

fn world(lines: u8) -> World {
    let mut world = World::new(lines);
    world.run(Duration::from_secs(5));
    world
}

#[test]
fn a_signal_that_the_first_link_swallows_is_delivered_over_the_other_before_the_panel_repeats() {
    let mut world = world(1);
    world.report(0, BURGLARY);
    assert!(world.until(30, |w| w.panels[0].is_waiting_for_handshake()));
    world.dead_links.insert(fibre());
    assert!(world.until(60, |w| w.kissed(0).len() == 1));
    let (_, _, link, _) = world.station.frames.iter().find(|(s, ..)| *s == frame(BURGLARY)).unwrap();
    assert_eq!(*link, lte());
    let message = |e: &&Entry| matches!(e, Entry::Call { step: Step::Message { .. }, .. });
    assert!(world.evidence.iter().filter(message).count() <= 2, "the first repeat is early enough");
}

#[test]
fn a_silent_primary_moves_what_the_station_did_not_acknowledge_and_is_told_once() {
    let mut world = world(1);
    let begun = world.seen.len();
    world.dead_links.insert(fibre());
    world.report(0, BURGLARY);
    assert!(world.until(30, |w| w.kissed(0).len() == 1));
    world.run(Duration::from_secs(20));
    let raised = |c: &Command| matches!(c, Command::Log(Body::Condition(c)) if c.raised);
    let told: Vec<_> = world.seen[begun..].iter().filter(|(_, c)| raised(c)).collect();
    assert_eq!(told.len(), 1, "the link is down, and that is all that is wrong: {told:?}");
    assert_eq!(world.conditions(), ["link-down"]);
}

#[test]
fn when_a_link_is_judged_down_what_waits_on_it_goes_out_over_the_other_at_once() {
    let mut world = world(1);
    world.station.mood = Mood::Deaf;
    world.report(0, BURGLARY);
    let by_fibre = |w: &World| {
        w.station.frames.last().is_some_and(|(s, _, link, _)| (s, *link) == (&frame(BURGLARY), fibre()))
    };
    assert!(world.until(30, by_fibre));
    world.run(Duration::from_secs(20));
    assert!(world.until(30, by_fibre));
    world.station.mood = Mood::Acks(30);
    world.carrier(fibre(), false);
    assert!(world.until(1, |w| w.station.acked.contains(&frame(BURGLARY))), "not at the next try");
}

#[test]
fn both_links_die_in_mid_event_and_the_event_is_delivered_with_its_own_time_when_one_is_back() {
    let mut world = world(1);
    world.report(0, BURGLARY);
    assert!(world.until(30, |w| w.panels[0].is_waiting_for_handshake()));
    world.dead_links.extend(site::links());
    world.run(Duration::from_secs(300));
    assert_eq!(world.kissed(0).len(), 0);
    assert!(
        world.conditions().contains(&"no-station".to_owned()),
        "{:?} {:?}",
        world.conditions(),
        world.appliance.status(world.clock()).alarm
    );
    assert_eq!(world.card.fed, [false], "the panel sees a dead line");
    assert!(world.conditions().contains(&"voltage-withdrawn".to_owned()));

    world.dead_links.remove(&lte());
    assert!(world.until(60, |w| w.station.acked.contains(&frame(BURGLARY))));
    let (.., late) = world.station.frames.iter().rfind(|(s, ..)| *s == frame(BURGLARY)).unwrap();
    assert!(late, "an old event says when it was");
    assert!(world.until(60, |w| w.card.fed == [true]));
    assert!(!world.conditions().contains(&"no-station".to_owned()));
    world.replays();
}

#[test]
fn a_box_that_never_had_a_link_withdraws_the_voltage() {
    let mut world = World::new(1);
    site::links().into_iter().for_each(|link| world.carrier(link, false));
    world.restart();
    world.run(Duration::from_secs(100));
    assert!(world.conditions().contains(&"no-station".to_owned()));
    assert_eq!(world.card.fed, [false]);
}

#[test]
fn a_card_that_is_lost_in_mid_event_ends_the_call_and_the_redial_is_heard() {
    for reset in [false, true] {
        let mut world = world(1);
        world.station.mood = Mood::Deaf;
        world.report(0, BURGLARY);
        assert!(world.until(30, |w| !w.recovery().undelivered.iter().all(|s| s.heard.is_none())));
        world.unplug();
        assert!(world.conditions().contains(&"card-lost".to_owned()));
        world.run(Duration::from_secs(40));
        world.station.mood = Mood::Acks(30);
        world.plug(reset);
        assert!(world.until(120, |w| w.kissed(0).len() == 1), "reset: {reset}");
        let lost = |e: &Entry| matches!(e, Entry::Call { step: Step::CardLost, .. });
        assert!(world.evidence.iter().any(lost));
        assert!(!world.conditions().contains(&"card-lost".to_owned()));
        world.replays();
    }
}

#[test]
fn a_restart_at_any_step_of_an_alarm_loses_nothing() {
    for after_ms in (0..12_000).step_by(250) {
        let mut world = world(1);
        world.report(0, BURGLARY);
        world.run(Duration::from_millis(after_ms));
        let heard = world.recovery();
        world.restart();
        for open in heard.undelivered {
            let signal = format!("{} {} {} {}", open.account, open.event, open.partition, open.zone);
            assert!(world.until(30, |w| w.station.acked.contains(&signal)), "after {after_ms} ms: {signal}");
        }
        assert!(world.until(240, |w| w.kissed(0).len() == 1), "after {after_ms} ms");
        let entries: Vec<_> = (world.evidence.iter())
            .filter_map(|e| if let Entry::Signal(s) = e { Some(s) } else { None })
            .collect();
        let of_panels = entries.iter().filter(|s| s.heard.is_some()).count();
        assert_eq!(of_panels, 1, "after {after_ms} ms: the redial is the same signal");
        let signals: Vec<u64> = entries.iter().map(|s| s.signal.0).collect();
        let mut names = BTreeMap::new();
        for (signal, sequence, ..) in &world.station.frames {
            let named = names.entry(*sequence).or_insert(signal);
            assert_eq!(*named, signal, "a sequence names one signal, before and after");
        }
        assert!(signals.is_sorted_by(|a, b| a < b), "no name is used twice: {signals:?}");
        world.replays();
    }
}

#[test]
fn after_an_outage_eight_panels_with_sixty_events_each_lose_none_and_fire_goes_first() {
    let mut world = world(8);
    world.dead_links.extend(site::links());
    world.run(Duration::from_secs(90));
    let mut all = Vec::new();
    for line in 0..8 {
        world.panels[usize::from(line)].max_dials = 10_000;
        for zone in 0..60 {
            let event = if line == 7 { "110" } else { "130" };
            let said = digits(&format!("123{}", line + 1), event, zone);
            world.report(line, &said);
            all.push(said);
        }
    }
    world.run(Duration::from_secs(20));
    world.dead_links.clear();
    let done = world.until(3 * 3600, |w| (0..8).all(|line| w.kissed(line).len() == 60));
    assert!(done, "{:?}", (0..8).map(|l| world.kissed(l).len()).collect::<Vec<_>>());
    for said in &all {
        let times = world.station.acked.iter().filter(|signal| **signal == frame(said)).count();
        assert_eq!(times, 1, "{said}");
    }
    let first = world.station.acked.iter().find(|signal| !signal.starts_with("9999")).unwrap();
    assert!(first.contains(" 1110 "), "fire before burglary: {first}");
    world.replays();
}

#[test]
fn a_signal_of_before_a_restart_says_when_it_was() {
    let mut world = world(1);
    world.station.mood = Mood::Deaf;
    world.report(0, BURGLARY);
    assert!(world.until(30, |w| w.recovery().undelivered.iter().any(|s| s.heard.is_some())));
    world.run(Duration::from_secs(30));
    world.station.frames.clear();
    world.station.mood = Mood::Acks(30);
    world.restart();
    assert!(world.until(30, |w| w.station.acked.contains(&frame(BURGLARY))));
    let frames: Vec<bool> =
        world.station.frames.iter().filter(|(s, ..)| *s == frame(BURGLARY)).map(|(.., late)| *late).collect();
    assert!(!frames.is_empty() && frames.iter().all(|late| *late), "{frames:?}");
}

#[test]
fn a_hostile_panel_that_dials_for_an_hour_takes_no_more_memory() {
    let mut world = world(2);
    // The outbox has its own bounds and tests; no collector empties it here.
    let size = |w: &World| {
        let mut snapshot = serde_json::to_value(&w.appliance).unwrap();
        snapshot.as_object_mut().unwrap().remove("outbox").unwrap();
        snapshot.to_string().len()
    };
    let hour = |world: &mut World| {
        let end = world.now + Duration::from_secs(3_600);
        let mut number = 0_u64;
        while world.now < end {
            // Wrong sums, other formats, numbers without an end: whatever a keypad can say.
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let said = format!("{number:020}").repeat(1 + usize::from(number % 3 == 0));
            world.panels[0].max_dials = 1;
            world.panels[0].forgets = true;
            world.report(0, &said);
            world.run(Duration::from_secs(20));
        }
    };
    hour(&mut world);
    let first = size(&world);
    hour(&mut world);
    assert!(size(&world) < first + first / 4, "{first} bytes, then {}", size(&world));
    world.report(1, BURGLARY);
    assert!(world.until(60, |w| w.kissed(1).len() == 1), "the neighbour is served");
}

/// What may happen in any order.
#[derive(Clone, Copy, Debug)]
enum Chance {
    Report(u8),
    Mood(Mood),
    Kill(u8),
    Revive(u8),
    Unplug,
    Plug(bool),
    Restart,
    Carrier(u8, bool),
    Wait(u16),
}

fn chance() -> impl Strategy<Value = Chance> {
    let moods =
        [Mood::Acks(30), Mood::Acks(1_500), Mood::Dead, Mood::Deaf, Mood::Duhs, Mood::Lies, Mood::Ahead(90)];
    prop_oneof![
        3 => (0u8..3).prop_map(Chance::Report),
        2 => prop::sample::select(moods.to_vec()).prop_map(Chance::Mood),
        1 => (0u8..2).prop_map(Chance::Kill),
        1 => (0u8..2).prop_map(Chance::Revive),
        1 => Just(Chance::Unplug),
        1 => any::<bool>().prop_map(Chance::Plug),
        1 => Just(Chance::Restart),
        1 => (0u8..2, any::<bool>()).prop_map(|(link, there)| Chance::Carrier(link, there)),
        6 => (0u16..20_000).prop_map(Chance::Wait),
    ]
}

fn happen(world: &mut World, chance: Chance, zone: u16) {
    let link = |n: u8| site::links()[usize::from(n)];
    match chance {
        Chance::Report(line) => world.report(line, &digits("1234", "130", zone)),
        Chance::Mood(mood) => world.station.mood = mood,
        Chance::Kill(n) => drop(world.dead_links.insert(link(n))),
        Chance::Revive(n) => drop(world.dead_links.remove(&link(n))),
        Chance::Unplug => world.unplug(),
        Chance::Plug(reset) => world.plug(reset),
        Chance::Restart => world.restart(),
        Chance::Carrier(n, there) => world.carrier(link(n), there),
        Chance::Wait(ms) => world.run(Duration::from_millis(ms.into())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The law is checked at every kiss-off, livelocks at every turn, the replay at the end.
    #[test]
    fn whatever_happens_no_panel_is_lied_to_and_all_is_delivered_in_the_end(
        chances in proptest::collection::vec(chance(), 1..40),
    ) {
        let mut world = world(3);
        for (zone, chance) in (0..).zip(chances) {
            happen(&mut world, chance, zone);
        }
        world.station.mood = Mood::Acks(30);
        world.dead_links.clear();
        site::links().into_iter().for_each(|link| world.carrier(link, true));
        world.plug(false);
        world.panels.iter_mut().for_each(|panel| panel.max_dials = 1_000);
        let open = |w: &World| w.recovery().undelivered.iter().any(|s| s.heard.is_some());
        prop_assert!(world.until(1_800, |w| !open(w) && w.panels.iter().all(crate::panel::Panel::is_idle)));
        world.replays();
    }
}
