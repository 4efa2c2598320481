//! The law of the kiss-off: after the station's acknowledgement, while the panel listens, never else.

use std::time::Duration;

use appliance::{CardCommand, Command, Entry};
use dsp::tones::Sequence;
use line::Step;

use crate::site::{self, frame};
use crate::station::Mood;
use crate::world::World;

const BURGLARY: &str = "1234181131010158";

/// A box whose paths are proven.
fn world(lines: u8) -> World {
    let mut world = World::new(lines);
    world.run(Duration::from_secs(5));
    world
}

fn kiss_offs(world: &World) -> usize {
    let is = |c: &Command| matches!(c, Command::Card(CardCommand::Play { sequence: Sequence::KissOff, .. }));
    world.seen.iter().filter(|(_, c)| is(c)).count()
}

fn sent(world: &World, digits: &str) -> usize {
    world.station.frames.iter().filter(|(signal, ..)| *signal == frame(digits)).count()
}

#[test]
fn no_kiss_off_before_station_ack() {
    for delay in [10, 400, 900, 2_500, 4_000] {
        let mut world = world(1);
        world.station.mood = Mood::Acks(delay);
        world.report(0, BURGLARY);
        assert!(world.until(60, |w| w.kissed(0).len() == 1), "an ACK after {delay} ms");
        world.run(Duration::from_secs(5));
        let steps: Vec<&Step> = (world.evidence.iter())
            .filter_map(|e| if let Entry::Call { step, .. } = e { Some(step) } else { None })
            .collect();
        let place = |is: &dyn Fn(&Step) -> bool| steps.iter().position(|s| is(s)).unwrap();
        let delivered = place(&|s| matches!(s, Step::Delivered { .. }));
        let kissed = place(&|s| {
            matches!(s, Step::KissedOff { after, .. }
            if (200..=1_100).contains(&after.as_millis()))
        });
        assert!(place(&|s| matches!(s, Step::Message { .. })) < delivered && delivered < kissed);
        assert!(matches!(steps.last(), Some(Step::HungUp { not_kissed_off: 0 })));
        assert_eq!(world.recovery().undelivered, []);
        world.replays();
    }
}

#[test]
fn a_station_that_is_silent_naks_refuses_or_is_forged_leads_to_no_kiss_off_by_itself() {
    for mood in [Mood::Deaf, Mood::Dead, Mood::Duhs, Mood::Lies] {
        let mut world = world(1);
        world.station.mood = mood;
        world.panels[0].max_dials = 2;
        world.report(0, BURGLARY);
        world.run(Duration::from_secs(100));
        assert_eq!((kiss_offs(&world), world.kissed(0).len()), (0, 0), "{mood:?}");
        assert_eq!(world.recovery().undelivered.iter().filter(|s| s.heard.is_some()).count(), 1, "{mood:?}");

        world.station.mood = Mood::Acks(30);
        let told = world.until(90, |w| !w.recovery().undelivered.iter().any(|s| s.heard.is_some()));
        assert!(told, "{mood:?}: it is delivered once the station wants it");
        world.replays();
    }
}

#[test]
fn a_nak_corrects_the_message_clock_and_the_same_sequence_is_taken() {
    let mut world = world(1);
    world.station.mood = Mood::Ahead(7_200);
    world.report(0, BURGLARY);
    assert!(world.until(60, |w| w.kissed(0).len() == 1));
    let of_panel = world.station.frames.iter().filter(|(signal, ..)| *signal == frame(BURGLARY));
    let sequences: Vec<u16> = of_panel.map(|(_, sequence, ..)| *sequence).collect();
    assert!(sequences.iter().all(|sequence| *sequence == sequences[0]), "{sequences:?}");
    assert!(world.evidence.iter().any(|e| matches!(e, Entry::Clock { ahead_s: 7_200, .. })));
}

#[test]
fn a_forged_acknowledgement_is_doubted_in_the_evidence_but_does_not_flood_it() {
    let mut world = world(1);
    world.station.mood = Mood::Lies;
    world.panels[0].max_dials = 1;
    world.report(0, BURGLARY);
    world.run(Duration::from_secs(60));
    let doubts = world.evidence.iter().filter(|e| matches!(e, Entry::Doubtful { .. })).count();
    assert!((1..=12).contains(&doubts), "{doubts}");
    let counters = world.appliance.status(world.clock()).counters;
    assert!(counters["station_doubtful_replies"] > doubts as u64);
}

#[test]
fn a_panel_that_hangs_up_before_the_ack_is_not_told_and_its_redial_is_kissed_off_at_once() {
    let mut world = world(1);
    world.station.mood = Mood::Acks(900);
    world.panels[0].hangs_up_after = Some(300);
    world.panels[0].max_dials = 2;
    world.report(0, BURGLARY);
    assert!(world.until(30, |w| w.station.acked.contains(&frame(BURGLARY))));
    // A hang-up is one after 300 ms, so the line learns of it before the station's answer.
    world.run(Duration::from_secs(2));
    let gone = |e: &Entry| matches!(e, Entry::Acknowledged { panel_gone: true, .. });
    assert!(world.evidence.iter().any(gone), "delivered, panel not told");
    let frames = sent(&world, BURGLARY);

    world.panels[0].hangs_up_after = None;
    assert!(world.until(60, |w| w.kissed(0).len() == 1));
    assert_eq!(sent(&world, BURGLARY), frames, "nothing is sent twice");
    assert_eq!(world.panels[0].dials, 0, "the queue is empty");
}

#[test]
fn the_same_digits_after_the_kiss_off_are_another_event() {
    let mut world = world(1);
    for times in 1..=2 {
        world.report(0, BURGLARY);
        assert!(world.until(60, |w| w.kissed(0).len() == times));
        world.run(Duration::from_secs(5));
    }
    assert_eq!(sent(&world, BURGLARY), 2);
}

#[test]
fn digits_that_are_no_message_reach_nobody_and_are_kept_as_what_they_are() {
    for wrong in ["123418113101015", "1234181131010157"] {
        let mut world = world(1);
        world.panels[0].max_dials = 1;
        world.report(0, wrong);
        world.run(Duration::from_secs(60));
        assert_eq!(kiss_offs(&world), 0, "{wrong}");
        assert!(!world.station.frames.iter().any(|(signal, ..)| signal.starts_with("1234")), "{wrong}");
        let faulty = |e: &Entry| matches!(e, Entry::Call { step: Step::Faulty { .. }, .. });
        assert!(world.evidence.iter().any(faulty), "{wrong}");
    }
}

#[test]
fn a_seventeenth_digit_costs_the_panel_its_kiss_off_but_not_the_station_its_event() {
    let mut world = world(1);
    world.panels[0].max_dials = 1;
    world.report(0, "12341811310101588");
    world.run(Duration::from_secs(60));
    assert_eq!((world.kissed(0).len(), sent(&world, BURGLARY)), (0, 1));
    let steps = |wanted: fn(&Step) -> bool| {
        world.evidence.iter().filter(|e| matches!(e, Entry::Call { step, .. } if wanted(step))).count()
    };
    assert_eq!(steps(|s| matches!(s, Step::KissedOff { .. })), 0);
    assert!(steps(|s| matches!(s, Step::Faulty { fault: panel_wire::Fault::Length(1), .. })) > 0);
}

#[test]
fn without_a_station_panels_hear_reorder_and_keep_their_voltage() {
    let mut setup = site::setup(1);
    setup.stations = None;
    let mut world = World::with(setup);
    world.panels[0].max_dials = 1;
    world.report(0, BURGLARY);
    world.run(Duration::from_secs(300));
    let reorder =
        |c: &Command| matches!(c, Command::Card(CardCommand::Play { sequence: Sequence::Reorder, .. }));
    assert!(world.seen.iter().any(|(_, c)| reorder(c)));
    assert_eq!(world.card.fed, [true]);
    world.replays();
}
