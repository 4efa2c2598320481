//! A paced UDP flow from the LAN host to a far end that sends every packet back.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::FlowFamily;
use super::stamped::{self, Datagram, receive};
use super::window::{Arrival, PathReport, judge};
use crate::keeper::{Asked, Keeper};
use crate::lab::Lab;
use crate::plan;

/// A flow ends by itself after so many packets: ten minutes at 1 kHz.
const MAX_PACKETS: usize = 600_000;

/// A silent receiver looks for questions so often.
const LISTEN: Duration = Duration::from_millis(2);

/// What is on its way when a window closes still counts as arrived.
const IN_FLIGHT: Duration = Duration::from_millis(30);

/// A packet: its number, and bytes to the size of a voice frame.
const PACKET: usize = 64;

/// A running flow. Dropped, it stops.
#[derive(Debug)]
pub struct UdpFlow {
    start: Instant,
    sender: Keeper<Vec<u64>>,
    far: Keeper<Vec<Arrival>>,
    near: Keeper<Vec<Arrival>>,
}

/// Both ways of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UdpReport {
    /// From the LAN host to the far end.
    pub out: PathReport,
    /// There and back.
    pub round: PathReport,
}

impl UdpFlow {
    /// Starts sending one packet `every` so often.
    pub fn start(lab: &Lab, family: FlowFamily, every: Duration) -> Result<Self> {
        let far_address = plan::FAR_END[family.index()].address;
        let far = lab.internet().run(|| bound(SocketAddr::new(far_address, 0)))?;
        let to = far.local_addr()?;
        let near = lab.lan().run(|| bound(SocketAddr::new(plan::LAN_HOST[family.index()].address, 0)))?;
        near.connect(to).with_context(|| format!("aim at {to}"))?;
        let sending = near.try_clone()?;
        let start = Instant::now();
        Ok(Self {
            start,
            far: Keeper::start(lab.internet(), "udp far end", move |asked| echo(&far, start, asked))?,
            near: Keeper::start(lab.lan(), "udp echoes", move |asked| collect(&near, start, asked))?,
            sender: Keeper::start(lab.lan(), "udp sender", move |asked| send(&sending, start, every, asked))?,
        })
    }

    /// What became of everything sent since `since`.
    pub fn report(&mut self, since: Instant) -> Result<UdpReport> {
        let to = Instant::now();
        thread::sleep(IN_FLIGHT);
        let (from_us, to_us) = (self.us(since), self.us(to));
        let sent = self.sender.log()?;
        ensure!(sent.len() < MAX_PACKETS, "the flow has ended: it is bounded at {MAX_PACKETS} packets");
        let path = |arrivals: &[Arrival]| judge(&sent, arrivals, from_us, to_us);
        Ok(UdpReport { out: path(&self.far.log()?), round: path(&self.near.log()?) })
    }

    /// When the far end first received something sent after `since`; `None` if nothing arrived yet.
    pub fn first_arrival(&mut self, since: Instant) -> Result<Option<Instant>> {
        let from_us = self.us(since);
        let first_sent = self.sender.log()?.partition_point(|at| *at < from_us);
        let found = self.far.log()?.into_iter().find(|a| a.seq as usize >= first_sent);
        Ok(found.map(|arrival| self.start + Duration::from_micros(arrival.at_us)))
    }

    fn us(&self, at: Instant) -> u64 {
        micros(at.saturating_duration_since(self.start))
    }
}

fn send(socket: &UdpSocket, start: Instant, every: Duration, asked: &Asked<Vec<u64>>) -> Result<()> {
    let mut log = Vec::new();
    let mut packet = [0; PACKET];
    while asked.answer(&log) && log.len() < MAX_PACKETS {
        let number = u32::try_from(log.len())?;
        thread::sleep((start + every * number).saturating_duration_since(Instant::now()));
        packet[..4].copy_from_slice(&number.to_le_bytes());
        log.push(micros(start.elapsed()));
        // A packet that the kernel refuses to send (no route) is a lost packet.
        socket.send(&packet).ok();
    }
    while asked.rest(&log, every) {}
    Ok(())
}

fn echo(socket: &UdpSocket, start: Instant, asked: &Asked<Vec<Arrival>>) -> Result<()> {
    let mut log = Vec::new();
    while asked.answer(&log) {
        let mut packet = [0; PACKET];
        if let Some(datagram) = receive(socket, &mut packet) {
            note(&mut log, &packet, &datagram, start);
            socket.send_to(&packet[..datagram.length], datagram.from).ok();
        }
    }
    Ok(())
}

fn collect(socket: &UdpSocket, start: Instant, asked: &Asked<Vec<Arrival>>) -> Result<()> {
    let mut log = Vec::new();
    while asked.answer(&log) {
        let mut packet = [0; PACKET];
        if let Some(datagram) = receive(socket, &mut packet) {
            note(&mut log, &packet, &datagram, start);
        }
    }
    Ok(())
}

fn note(log: &mut Vec<Arrival>, packet: &[u8; PACKET], datagram: &Datagram, start: Instant) {
    let at_us = micros(start.elapsed().saturating_sub(datagram.age));
    let [a, b, c, d, ..] = *packet;
    // Copies are bounded too: a path that multiplies packets must not fill the memory.
    if datagram.length == PACKET && log.len() < 2 * MAX_PACKETS {
        log.push(Arrival { seq: u32::from_le_bytes([a, b, c, d]), at_us });
    }
}

fn bound(address: SocketAddr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind(address).with_context(|| format!("bind {address}"))?;
    socket.set_read_timeout(Some(LISTEN))?;
    stamped::enable(&socket)?;
    Ok(socket)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
