//! The judge can condemn: what is wrong on the wire is told, what is right is answered to the letter.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use super::*;

const SOON: Duration = Duration::from_secs(10);
const SIGNAL: &str = r#""ADM-CID"0007R1L0#1234[#1234|1131 01 015]"#;

fn wrap(body: &str) -> Vec<u8> {
    format!("\n{:04X}0{:03X}{body}\r", frame::checksum(body.as_bytes()), body.len()).into_bytes()
}

fn station(transport: Transport) -> StrictStation {
    StrictStation::start(StationOptions::local(transport)).unwrap()
}

/// A datagram to the station and its answer, if one comes within a moment.
fn ask(station: &StrictStation, octets: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    socket.send_to(octets, station.address()).unwrap();
    let mut answer = [0; 2_048];
    socket.recv(&mut answer).ok().map(|count| answer[..count].to_vec())
}

#[test]
fn a_frame_in_order_is_acknowledged_in_its_own_words() {
    let mut station = station(Transport::Udp);
    assert_eq!(ask(&station, &wrap(SIGNAL)), Some(wrap(r#""ACK"0007R1L0#1234[]"#)));
    station.judge().unwrap();
    let events = events(station.received());
    assert_eq!((events.len(), events[0].sequence, events[0].data.as_str()), (1, 7, "#1234|1131 01 015"));
}

#[test]
fn what_breaks_a_rule_is_not_answered_and_condemns() {
    let mut wrong = wrap(SIGNAL);
    wrong[30] ^= 1;
    for octets in [wrong, wrap(r#""ADM-CID"0000R1L0#1234[#1234|1131 01 015]"#), b"\n\r".to_vec()] {
        let mut station = station(Transport::Udp);
        assert_eq!(ask(&station, &octets), None);
        assert!(station.judge().is_err(), "{}", octets.escape_ascii());
    }
    assert!(station(Transport::Udp).judge().is_err(), "nothing came");
}

#[test]
fn a_stamp_outside_of_the_window_gets_a_nak_with_the_stations_clock() {
    let station = station(Transport::Udp);
    let stale = wrap(r#""ADM-CID"0007R1L0#1234[#1234|1131 01 015]_16:20:01,09-24-2005"#);
    let nak = ask(&station, &stale).unwrap();
    assert!(nak[9..].starts_with(br#""NAK"0000R0L0A0[]_"#), "{}", nak.escape_ascii());
}

#[test]
fn a_sequence_that_says_two_things_condemns_and_a_retry_does_not() {
    let mut station = station(Transport::Udp);
    ask(&station, &wrap(SIGNAL)).unwrap();
    ask(&station, &wrap(SIGNAL)).unwrap();
    station.judge().unwrap();
    assert_eq!(events(station.received()).iter().map(|e| e.copies).collect::<Vec<_>>(), [2]);
    ask(&station, &wrap(r#""ADM-CID"0007R1L0#1234[#1234|1131 01 016]"#)).unwrap();
    assert!(station.judge().is_err());
    assert_eq!(events(station.received()).len(), 2);
}

#[test]
fn a_frame_in_two_segments_is_answered_and_condemns() {
    let mut station = station(Transport::Tcp);
    let mut stream = TcpStream::connect(station.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let octets = wrap(SIGNAL);
    stream.write_all(&octets).unwrap();
    let mut answer = [0; 512];
    assert!(stream.read(&mut answer).unwrap() > 0);
    station.judge().unwrap();

    // The second half goes when the first was surely read: another connection was served meanwhile.
    stream.write_all(&octets[..20]).unwrap();
    let mut other = TcpStream::connect(station.address()).unwrap();
    other.write_all(&octets).unwrap();
    other.read_exact(&mut [0; 8]).unwrap();
    stream.write_all(&octets[20..]).unwrap();
    station.wait_for("the third frame", SOON, |log| (log.len() == 3).then_some(())).unwrap();
    assert!(station.judge().unwrap_err().to_string().contains("more than one segment"));
}

#[test]
fn a_script_is_played_once_for_each_signal() {
    let mut station = station(Transport::Udp);
    station.next([Behaviour::Silent, Behaviour::OtherSequence, Behaviour::NoiseFirst(3)]).unwrap();
    assert_eq!(ask(&station, &wrap(SIGNAL)), None);
    assert_eq!(ask(&station, &wrap(SIGNAL)), Some(wrap(r#""ACK"0008R1L0#1234[]"#)));
    assert_eq!(ask(&station, &wrap(SIGNAL)).map(|noise| noise.len()), Some(3));
    assert_eq!(ask(&station, &wrap(SIGNAL)), Some(wrap(r#""ACK"0007R1L0#1234[]"#)));
    let done: Vec<_> = station.received().iter().filter_map(|received| received.behaviour).collect();
    assert_eq!(done[3], Behaviour::Answer);
}
