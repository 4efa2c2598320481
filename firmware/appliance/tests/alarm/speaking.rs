//! What the box says of itself, what it must not say, and accounts on test.

use std::time::Duration;

use appliance::{Command, Entry, Event, EvidenceReport, Order, PowerFacts};
use hal::Tick;
use noc_messages::Body;

use crate::site::{self, digits, fibre, frame};
use crate::station::Mood;
use crate::world::World;

const BURGLARY: &str = "1234181131010158";

fn world(lines: u8) -> World {
    let mut world = World::new(lines);
    world.run(Duration::from_secs(5));
    world
}

fn own(world: &World) -> Vec<&str> {
    world.station.acked.iter().filter_map(|signal| signal.strip_prefix("9999 ")).collect()
}

fn power(mains: bool, battery_low: bool) -> Event {
    Event::Power(PowerFacts { mains: Some(mains), battery_low: Some(battery_low) })
}

#[test]
fn every_start_is_told_but_a_box_that_restarts_for_ever_fills_no_queue() {
    let mut world = world(1);
    assert_eq!(own(&world), ["1305 00 000"]);
    world.station.mood = Mood::Dead;
    for _ in 0..20 {
        world.restart();
        world.run(Duration::from_secs(1));
    }
    assert_eq!(world.recovery().undelivered.len(), 4);
    world.station.mood = Mood::Acks(30);
    assert!(world.until(60, |w| w.recovery().undelivered.is_empty()));
}

#[test]
fn mains_lost_and_back_are_told_after_a_minute_and_a_flicker_is_not() {
    let mut world = world(1);
    world.tell(power(false, false));
    world.run(Duration::from_secs(50));
    world.tell(power(true, false));
    world.run(Duration::from_secs(100));
    assert_eq!(own(&world), ["1305 00 000"], "a flicker");

    world.tell(power(false, true));
    assert!(world.conditions().contains(&"mains-lost".to_owned()));
    world.run(Duration::from_secs(70));
    world.tell(power(true, false));
    world.run(Duration::from_secs(70));
    assert_eq!(own(&world)[1..], ["1302 00 000", "1301 00 000", "3302 00 000", "3301 00 000"]);
    assert!(world.conditions().is_empty());
}

#[test]
fn a_restart_does_not_forget_what_the_station_was_told() {
    let mut world = world(1);
    world.tell(power(false, false));
    world.run(Duration::from_secs(70));
    assert_eq!(own(&world)[1..], ["1301 00 000"]);
    world.restart();
    world.tell(power(false, false));
    world.run(Duration::from_secs(100));
    assert_eq!(own(&world)[2..], ["1305 00 000"], "told once");
    world.tell(power(true, false));
    world.run(Duration::from_secs(100));
    assert_eq!(own(&world).last(), Some(&"3301 00 000"));
}

#[test]
fn a_path_that_fails_is_told_over_the_other_and_a_flapping_one_within_bounds() {
    let mut world = world(1);
    world.dead_links.insert(fibre());
    world.run(Duration::from_secs(120));
    assert_eq!(own(&world)[1..], ["1351 00 001"]);
    world.dead_links.clear();
    world.run(Duration::from_secs(180));
    assert_eq!(own(&world)[2..], ["3351 00 001"]);

    let before = world.evidence.iter().filter(|e| matches!(e, Entry::Signal(_))).count();
    for flap in 0..600 {
        world.carrier(fibre(), flap % 2 == 0);
        world.run(Duration::from_secs(1));
    }
    let after = world.evidence.iter().filter(|e| matches!(e, Entry::Signal(_))).count();
    assert!(after - before <= 10, "{} signals in ten minutes", after - before);
    world.replays();
}

#[test]
fn a_station_that_was_unreachable_hears_of_it_late_and_of_the_panels_first() {
    let mut world = world(1);
    world.panels[0].max_dials = 2;
    world.dead_links.extend(site::links());
    world.report(0, BURGLARY);
    world.run(Duration::from_secs(400));
    world.dead_links.clear();
    assert!(world.until(60, |w| w.recovery().undelivered.is_empty()));
    let told = own(&world);
    for event in ["1356 00 000", "1354 00 000", "1351 00 001", "1352 00 002"] {
        assert!(told.contains(&event), "{event}: {told:?}");
    }
    let late = |event: &str| world.station.frames.iter().any(|(s, .., late)| s.ends_with(event) && *late);
    assert!(late("1356 00 000"), "with its own time");
    world.run(Duration::from_secs(120));
    for event in ["3356 00 000", "3354 00 000", "3351 00 001", "3352 00 002"] {
        assert!(own(&world).contains(&event), "{event}: {:?}", own(&world));
    }
}

#[test]
fn a_lost_card_and_a_faulty_line_are_told() {
    let mut world = world(2);
    world.unplug();
    world.run(Duration::from_secs(40));
    world.plug(true);
    world.run(Duration::from_secs(40));
    assert_eq!(own(&world)[1..], ["1333 00 000", "3333 00 000"]);
    world.line_fault(1, true);
    world.run(Duration::from_secs(20));
    assert!(world.conditions().contains(&"line-ground-key".to_owned()));
    world.line_fault(1, false);
    world.run(Duration::from_secs(20));
    assert_eq!(own(&world)[3..], ["1333 00 002", "3333 00 002"]);
    assert!(world.conditions().is_empty());
}

#[test]
fn the_periodic_test_comes_periodically() {
    let mut setup = site::setup(1);
    setup.stations.as_mut().unwrap().test_every = Some(Duration::from_secs(3_600));
    let mut world = World::with(setup);
    world.run(Duration::from_secs(3 * 3_600 + 10));
    assert_eq!(own(&world).iter().filter(|event| **event == "1602 00 000").count(), 3);
}

fn on_test(account: &str, seconds: u64) -> Event {
    let (account, lasts) = (account.to_owned(), Duration::from_secs(seconds));
    Event::Order(Order::OnTest { account, lasts, by: "j.doe".to_owned() })
}

#[test]
fn signals_of_an_account_on_test_are_delivered_and_marked_until_it_expires() {
    for wall in [true, false] {
        let mut world = world(1);
        world.wall = world.wall.filter(|_| wall);
        world.tell(on_test("1234", 600));
        world.run(Duration::from_secs(100));
        world.restart();
        world.report(0, BURGLARY);
        assert!(world.until(60, |w| w.kissed(0).len() == 1));
        world.run(Duration::from_secs(700));
        world.report(0, &digits("1234", "130", 7));
        assert!(world.until(60, |w| w.kissed(0).len() == 2));

        let marks = |wanted: &str| {
            let signal = |e: &Entry| if let Entry::Signal(s) = e { Some((**s).clone()) } else { None };
            world.evidence.iter().filter_map(signal).find(|s| s.event == wanted).map(|s| s.on_test)
        };
        assert_eq!((marks("1131"), marks("1130")), (Some(true), Some(false)), "wall clock: {wall}");
        let told: Vec<_> = world.station.acked.iter().filter(|s| s.contains("607")).collect();
        assert_eq!(told, ["1234 1607 00 000", "1234 3607 00 000"]);
        assert!(world.recovery().on_test.is_empty());
    }
}

#[test]
fn a_test_lasts_a_day_at_most_and_only_accounts_are_put_on_test() {
    let mut world = world(1);
    world.tell(on_test("1234", 90 * 86_400));
    world.tell(on_test("not an account", 60));
    assert_eq!(world.appliance.status(world.clock()).alarm.on_test, ["1234"]);
    world.run(Duration::from_secs(86_401));
    assert!(world.appliance.status(world.clock()).alarm.on_test.is_empty());
    assert_eq!(world.appliance.status(world.clock()).counters["orders_refused"], 1);
}

#[test]
fn silent_events_reach_the_station_the_evidence_and_the_noc_and_show_nowhere_else() {
    for event in ["121", "122"] {
        let mut world = world(1);
        let begun = world.seen.len();
        let said = digits("1234", event, 77);
        // Undelivered for a while, so that everything that could complain of it does.
        world.station.mood = Mood::Deaf;
        world.report(0, &said);
        let mut shown = String::new();
        for _ in 0..60 {
            world.run(Duration::from_secs(2));
            let now = world.clock();
            shown += &serde_json::to_string(&world.appliance.status(now)).unwrap();
            shown += &world.appliance.explain(now).concat();
        }
        assert_eq!(world.appliance.status(world.clock()).alarm.undelivered, 0);
        world.station.mood = Mood::Acks(30);
        assert!(world.until(60, |w| w.kissed(0).len() == 1));
        assert!(world.station.acked.contains(&frame(&said)));
        for (_, command) in &world.seen[begun..] {
            if let Command::Log(body) = command {
                shown += &serde_json::to_string(body).unwrap();
            }
            if let Command::Mqtt(mqtt) = command {
                shown += &documents(mqtt);
            }
        }
        for word in ["duress", "panic", "failure to communicate", &format!("1{event}"), "077", "\"1234\""] {
            assert!(!shown.contains(word), "{word} shows");
        }
        let told = |r: &outbox::StoredRecord| {
            r.json.contains(&format!("1{event}")) && r.json.contains("\"silent\":true")
        };
        assert!(world.records.iter().any(told), "the NOC knows");
        assert!(world.evidence.iter().any(|e| matches!(e, Entry::Signal(s) if s.silent)));
    }
}

/// The retained documents among what is published.
fn documents(command: &appliance::MqttCommand) -> String {
    let text = serde_json::to_string(command).unwrap();
    if text.contains("/state") && !text.contains("/records/") { text } else { String::new() }
}

#[test]
fn evidence_that_cannot_be_written_is_a_condition_until_it_can() {
    let mut world = world(1);
    let failed = EvidenceReport::Failed { lost: 3, why: "no space left on the disk".to_owned() };
    world.tell(Event::Evidence(failed));
    assert!(world.conditions().contains(&"evidence-failed".to_owned()));
    let head = evidence::Hash::default();
    world.tell(Event::Evidence(EvidenceReport::Stored { newest: 9, head }));
    assert!(!world.conditions().contains(&"evidence-failed".to_owned()));
    assert_eq!(world.appliance.status(world.clock()).counters["evidence_lost"], 3);
}

#[test]
fn when_too_many_signals_wait_the_next_one_is_not_taken_and_its_panel_is_not_told() {
    let mut setup = site::setup(8);
    for line in &mut setup.lines {
        line.behaviour.as_mut().unwrap().withdraw_after = None;
    }
    let mut world = World::with(setup);
    world.run(Duration::from_secs(5));
    world.station.mood = Mood::Deaf;
    for line in 0..8 {
        world.panels[usize::from(line)].hangs_up_after = Some(100);
        world.panels[usize::from(line)].max_dials = u32::MAX;
        world.panels[usize::from(line)].forgets = true;
        for zone in 0..130 {
            world.report(line, &digits(&format!("123{}", line + 1), "130", zone));
        }
    }
    world.run(Duration::from_secs(4_000));
    assert_eq!(world.recovery().undelivered.len(), 1_000);
    assert!(world.appliance.status(world.clock()).counters["signals_not_taken"] > 0);
    let not_taken = |e: &Entry| matches!(e, Entry::Call { step: line::Step::NotTaken { .. }, .. });
    assert!(world.evidence.iter().any(not_taken));
    assert_eq!((0..8).map(|line| world.kissed(line).len()).sum::<usize>(), 0);
    assert!(world.now > Tick(0) && !world.seen.iter().any(|(_, c)| matches!(c, Command::Log(Body::Loss(_)))));
}
