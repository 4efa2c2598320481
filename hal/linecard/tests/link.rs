//! Card and host together over a wire that damages, loses and goes away.

mod common;

use ata_wire::limits::EVENT_WINDOW;
use ata_wire::{HostEvent, LostWhy, Seq, Versions};
use common::Bench;
use linecard::{HookOutcome, LinkStatus};

fn linked() -> Bench {
    let mut bench = Bench::new(2);
    bench.run(10);
    assert_eq!((bench.card.status().link, bench.links()), (LinkStatus::Linked, 1));
    bench
}

/// Changes hooks as fast as the card's queue takes them and checks that the host was told each once.
fn every_change_arrives_once(errors_ppm: u64, changes: u16) {
    let mut bench = Bench::new(2);
    bench.errors_ppm = errors_ppm;
    let mut made = Vec::new();
    while made.len() < usize::from(changes) {
        while bench.card.status().free > 0 && made.len() < usize::from(changes) {
            let line = u8::from(made.len() % 3 == 0);
            let off_hook = !bench.card.line(line).expect("the card has two").off_hook;
            let outcome = bench.card.hook(line, off_hook, bench.sample());
            let HookOutcome::Queued(seq) = outcome else { panic!("{outcome:?} with room in the queue") };
            made.push((seq, line, off_hook));
        }
        bench.run(1);
        assert!(bench.now_ms < 3_600_000, "stuck after {} of {}", bench.hooks().len(), changes);
    }
    bench.run(10_000);
    assert_eq!(bench.hooks(), made);
    assert_eq!((bench.card.status().queued, bench.card.status().events_lost), (0, 0));
}

#[test]
fn on_a_good_wire_every_change_arrives_once() {
    every_change_arrives_once(0, 5_000);
}

#[test]
fn with_one_octet_of_ten_thousand_damaged_every_change_arrives_once() {
    every_change_arrives_once(100, 5_000);
}

#[test]
fn with_one_octet_of_a_hundred_damaged_every_change_arrives_once() {
    every_change_arrives_once(10_000, 5_000);
}

#[test]
fn numbers_wrap_without_a_scratch() {
    every_change_arrives_once(1_000, u16::MAX);
}

#[test]
fn a_single_damaged_event_is_there_after_20_ms() {
    let mut bench = linked();
    bench.cut_to_host = true;
    bench.card.hook(0, true, 1);
    bench.run(3);
    bench.cut_to_host = false;
    bench.run(20);
    assert_eq!(bench.hooks(), [(Seq(0), 0, true)]);
}

#[test]
fn a_host_that_restarts_gets_what_it_had_not_kept() {
    let mut bench = linked();
    bench.keeps = false;
    bench.card.hook(0, true, 1);
    bench.card.hook(1, true, 2);
    bench.run(500);
    bench.told.clear();
    bench.restart_host(0x41);
    bench.keeps = true;
    bench.run(300);
    assert_eq!(bench.hooks(), [(Seq(0), 0, true), (Seq(1), 1, true)]);
    assert_eq!(bench.card.status().queued, 0);
}

#[test]
fn a_card_that_resets_is_greeted_within_a_frame() {
    let mut bench = linked();
    bench.run(777);
    bench.reset_card(0xc1, 2);
    bench.card.hook(1, true, 5);
    bench.run(10);
    assert_eq!(bench.hooks(), [(Seq(0), 1, true)]);
    let boots: Vec<u32> = bench.told.iter().filter_map(boot_of).collect();
    assert_eq!(boots, [0xc0, 0xc1]);
}

#[test]
fn a_card_whose_cry_is_lost_answers_the_next_heartbeat() {
    let mut bench = linked();
    bench.cut_to_host = true;
    bench.reset_card(0xc1, 2);
    bench.run(20);
    bench.cut_to_host = false;
    bench.run(600);
    let boots: Vec<u32> = bench.told.iter().filter_map(boot_of).collect();
    assert_eq!(boots, [0xc0, 0xc1], "{:?}", bench.told);
}

fn boot_of(event: &HostEvent) -> Option<u32> {
    match event {
        HostEvent::Linked(greeting, _) => Some(greeting.card_boot),
        HostEvent::Lost(_) | HostEvent::Line { .. } => None,
    }
}

#[test]
fn a_card_nobody_talks_to_is_dead_to_the_host_after_30_s_and_comes_back() {
    let mut bench = linked();
    bench.cut_to_card = true;
    bench.run(29_700);
    assert!(!bench.card.status().host_dead);
    bench.run(600);
    assert!(bench.card.status().host_dead);
    assert_eq!(bench.card.status().link, LinkStatus::Apart);
    bench.cut_to_card = false;
    bench.run(300);
    assert!(!bench.card.status().host_dead);
    assert_eq!(bench.card.status().link, LinkStatus::Linked);
}

#[test]
fn a_one_way_cable_is_told_as_deafness() {
    let mut bench = linked();
    bench.run(3_000);
    bench.cut_to_card = true;
    bench.run(5_000);
    assert_eq!(bench.told[1..], [HostEvent::Lost(LostWhy::Deaf)]);
}

#[test]
fn changes_that_find_no_room_are_counted_and_the_last_state_still_arrives() {
    let mut bench = linked();
    bench.keeps = false;
    for change in 0..=EVENT_WINDOW + 4 {
        bench.card.hook(0, change % 2 == 0, change as u32);
    }
    assert_eq!(bench.card.status().events_lost, 4);
    bench.run(2_000);
    assert_eq!(bench.hooks().len(), EVENT_WINDOW);

    bench.keeps = true;
    bench.host.acknowledge(0xc0, Seq(63));
    bench.run(2_000);
    assert_eq!(bench.hooks().last(), Some(&(Seq(64), 0, true)));
    let told: Vec<u32> = bench.told.iter().filter_map(lost_of).collect();
    assert_eq!(told, [0, 4], "the host greets again to learn of the loss");
}

fn lost_of(event: &HostEvent) -> Option<u32> {
    match event {
        HostEvent::Linked(_, state) => Some(state.events_lost),
        HostEvent::Lost(_) | HostEvent::Line { .. } => None,
    }
}

#[test]
fn a_card_of_another_version_is_named_and_sends_no_events() {
    let mut bench = Bench::new(1);
    bench.card = linecard::Card::new(9, 1).with_versions(Versions { min: 4, max: 5 });
    bench.card.hook(0, true, 1);
    bench.run(3_000);
    let [HostEvent::Lost(LostWhy::Version { card, .. })] = &bench.told[..] else {
        panic!("{:?}", bench.told)
    };
    assert_eq!(*card, Versions { min: 4, max: 5 });
}

#[test]
fn a_flood_of_unkept_events_does_not_silence_the_heartbeat() {
    let mut bench = linked();
    bench.keeps = false;
    for change in 0..EVENT_WINDOW {
        bench.card.hook(0, change % 2 == 0, 0);
    }
    bench.run(20_000);
    assert!(bench.host.is_linked());
    assert_eq!(bench.links(), 1);
}
