//! Connections that fail: what is lost is told, and the next frame finds its way.

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::time::Duration;

use appliance::StationCommand;
use e2e::strict_station::{Behaviour, events};
use ports::station::Transport;
use station::{PathId, StationId};

use crate::desk::{Desk, Known, link};
use crate::peer::{KEYS, each, strict};

#[test]
fn where_nobody_listens_that_is_told_with_the_address_and_the_next_station_has_it() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    for (transport, address) in [(Transport::Tcp, tcp), (Transport::Udp, udp)] {
        let (station, next) = strict(transport, None);
        let mut desk = Desk::new(&[Known { address, transport, key: None }, next], 0);
        let signal = desk.submit(15);
        desk.until_delivered(signal);
        let told = desk.failures.iter().find(|why| why.contains("refused"));
        assert!(told.is_some_and(|why| why.contains(&address.to_string())), "{:?}", desk.failures);
        drop(station);
    }
}

#[test]
fn a_station_that_hangs_up_before_it_answers_is_asked_again_sooner_than_a_silent_one() {
    let (mut station, known) = strict(Transport::Tcp, None);
    station.next([Behaviour::HangUp]).expect("a station");
    let mut desk = Desk::new(&[known], 0);
    desk.until("supervised", |desk| desk.troubles.len() == 2);
    let signal = desk.submit(15);
    desk.until_delivered(signal);
    let tries = desk.tries(signal);
    assert!(desk.failures.iter().any(|why| why.contains("closed")), "{:?}", desk.failures);
    assert!(tries[1].at - tries[0].at < Duration::from_millis(900), "it waited as for a silent one");
    assert_eq!(events(station.received()).len(), 1);
}

#[test]
fn a_connection_that_the_station_closed_is_opened_again_for_the_next_frame() {
    let (mut station, known) = strict(Transport::Tcp, KEYS[1]);
    let mut desk = Desk::new(&[known], 0);
    let first = desk.submit(1);
    desk.until_delivered(first);
    station.hang_up().expect("a station");
    desk.serve(Duration::from_millis(200));
    let second = desk.submit(2);
    desk.until_delivered(second);
    assert_eq!(events(station.received()).len(), 2);
    assert!(station.received().iter().any(|received| received.connection > 2));
    station.judge().expect("to the letter");
}

#[test]
fn a_source_that_changes_is_used_from_the_next_frame_on() {
    each([Transport::Tcp, Transport::Udp], |transport| {
        let (mut station, known) = strict(transport, None);
        let mut desk = Desk::new(&[known], 0);
        let first = desk.submit(1);
        desk.until_delivered(first);
        let moved = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));
        desk.sources.insert(link(1), moved);
        let second = desk.submit(2);
        desk.until_delivered(second);
        let last = station.received().iter().rev().find(|r| r.frame.as_ref().is_ok_and(|f| f.is_signal()));
        assert_eq!(last.map(|received| received.from.ip()), Some(moved));
    });
}

#[test]
fn what_has_no_answer_when_its_link_goes_is_told() {
    each([Transport::Tcp, Transport::Udp], |transport| {
        let (mut station, known) = strict(transport, None);
        station.behave(Behaviour::Silent).expect("a station");
        let mut desk = Desk::new(&[known], 0);
        desk.submit(1);
        station
            .wait_for("the signal", crate::desk::SOON, |log| (!events(log).is_empty()).then_some(()))
            .expect("it came");
        let path = PathId { station: StationId(0), link: link(1) };
        desk.port.try_send(StationCommand::Close { path }).expect("room");
        desk.until("told", |desk| desk.failures.iter().any(|why| why.contains("the link is gone")));
    });
}
