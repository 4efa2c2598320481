//! The witness of the wires: what leaves by which WAN, and with whose address.

use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeSpec;

use super::kernel::Reigns;
use super::ledger::{Invariant, Violation};
use super::{Config, Family, namespace};

/// `PACKET_OUTGOING`.
const OUTGOING: u8 = 4;
/// Enough of a packet to read its addresses.
const SNAP: usize = 64;
/// At 1,000 packets a second and in both families more than five minutes.
const MAX_PACKETS: usize = 1_000_000;
/// Ten seconds of it.
const RECEIVE_BUFFER: usize = 16 * 1024 * 1024;
/// How often the thread looks whether it is to stop, in milliseconds.
const WAKE_MS: u8 = 50;

/// A packet that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Departure {
    at: Duration,
    interface: u32,
    source: IpAddr,
    /// It belongs to one of the LAN's flows.
    flow: bool,
}

/// What was seen.
pub(super) struct Seen {
    departures: Vec<Departure>,
}

/// Starts the witness in the box's namespace.
pub(super) fn spawn(
    config: Config,
    started: Instant,
    stop: Arc<AtomicBool>,
) -> Result<JoinHandle<Result<Seen>>> {
    let namespace = config.namespace.clone();
    let clock = Clock::since(started);
    namespace::spawn("observer-wire", Some(&namespace), open, move |fd| {
        let mut departures = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            drain(&fd, clock, &config.flow_ends, &mut departures)?;
            ensure!(
                departures.len() < MAX_PACKETS,
                "more than {MAX_PACKETS} packets left: shorten the scenario"
            );
        }
        Ok(Seen { departures })
    })
}

fn open() -> Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll)
        .context("cannot open a packet socket (root?)")?;
    setsockopt(&fd, sockopt::RcvBufForce, &RECEIVE_BUFFER).context("cannot enlarge its buffer")?;
    setsockopt(&fd, sockopt::ReceiveTimestampns, &true).context("cannot have packets stamped")?;
    Ok(fd)
}

/// Turns the kernel's stamps, which are wall time, into time since the observer's start. Nobody sets
/// the clock while a scenario plays.
#[derive(Clone, Copy, Debug)]
struct Clock {
    wall_at_start: Duration,
}

impl Clock {
    fn since(started: Instant) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall_at_start: wall.saturating_sub(started.elapsed()) }
    }

    fn at(self, stamp: TimeSpec) -> Duration {
        Duration::from(stamp).saturating_sub(self.wall_at_start)
    }
}

fn drain(fd: &OwnedFd, clock: Clock, ends: &[IpAddr], into: &mut Vec<Departure>) -> Result<()> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::from(WAKE_MS)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error).context("cannot wait for packets"),
    }
    while into.len() < MAX_PACKETS {
        match receive(fd, clock, ends) {
            Ok(departure) => into.extend(departure),
            Err(Errno::EINTR | Errno::ENETDOWN) => {}
            Err(Errno::EAGAIN) => return Ok(()),
            Err(error) => return Err(error).context("cannot read packets"),
        }
    }
    Ok(())
}

/// The next packet; `None` if it came in, or is not IP.
fn receive(fd: &OwnedFd, clock: Clock, ends: &[IpAddr]) -> nix::Result<Option<Departure>> {
    let mut packet = [0; SNAP];
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut parts = [IoSliceMut::new(&mut packet)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let received = recvmsg::<LinkAddr>(fd.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let stamp = received.cmsgs()?.find_map(|message| {
        if let ControlMessageOwned::ScmTimestampns(stamp) = message { Some(stamp) } else { None }
    });
    let from = received.address.filter(|from| from.pkttype() == OUTGOING);
    let length = received.bytes.min(SNAP);
    let (Some(stamp), Some(from)) = (stamp, from) else { return Ok(None) };
    let interface = u32::try_from(from.ifindex()).map_err(|_| Errno::ERANGE)?;
    let read = read(&packet[..length], ends);
    Ok(read.map(|(source, flow)| Departure { at: clock.at(stamp), interface, source, flow }))
}

/// Source of an IP packet, and whether it belongs to a flow to one of the ends.
fn read(packet: &[u8], ends: &[IpAddr]) -> Option<(IpAddr, bool)> {
    let (source, destination, protocol, header) = match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet.first()? & 0xf) * 4;
            (v4(packet.get(12..16)?)?, v4(packet.get(16..20)?)?, *packet.get(9)?, header)
        }
        6 => (v6(packet.get(8..24)?)?, v6(packet.get(24..40)?)?, *packet.get(6)?, 40),
        _ => return None,
    };
    let flow = ends.contains(&destination) && !is_answer(protocol, packet.get(header..)?);
    Some((source, flow))
}

/// The box's own word that a flow is no more, to a packet that still came in by the link it left: it
/// goes back by that link, as it must.
fn is_answer(protocol: u8, segment: &[u8]) -> bool {
    const TCP: u8 = 6;
    const ICMP: [u8; 2] = [1, 58];
    const RST: u8 = 0x04;
    let reset = protocol == TCP && segment.get(13).is_some_and(|flags| flags & RST != 0);
    reset || ICMP.contains(&protocol)
}

fn v4(bytes: &[u8]) -> Option<IpAddr> {
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into())
}

fn v6(bytes: &[u8]) -> Option<IpAddr> {
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into())
}

impl Seen {
    /// Packets of the LAN's flows that left by a WAN.
    pub(super) fn departures(&self) -> u64 {
        self.departures.iter().filter(|d| d.flow).count() as u64
    }

    /// Judges every departure by who reigned at the time; what lies closer together than `fuzz` was
    /// at the same time.
    pub(super) fn judge(&self, reigns: &Reigns, fuzz: Duration) -> Vec<Violation> {
        let left = self.departures.iter().filter(|d| reigns.wans.contains(&d.interface));
        let wrong = left.filter_map(|d| judge_one(d, reigns, fuzz));
        merge(wrong)
    }
}

fn judge_one(departure: &Departure, reigns: &Reigns, fuzz: Duration) -> Option<(Departure, Violation)> {
    let Departure { at, interface, source, flow } = *departure;
    let family = if source.is_ipv4() { Family::V4 } else { Family::V6 };
    let foreign = !source.is_unspecified() && !reigns.owned.contains(&(interface, source));
    let invariant = if foreign {
        Invariant::ForeignSource
    } else if flow && !reigned(reigns, family, interface, at, fuzz) {
        Invariant::WrongLink
    } else {
        return None;
    };
    let reign = reigns.of.iter().rev().find(|(since, f, _)| *f == family && *since <= at);
    let reign = reign.map_or("nobody reigned".to_owned(), |(since, _, reign)| {
        format!("{reign:?} since {:.4} s", since.as_secs_f64())
    });
    let detail = format!("a packet from {source} left by interface {interface}, {reign}");
    Some((*departure, Violation { invariant, family, at, lasted: Duration::ZERO, detail }))
}

fn reigned(reigns: &Reigns, family: Family, interface: u32, at: Duration, fuzz: Duration) -> bool {
    let of_family: Vec<_> = reigns.of.iter().filter(|(_, f, _)| *f == family).collect();
    let ends = of_family.iter().skip(1).map(|(since, _, _)| *since).chain([Duration::MAX]);
    of_family.iter().zip(ends).any(|((since, _, reign), until)| {
        let may = reign.active == Some(interface) || reign.stand_in == Some(interface);
        may && *since <= at + fuzz && until >= at.saturating_sub(fuzz)
    })
}

/// One entry for packets that were wrong in the same way one after another.
fn merge(wrong: impl Iterator<Item = (Departure, Violation)>) -> Vec<Violation> {
    let mut merged: Vec<(Departure, Violation, u32)> = Vec::new();
    for (departure, violation) in wrong {
        match merged.last_mut() {
            Some((first, before, count))
                if (first.interface, first.source) == (departure.interface, departure.source)
                    && before.invariant == violation.invariant =>
            {
                before.lasted = violation.at - before.at;
                *count += 1;
            }
            _ => merged.push((departure, violation, 1)),
        }
    }
    let say = |(_, mut violation, count): (_, Violation, u32)| {
        violation.detail = format!("{} ({count} packets)", violation.detail);
        violation
    };
    merged.into_iter().map(say).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::Reign;
    use super::*;

    const FUZZ: Duration = Duration::from_millis(10);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn reigns() -> Reigns {
        let by = |interface| Reign { active: Some(interface), stand_in: Some(interface) };
        Reigns {
            of: vec![(ms(0), Family::V4, by(1)), (ms(1_000), Family::V4, by(2))],
            owned: [(1, "192.0.2.2".parse().unwrap()), (2, "198.51.100.2".parse().unwrap())].into(),
            wans: [1, 2].into(),
        }
    }

    fn judged(at: u64, interface: u32, source: &str, flow: bool) -> Vec<Invariant> {
        let departure = Departure { at: ms(at), interface, source: source.parse().unwrap(), flow };
        let seen = Seen { departures: vec![departure] };
        seen.judge(&reigns(), FUZZ).into_iter().map(|v| v.invariant).collect()
    }

    #[test]
    fn a_flow_leaves_by_the_link_that_reigns() {
        assert_eq!(judged(500, 1, "192.0.2.2", true), []);
        assert_eq!(judged(1_500, 2, "198.51.100.2", true), []);
        assert_eq!(judged(500, 2, "198.51.100.2", true), [Invariant::WrongLink]);
        assert_eq!(judged(1_500, 1, "192.0.2.2", true), [Invariant::WrongLink]);
    }

    #[test]
    fn a_stand_in_for_a_dead_link_may_carry_the_flow() {
        let departure =
            Departure { at: ms(5_000), interface: 1, source: "192.0.2.2".parse().unwrap(), flow: true };
        let seen = Seen { departures: vec![departure] };
        let mut reigns = reigns();
        assert_eq!(seen.judge(&reigns, FUZZ).len(), 1);
        reigns.of.push((ms(4_000), Family::V4, Reign { active: Some(2), stand_in: Some(1) }));
        assert_eq!(seen.judge(&reigns, FUZZ), []);
    }

    #[test]
    fn about_the_time_of_a_switch_both_are_right() {
        for interface in [(1, "192.0.2.2"), (2, "198.51.100.2")] {
            assert_eq!(judged(995, interface.0, interface.1, true), []);
            assert_eq!(judged(1_005, interface.0, interface.1, true), []);
        }
    }

    #[test]
    fn probes_may_leave_by_any_link_but_only_with_its_address() {
        assert_eq!(judged(500, 2, "198.51.100.2", false), []);
        assert_eq!(judged(500, 2, "192.0.2.2", false), [Invariant::ForeignSource]);
        assert_eq!(judged(500, 1, "192.168.77.10", true), [Invariant::ForeignSource]);
        assert_eq!(judged(500, 7, "192.168.77.10", true), [], "not a WAN");
    }

    #[test]
    fn a_thousand_wrong_packets_are_one_entry() {
        let departures = (0..1_000).map(|n| Departure {
            at: ms(n),
            interface: 1,
            source: "192.168.77.10".parse().unwrap(),
            flow: true,
        });
        let violations = Seen { departures: departures.collect() }.judge(&reigns(), FUZZ);
        assert_eq!(violations.len(), 1);
        assert!(violations[0].detail.contains("1000 packets"));
    }

    #[test]
    fn source_and_destination_are_read_and_answers_are_no_flow() {
        let end: IpAddr = "203.0.113.20".parse().unwrap();
        let mut four = vec![0x45; 20];
        four[12..16].copy_from_slice(&[192, 0, 2, 2]);
        four[16..20].copy_from_slice(&[203, 0, 113, 20]);
        assert_eq!(read(&four, &[end]), Some(("192.0.2.2".parse().unwrap(), true)));
        assert_eq!(read(&four, &[]), Some(("192.0.2.2".parse().unwrap(), false)));
        let mut six = vec![0; 40];
        (six[0], six[23], six[39]) = (0x60, 2, 1);
        assert_eq!(read(&six, &["::1".parse().unwrap()]), Some(("::2".parse().unwrap(), true)));
        for (protocol, flags, flow) in [(6, 0x10, true), (6, 0x14, false), (17, 0x04, true), (1, 0, false)] {
            let mut packet = four.clone();
            packet[9] = protocol;
            packet.extend([0; 20]);
            packet[33] = flags;
            assert_eq!(read(&packet, &[end]).unwrap().1, flow, "protocol {protocol}, flags {flags:#x}");
        }
        for cut in [0, 1, 12, 19] {
            assert_eq!(read(&four[..cut], &[end]), None, "{cut}");
        }
    }
}
