//! The simulated card without a pty.

use super::*;
use ata_wire::{HostEvent, HostSession};

fn simulator() -> Simulator {
    let settings = Settings { lines: 2, seed: 7, serial: "SIM".to_owned(), error_rate: 0.0 };
    Simulator::new(settings, 1_000_000)
}

fn say(simulator: &mut Simulator, words: &str, now_us: u64) -> Answer {
    simulator.handle_command(&Command::parse(words).unwrap(), now_us)
}

fn reports(simulator: &mut Simulator) -> Vec<Report> {
    std::iter::from_fn(|| simulator.poll_report()).collect()
}

#[test]
fn a_wish_that_makes_no_sense_is_refused_with_the_reason() {
    let mut simulator = simulator();
    for (words, reason) in [
        ("off 2", "no line 2: this card has 0 to 1"),
        ("on 0", "line 0 is on-hook already"),
        ("flip 9 1 1", "no line 9"),
    ] {
        let error = say(&mut simulator, words, 1_000_000).error.unwrap();
        assert!(error.contains(reason), "{words}: {error}");
    }
}

#[test]
fn without_a_host_a_flip_stops_at_a_full_queue_and_loses_nothing() {
    let mut simulator = simulator();
    assert!(say(&mut simulator, "flip all 100 0", 1_000_000).ok);
    simulator.advance(9_000_000);
    let status = say(&mut simulator, "status", 9_000_000).status.unwrap();
    assert_eq!((status.queued, status.flips_left, status.events_lost), (64, 36, 0));
    assert!(say(&mut simulator, "flip 0 1 1", 9_000_000).error.unwrap().contains("36 changes left"));
}

#[test]
fn every_event_is_reported_once_although_a_host_acknowledges_at_once() {
    let mut simulator = simulator();
    let mut host = HostSession::new(1, 0);
    say(&mut simulator, "flip all 500 0", 1_000_000);
    let mut told = 0;
    for now_ms in 1_000..4_000_u64 {
        let now_us = now_ms * 1_000;
        simulator.advance(now_us);
        host.receive(&simulator.transmit(92, now_us), now_ms);
        while let Some(event) = host.poll_event() {
            if let HostEvent::Line { card_boot, event } = event {
                told += 1;
                host.acknowledge(card_boot, event.seq);
            }
        }
        let mut frame = [0; MAX_WIRE];
        while let Some(len) = host.poll_transmit(now_ms, &mut frame) {
            simulator.receive(&mut frame[..len], now_us);
        }
    }
    let reports = reports(&mut simulator);
    let hooks: Vec<u16> = reports.iter().filter_map(seq_of).collect();
    assert_eq!(hooks, (0..500).collect::<Vec<u16>>());
    assert_eq!(told, 500);
    assert_eq!(reports.last(), Some(&Report::Flipped { count: 500 }));
}

fn seq_of(report: &Report) -> Option<u16> {
    if let Report::Hook { card_seq, .. } = report { Some(*card_seq) } else { None }
}

#[test]
fn a_silent_card_says_nothing_and_speaks_again() {
    let mut simulator = simulator();
    say(&mut simulator, "silent 2", 1_000_000);
    assert!(!simulator.has_output(2_999_999));
    assert!(simulator.has_output(3_000_000));
}

#[test]
fn a_reset_gives_another_boot_and_numbers_from_the_start() {
    let mut simulator = simulator();
    say(&mut simulator, "off 0", 1_000_000);
    say(&mut simulator, "reset", 1_500_000);
    say(&mut simulator, "off 1", 2_000_000);
    let reports = reports(&mut simulator);
    let [Report::Boot { card_boot: first }, Report::Hook { card_boot: of_first, .. }, rest @ ..] =
        &reports[..]
    else {
        panic!("{reports:?}")
    };
    let [
        Report::Boot { card_boot: second },
        Report::Hook { line: 1, sample: 4_000, card_boot, card_seq: 0, .. },
    ] = rest
    else {
        panic!("{reports:?}")
    };
    assert!(first != second && first == of_first && second == card_boot, "{reports:?}");
}

#[test]
fn garbage_is_put_on_the_wire() {
    let mut simulator = simulator();
    let before = simulator.transmit(1_000, 1_000_000).len();
    say(&mut simulator, "garbage 500", 1_000_001);
    assert!(before < 200);
    assert_eq!(simulator.transmit(500, 1_000_001).len(), 500);
}
