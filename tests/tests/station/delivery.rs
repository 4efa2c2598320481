//! What arrives, by which way, and how often.

use std::time::Duration;

use e2e::strict_station::{Behaviour, events};
use station::Trouble;

use crate::desk::{Desk, link, station_of};
use crate::peer::{KEYS, TRANSPORTS, each, four_ways, strict};

#[test]
fn every_signal_arrives_once_and_to_the_letter_in_clear_and_with_every_key() {
    let ways = TRANSPORTS.into_iter().flat_map(|transport| KEYS.map(|key| (transport, key)));
    each(ways, |(transport, key)| {
        let (mut station, known) = strict(transport, key);
        let mut desk = Desk::new(&[known], 0);
        let signals: Vec<_> = (1..=40).map(|zone| desk.submit(zone)).collect();
        desk.until("all delivered", |desk| signals.iter().all(|signal| desk.is_delivered(*signal)));

        assert_eq!(desk.delivered.len(), 40);
        station.judge().expect("to the letter");
        let zones: Vec<_> = events(station.received()).into_iter().map(|event| event.data).collect();
        assert_eq!(zones, (1..=40).map(|zone| format!("#1234|1131 01 {zone:03}")).collect::<Vec<_>>());
    });
}

#[test]
fn both_paths_are_supervised_from_their_own_source() {
    each(four_ways(), |(transport, key)| {
        let (mut station, known) = strict(transport, key);
        let mut desk = Desk::new(&[known], 0);
        let works = |desk: &Desk, number| {
            desk.troubles.iter().any(
                |trouble| matches!(trouble, Trouble::Path { path, works: true } if path.link == link(number)),
            )
        };
        desk.until("two paths that work", |desk| works(desk, 1) && works(desk, 2));
        let mut sources: Vec<_> = station.received().iter().map(|r| r.from.ip().to_string()).collect();
        sources.sort();
        assert_eq!(sources, ["127.0.0.1", "127.0.0.2"]);
        station.judge().expect("to the letter");
    });
}

#[test]
fn a_silent_station_costs_a_second_by_each_path_and_then_the_next_station_has_it() {
    each(four_ways(), |(transport, key)| {
        let (first, known) = strict(transport, key);
        let (mut second, next) = strict(transport, key);
        first.behave(Behaviour::Silent).expect("a station");
        let mut desk = Desk::new(&[known, next], 0);
        let signal = desk.submit(15);
        desk.until_delivered(signal);

        let tries = desk.tries(signal);
        let ways: Vec<_> = tries.iter().map(|sent| (station_of(sent.path), sent.path.link)).collect();
        assert_eq!(ways[..2], [(0, link(1)), (0, link(2))]);
        assert!(tries[1].at - tries[0].at >= Duration::from_millis(950));
        assert!(tries[..2].iter().all(|sent| sent.request.sequence == tries[0].request.sequence));
        assert_eq!(station_of(desk.delivered[0].1), 1);
        assert_eq!(events(second.received()).len(), 1);
        second.judge().expect("to the letter");
    });
}

#[test]
fn a_station_that_says_duh_is_left_at_once() {
    each(four_ways(), |(transport, key)| {
        let (mut first, known) = strict(transport, key);
        let (second, next) = strict(transport, key);
        first.behave(Behaviour::Duh).expect("a station");
        let mut desk = Desk::new(&[known, next], 0);
        let signal = desk.submit(15);
        desk.until_delivered(signal);

        assert!(desk.troubles.iter().any(|trouble| matches!(trouble, Trouble::Refused { .. })));
        assert_eq!(events(first.received()).iter().map(|event| event.copies).collect::<Vec<_>>(), [1]);
        assert_eq!(station_of(desk.delivered[0].1), 1);
        drop(second);
    });
}

#[test]
fn a_nak_moves_the_message_clock_and_the_same_sequence_is_believed() {
    each(four_ways(), |(transport, key)| {
        for off in [-3_600, -50, 30, 3_600] {
            let (mut station, known) = strict(transport, key);
            let mut desk = Desk::new(&[known], off);
            let signal = desk.submit(15);
            desk.until_delivered(signal);

            let ahead = desk.troubles.iter().find_map(|trouble| {
                if let Trouble::Clock { ahead, .. } = trouble { Some(*ahead) } else { None }
            });
            assert!(ahead.is_some_and(|ahead| (ahead + off).abs() <= 2), "{off}: {ahead:?}");
            assert_eq!(events(station.received()).len(), 1, "one event under one sequence");
            station.judge().expect("to the letter");
        }
    });
}

#[test]
fn an_acknowledgement_that_comes_late_counts_and_the_event_is_one() {
    each(four_ways(), |(transport, key)| {
        let (mut station, known) = strict(transport, key);
        station.behave(Behaviour::Late(Duration::from_secs(3))).expect("a station");
        let mut desk = Desk::new(&[known], 0);
        let signal = desk.submit(15);
        desk.until_delivered(signal);

        let events = events(station.received());
        assert_eq!(events.len(), 1);
        assert!(events[0].copies > 1, "it was tried again meanwhile");
        assert_eq!(desk.delivered.len(), 1);
        station.judge().expect("to the letter");
    });
}

#[test]
fn an_answer_in_pieces_or_behind_noise_or_said_twice_is_one_answer() {
    let odd = [Behaviour::Split, Behaviour::Twice, Behaviour::NoiseFirst(700)];
    each(four_ways().flat_map(|way| odd.map(|what| (way, what))), |((transport, key), what)| {
        let (mut station, known) = strict(transport, key);
        if transport == ports::station::Transport::Udp && what == Behaviour::Split {
            return;
        }
        station.behave(what).expect("a station");
        let mut desk = Desk::new(&[known], 0);
        let signal = desk.submit(15);
        desk.until_delivered(signal);
        desk.serve(Duration::from_millis(300));
        assert_eq!(desk.delivered.len(), 1, "{what:?}");
        assert_eq!(events(station.received()).iter().map(|event| event.copies).collect::<Vec<_>>(), [1]);
    });
}
