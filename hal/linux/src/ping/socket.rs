//! One echo socket: one link, one family, many targets.

use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use hal::{Family, LinkId};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, bind,
    getsockopt, recvmsg, sendto, setsockopt, socket, sockopt,
};
use wan::{Failure, Probe, ProbeOutcome, ProbeResult};

use super::echo::{self, Echo};
use super::{DEAF_AFTER, DEAF_AFTER_NS, PingCounts, outcome};
use crate::clock;

/// Probes remembered per socket: at 60 probes a second more than four seconds, at the slow rates
/// of a standby link many minutes.
const REMEMBERED: usize = 256;

/// Messages taken from a socket at once.
const MESSAGES: usize = 64;

/// Class selector 6, network control.
const CS6: i32 = 0xc0;

#[derive(Debug)]
pub(super) struct EchoSocket {
    fd: OwnedFd,
    family: Family,
    source: IpAddr,
    ifindex: u32,
    next: u16,
    sent: Vec<Option<Sent>>,
    /// Probes since anything was heard, and when the first of them left.
    unanswered: u32,
    asking_since_ns: u64,
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    echo: Echo,
    probe: Probe,
    realtime_ns: u64,
    boottime_ns: u64,
}

/// What the kernel says about a message besides its bytes.
#[derive(Default)]
struct Notes {
    ifindex: Option<u32>,
    stamp_ns: Option<u64>,
    router: Option<(u8, u8, u8)>,
}

impl EchoSocket {
    pub(super) fn open(link: LinkId, source: IpAddr, ifindex: u32) -> nix::Result<Self> {
        let family = Family::of(&source);
        let (domain, protocol) = match family {
            Family::V4 => (AddressFamily::Inet, SockProtocol::Icmp),
            Family::V6 => (AddressFamily::Inet6, SockProtocol::IcmpV6),
        };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let fd = socket(domain, SockType::Datagram, flags, protocol)?;
        setsockopt(&fd, sockopt::Mark, &link.mark())?;
        setsockopt(&fd, sockopt::ReceiveTimestampns, &true)?;
        match family {
            Family::V4 => {
                setsockopt(&fd, sockopt::Ipv4RecvErr, &true)?;
                setsockopt(&fd, sockopt::Ipv4PacketInfo, &true)?;
                setsockopt(&fd, sockopt::Ipv4Tos, &CS6)?;
            }
            Family::V6 => {
                setsockopt(&fd, sockopt::Ipv6RecvErr, &true)?;
                setsockopt(&fd, sockopt::Ipv6RecvPacketInfo, &true)?;
                setsockopt(&fd, sockopt::Ipv6TClass, &CS6)?;
            }
        }
        bind(fd.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(source, 0)))?;
        let control = nix::cmsg_space!(
            libc::in6_pktinfo,
            nix::sys::time::TimeSpec,
            (libc::sock_extended_err, libc::sockaddr_in6)
        );
        let sent = vec![None; REMEMBERED];
        Ok(Self { fd, family, source, ifindex, next: 0, sent, unanswered: 0, asking_since_ns: 0, control })
    }

    pub(super) const fn source(&self) -> IpAddr {
        self.source
    }

    pub(super) const fn ifindex(&self) -> u32 {
        self.ifindex
    }

    /// It asked often enough and for long enough, and heard nothing at all.
    pub(super) fn is_deaf(&self) -> bool {
        let silence = clock::boottime_ns().saturating_sub(self.asking_since_ns);
        self.unanswered >= DEAF_AFTER && silence >= DEAF_AFTER_NS
    }

    pub(super) fn send(&mut self, probe: &Probe, nonce: u64) -> nix::Result<()> {
        self.next = self.next.wrapping_add(1);
        let echo = Echo { wire: self.next, nonce };
        let bytes = echo::request(probe, echo);
        let (realtime_ns, boottime_ns) = (clock::realtime_ns(), clock::boottime_ns());
        let place = usize::from(echo.wire) % REMEMBERED;
        self.sent[place] = Some(Sent { echo, probe: *probe, realtime_ns, boottime_ns });
        if self.unanswered == 0 {
            self.asking_since_ns = boottime_ns;
        }
        self.unanswered = self.unanswered.saturating_add(1);
        let result = self.transmit(probe.target, &bytes);
        if result.is_err() {
            self.sent[place] = None;
        }
        result
    }

    /// An error of an earlier probe waits in the socket and would be taken for this one's: the
    /// second attempt tells the truth.
    fn transmit(&self, target: IpAddr, bytes: &[u8]) -> nix::Result<()> {
        let to = SockaddrStorage::from(SocketAddr::new(target, 0));
        let attempt = || sendto(self.fd.as_raw_fd(), bytes, &to, MsgFlags::MSG_DONTWAIT).map(drop);
        attempt().or_else(|first| match getsockopt(&self.fd, sockopt::SocketError) {
            Ok(_) => attempt(),
            Err(_) => Err(first),
        })
    }

    /// Empties the socket and its error queue, at most [`MESSAGES`] of each.
    pub(super) fn receive(&mut self, outcomes: &mut Vec<ProbeOutcome>, counts: &mut PingCounts) {
        for queue in [MsgFlags::MSG_ERRQUEUE, MsgFlags::empty()] {
            for _ in 0..MESSAGES {
                let mut bytes = [0; 256];
                match self.message(&mut bytes, queue) {
                    Ok((length, from, notes)) => {
                        self.unanswered = 0;
                        let message = &bytes[..length.min(256)];
                        let found = match notes.router {
                            Some(router) => self.refused(message, router, counts),
                            None => self.answered(message, from, &notes, counts),
                        };
                        outcomes.extend(found);
                    }
                    Err(Errno::EAGAIN) => break,
                    // The error of an earlier probe; its details are in the error queue.
                    Err(_) => {}
                }
            }
        }
    }

    fn message(&mut self, bytes: &mut [u8], queue: MsgFlags) -> nix::Result<(usize, Option<IpAddr>, Notes)> {
        let mut slices = [IoSliceMut::new(bytes)];
        let flags = queue | MsgFlags::MSG_DONTWAIT;
        let received =
            recvmsg::<SockaddrStorage>(self.fd.as_raw_fd(), &mut slices, Some(&mut self.control), flags)?;
        let from = received.address.as_ref().and_then(ip);
        let mut notes = Notes::default();
        // Cut-off notes prove nothing: the message then counts as one from an unknown interface.
        for note in received.cmsgs().into_iter().flatten() {
            notes.add(&note);
        }
        Ok((received.bytes, from, notes))
    }

    fn answered(
        &mut self,
        message: &[u8],
        from: Option<IpAddr>,
        notes: &Notes,
        counts: &mut PingCounts,
    ) -> Option<ProbeOutcome> {
        let Some(echo) = echo::reply(self.family, message) else {
            counts.wrong_sender += 1;
            return None;
        };
        let place = usize::from(echo.wire) % REMEMBERED;
        let Some(sent) = self.sent[place].filter(|s| s.echo.wire == echo.wire) else {
            counts.unknown += 1;
            return None;
        };
        if sent.echo.nonce != echo.nonce || from != Some(sent.probe.target) {
            counts.wrong_sender += 1;
            return None;
        }
        if notes.ifindex != Some(self.ifindex) {
            counts.wrong_interface += 1;
            return None;
        }
        self.sent[place] = None;
        let rtt_us = sent.round_trip_us(notes.stamp_ns);
        Some(outcome(&sent.probe, ProbeResult::Answered { rtt_us }))
    }

    fn refused(
        &mut self,
        quoted: &[u8],
        (origin, kind, code): (u8, u8, u8),
        counts: &mut PingCounts,
    ) -> Option<ProbeOutcome> {
        let by_router = matches!(origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6);
        let wire = echo::wire(quoted).filter(|_| by_router && echo::is_certain(self.family, kind, code));
        let Some(wire) = wire else {
            counts.uncertain += 1;
            return None;
        };
        let place = usize::from(wire) % REMEMBERED;
        let Some(sent) = self.sent[place].filter(|s| s.echo.wire == wire) else {
            counts.unknown += 1;
            return None;
        };
        if echo::nonce(quoted).is_some_and(|nonce| nonce != sent.echo.nonce) {
            counts.wrong_sender += 1;
            return None;
        }
        self.sent[place] = None;
        Some(outcome(&sent.probe, ProbeResult::Failed(Failure::Unreachable)))
    }
}

impl AsFd for EchoSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Sent {
    /// From our clock before sending to the kernel's stamp on arrival. If somebody set the wall
    /// clock in between, the boot clock bounds the truth.
    fn round_trip_us(&self, stamp_ns: Option<u64>) -> u32 {
        let at_most = clock::boottime_ns().saturating_sub(self.boottime_ns);
        let stamped = stamp_ns.and_then(|stamp| stamp.checked_sub(self.realtime_ns));
        let ns = stamped.filter(|ns| *ns <= at_most).unwrap_or(at_most);
        u32::try_from(ns / 1_000).unwrap_or(u32::MAX)
    }
}

impl Notes {
    fn add(&mut self, note: &ControlMessageOwned) {
        #[allow(clippy::wildcard_enum_match_arm, reason = "the kernel's vocabulary is open")]
        match note {
            ControlMessageOwned::Ipv4PacketInfo(info) => self.ifindex = u32::try_from(info.ipi_ifindex).ok(),
            ControlMessageOwned::Ipv6PacketInfo(info) => self.ifindex = Some(info.ipi6_ifindex),
            ControlMessageOwned::ScmTimestampns(time) => {
                let seconds = u64::try_from(time.tv_sec()).ok();
                let nanos = u64::try_from(time.tv_nsec()).ok();
                self.stamp_ns = seconds.zip(nanos).map(|(s, n)| s * 1_000_000_000 + n);
            }
            ControlMessageOwned::Ipv4RecvErr(error, _) => {
                self.router = Some((error.ee_origin, error.ee_type, error.ee_code));
            }
            ControlMessageOwned::Ipv6RecvErr(error, _) => {
                self.router = Some((error.ee_origin, error.ee_type, error.ee_code));
            }
            _ => {}
        }
    }
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
}
