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
    let [
        Report::Boot { card_boot: first, at_us: 1_000_000 },
        Report::Hook { card_boot: of_first, .. },
        rest @ ..,
    ] = &reports[..]
    else {
        panic!("{reports:?}")
    };
    let [
        Report::Boot { card_boot: second, at_us: 1_500_000 },
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

/// Lifts its receiver in its third turn and notes how it was asked.
struct Curious(std::sync::mpsc::Sender<(u32, bool)>);

impl crate::Telephone for Curious {
    fn turn(&mut self, _: &[i16; 80], feed: bool, sample: u32) -> crate::Turn {
        self.0.send((sample, feed)).expect("the test listens");
        crate::Turn { off_hook: sample >= 160, ..crate::Turn::ON_HOOK }
    }
}

#[test]
fn a_telephone_is_asked_for_every_ten_milliseconds_although_the_simulator_was_late() {
    let mut simulator = simulator();
    let (sender, asked) = std::sync::mpsc::channel();
    simulator.plug(1, Box::new(Curious(sender))).unwrap();
    for now_us in [1_009_999, 1_010_000, 1_073_000, 3_000_000] {
        simulator.advance(now_us);
    }
    let asked: Vec<(u32, bool)> = asked.try_iter().collect();
    assert_eq!(asked, (0..200).map(|turn| (turn * 80, true)).collect::<Vec<_>>());
    let hooks: Vec<Report> = reports(&mut simulator).into_iter().filter(|r| seq_of(r).is_some()).collect();
    assert!(matches!(hooks[..], [Report::Hook { line: 1, off_hook: true, sample: 160, .. }]), "{hooks:?}");
}

#[test]
fn a_telephone_has_the_hook_until_it_is_pulled_out() {
    let mut simulator = simulator();
    let (sender, _asked) = std::sync::mpsc::channel();
    assert!(simulator.plug(2, Box::new(Curious(sender.clone()))).unwrap_err().contains("no line 2"));
    simulator.plug(0, Box::new(Curious(sender))).unwrap();
    simulator.advance(1_050_000);
    assert!(say(&mut simulator, "on 0", 1_050_000).error.unwrap().contains("has a telephone"));
    let off_hook = |s: &mut Simulator, at| say(s, "status", at).status.unwrap().off_hook[0];
    assert!(off_hook(&mut simulator, 1_050_000));
    simulator.pull(0).unwrap();
    assert!(!off_hook(&mut simulator, 1_060_000));
    assert!(simulator.pull(0).is_err() && say(&mut simulator, "off 0", 1_070_000).ok);
    assert!(off_hook(&mut simulator, 1_100_000));
}
