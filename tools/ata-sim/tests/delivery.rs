//! Every hook change reaches the daemon exactly once and in order, whatever the wire does.

mod common;

use appliance::CardEvent;
use common::Desk;

fn every_change_arrives_once(error_rate: f64, changes: u32) -> Vec<CardEvent> {
    let mut desk = Desk::ready(error_rate);
    desk.command(&format!("flip all {changes} 0"));
    let (told, others) = desk.keep_changes(changes as usize);
    desk.wait_until("nothing waits at the card", |status| status.queued == 0 && status.flips_left == 0);
    assert_eq!(told, desk.truth());
    let more = std::iter::from_fn(|| desk.events.try_recv().ok());
    let repeats: Vec<CardEvent> = more.filter(|event| matches!(event, CardEvent::Hook { .. })).collect();
    assert_eq!(repeats, []);
    others
}

#[test]
fn five_thousand_changes_on_a_good_wire() {
    assert_eq!(every_change_arrives_once(0.0, 5_000), []);
}

#[test]
fn five_thousand_changes_with_one_octet_of_ten_thousand_damaged_both_ways() {
    let others = every_change_arrives_once(1e-4, 5_000);
    let garbage = others.iter().filter(|event| matches!(event, CardEvent::Garbage { .. })).count();
    assert!(garbage > 0, "at this rate some frame must have been damaged: {others:?}");
}

#[test]
fn a_thousand_changes_with_one_octet_of_a_hundred_damaged_both_ways() {
    every_change_arrives_once(1e-2, 1_000);
}

#[test]
fn a_daemon_that_restarts_without_having_kept_gets_all_again() {
    let mut desk = Desk::ready(0.0);
    desk.command("flip all 20 0");
    desk.wait_until("all changes made", |status| status.flips_left == 0);
    let CardEvent::Hook { .. } = desk.next() else { panic!("a hook change comes first") };
    desk.restart();
    let CardEvent::Ready(hello) = desk.next_but_garbage() else { panic!("the card is ready again") };
    let (told, _) = desk.keep_changes(20);
    assert_eq!(told, desk.truth());
    assert_eq!(hello.events_lost, 0);
}

#[test]
fn what_was_kept_before_a_restart_does_not_come_again() {
    let mut desk = Desk::ready(0.0);
    desk.command("flip 0 10 0");
    desk.keep_changes(10);
    desk.wait_until("the acknowledgement reached the card", |status| status.queued == 0);
    desk.restart();
    let CardEvent::Ready(_) = desk.next_but_garbage() else { panic!("the card is ready again") };
    desk.command("off 1");
    let (told, _) = desk.keep_changes(1);
    assert_eq!((told[0].0, told[0].1, told[0].4), (1, true, 10));
}

#[test]
fn a_daemon_that_takes_nothing_loses_nothing() {
    let mut desk = Desk::with_channel(0.0, 1);
    desk.command("flip all 300 0");
    desk.wait_until("the card's queue is full", |status| status.queued == 64);
    let ready = desk.next_but_garbage();
    assert!(matches!(ready, CardEvent::Ready(_)), "{ready:?}");
    let (told, _) = desk.keep_changes(300);
    desk.wait_until("nothing waits at the card", |status| status.queued == 0);
    assert_eq!(told, desk.truth());
}

#[test]
fn an_acknowledgement_reaches_the_card_within_milliseconds() {
    let mut desk = Desk::ready(0.0);
    let mut slowest = std::time::Duration::ZERO;
    for _ in 0..20 {
        desk.command("flip 0 1 0");
        let CardEvent::Hook { card_boot, card_seq, .. } = desk.next() else { panic!("a hook change") };
        let kept = std::time::Instant::now();
        desk.keep(card_boot, card_seq);
        desk.wait_until("the card forgot it", |status| status.queued == 0);
        slowest = slowest.max(kept.elapsed());
    }
    // A thread that noticed commands only with the next heartbeat would need up to 250 ms.
    assert!(slowest < std::time::Duration::from_millis(150), "{slowest:?}");
}
