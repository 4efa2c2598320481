//! The strict station where scenarios need it: in a namespace of the lab.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::strict_station::{StationOptions, StrictStation, Transport, events};
use lab::Namespace;

/// Made by hand: CRC-16/ARC over the body's octets.
const FRAME: &[u8] = b"\n8B630029\"ADM-CID\"0007R1L0#1234[#1234|1131 01 015]\r";

#[test]
fn the_strict_station_listens_inside_of_a_namespace_and_nowhere_else() -> Result<()> {
    let inside = Fresh::make()?;
    let options =
        StationOptions { namespace: Some(inside.0.path()), ..StationOptions::local(Transport::Udp) };
    let mut station = StrictStation::start(options)?;
    let address = station.address();

    ensure!(ask(address).is_err(), "it was heard outside of its namespace");
    let answer = inside.0.run(move || ask(address))?;
    ensure!(answer.ends_with(b"\"ACK\"0007R1L0#1234[]\r"), "{}", answer.escape_ascii());
    assert_eq!(events(station.received()).len(), 1);
    station.judge()
}

struct Fresh(Namespace);

impl Fresh {
    fn make() -> Result<Self> {
        let fresh = Self(Namespace::create(&format!("station-{}", std::process::id()))?);
        let up = Command::new("ip").args(["-n", fresh.0.name(), "link", "set", "lo", "up"]).status();
        ensure!(up.context("ip runs")?.success(), "no loopback in the namespace");
        Ok(fresh)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.0.remove().expect("it is there");
    }
}

fn ask(station: SocketAddr) -> Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.connect(station)?;
    socket.send(FRAME)?;
    let mut answer = [0; 256];
    let count = socket.recv(&mut answer)?;
    Ok(answer[..count].to_vec())
}
