//! What is no acknowledgement of the station delivers nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use e2e::strict_station::{Behaviour, events};

use crate::desk::Desk;
use crate::peer::{each, four_ways, strict};

/// Long enough for a second try.
const A_WHILE: Duration = Duration::from_millis(1_500);

#[test]
fn a_reply_that_is_wrong_in_one_thing_delivers_nothing_and_the_right_one_does() {
    let always = [
        Behaviour::Rsp,
        Behaviour::OtherSequence,
        Behaviour::OtherReceiver,
        Behaviour::OtherPrefix,
        Behaviour::OtherAccount,
        Behaviour::BrokenChecksum,
        Behaviour::Noise(5_000),
        Behaviour::ForgedPort,
        Behaviour::ForgedAddress(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9))),
    ];
    let encrypted =
        [Behaviour::InClear, Behaviour::OtherKey, Behaviour::StampedOff(-60), Behaviour::StampedOff(60)];
    for what in always.into_iter().chain(encrypted) {
        let ways = four_ways().filter(|(_, key)| key.is_some() || !encrypted.contains(&what));
        each(ways, |(transport, key)| {
            let (mut station, known) = strict(transport, key);
            station.behave(what).expect("a station");
            let mut desk = Desk::new(&[known], 0);
            let signal = desk.submit(15);
            desk.serve(A_WHILE);
            assert_eq!(desk.delivered, [], "{what:?}, {transport:?}");
            assert!(!events(station.received()).is_empty(), "it was never asked: nothing is proved");

            station.behave(Behaviour::Answer).expect("a station");
            desk.until_delivered(signal);
            assert_eq!(events(station.received()).len(), 1, "{what:?}: one event under one sequence");
            station.judge().expect("to the letter");
        });
    }
}

#[test]
fn ten_megabytes_of_noise_are_counted_once_a_second_and_the_signal_gets_through() {
    const NOISE: usize = 10_000_000;
    each(four_ways(), |(transport, key)| {
        let (station, known) = strict(transport, key);
        station.next([Behaviour::Noise(NOISE)]).expect("a station");
        let mut desk = Desk::new(&[known], 0);
        let signal = desk.submit(15);
        desk.until_delivered(signal);
        desk.until("told", |desk| desk.odd.iter().map(|(_, count, _)| count).sum::<u32>() > 10);

        assert!(desk.odd.len() > 1, "it was told at once, before it could be counted");
        for pair in desk.odd.windows(2) {
            assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(700), "{:?}", desk.odd);
        }
    });
}
