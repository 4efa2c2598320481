//! Echo requests by a given link, and what became of them.
//!
//! A socket per link and family carries the link's mark and the link's address, and is *not* bound
//! to the device: a device-bound socket without a route asks the neighbours for the target and
//! believes a proxy-ARP gateway. That a reply came in on the link is proved by `IP_PKTINFO`.
//! Nothing here times a probe out: no reply is no outcome.

mod echo;
mod socket;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use hal::{Family, LinkId};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use wan::{Failure, Hop, Probe, ProbeOutcome, ProbeResult};

use socket::EchoSocket;

/// A socket that got nothing back for so many probes and so long is opened again: it may be alive
/// but deaf.
const DEAF_AFTER: u32 = 10;
const DEAF_AFTER_NS: u64 = 5_000_000_000;

/// Events taken from the kernel at once; the rest stays readable.
const EVENTS: usize = 16;

/// Rounds of events per call: a flood of replies must not hold the caller.
const ROUNDS: usize = 8;

/// Echo sockets cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// No epoll instance.
    #[error("ping: cannot wait for replies: {0}; raise the limit of open files")]
    Epoll(Errno),
}

/// What came in and was not counted as an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingCounts {
    /// By another interface than the probe's link, or by an unknown one.
    pub wrong_interface: u64,
    /// Not from the target, or with another nonce.
    pub wrong_sender: u64,
    /// Answered before, or too late to be remembered.
    pub unknown: u64,
    /// Router messages that say nothing certain.
    pub uncertain: u64,
    /// Sockets opened again because nothing ever came back.
    pub reopened: u64,
}

/// All echo sockets. Readable (as a file descriptor) when [`Pinger::receive`] has something to do.
#[derive(Debug)]
pub struct Pinger {
    epoll: Epoll,
    paths: BTreeMap<(LinkId, Family), Path>,
    sockets: BTreeMap<(LinkId, Family), EchoSocket>,
    nonces: Nonces,
    counts: PingCounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Path {
    source: IpAddr,
    ifindex: u32,
}

impl Pinger {
    /// `seed` is secret: whoever guesses it can forge replies from a target's address.
    pub fn new(seed: u64) -> Result<Self, PingError> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(PingError::Epoll)?;
        let nonces = Nonces { seed, drawn: 0 };
        let (paths, sockets) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { epoll, paths, sockets, nonces, counts: PingCounts::default() })
    }

    /// The links that have a table, as the kernel has acknowledged them. Sockets of links whose
    /// address or interface changed are opened again; probes under way on those are lost.
    pub fn set_paths(&mut self, tables: &[Hop]) {
        let path = |hop: &Hop| Path { source: hop.source, ifindex: hop.ifindex };
        self.paths = tables.iter().map(|hop| ((hop.link, hop.family()), path(hop))).collect();
        let paths = &self.paths;
        self.sockets.retain(|key, socket| {
            paths.get(key).is_some_and(|p| p.source == socket.source() && p.ifindex == socket.ifindex())
        });
    }

    /// Sends one probe. `Some` if it is certain at once that no answer will come.
    pub fn send(&mut self, probe: &Probe) -> Option<ProbeOutcome> {
        let sent = self.try_send(probe);
        sent.err().map(|failure| outcome(probe, ProbeResult::Failed(failure)))
    }

    fn try_send(&mut self, probe: &Probe) -> Result<(), Failure> {
        let key = (probe.link, Family::of(&probe.target));
        let path = *self.paths.get(&key).ok_or(Failure::NoRoute)?;
        let unfit = |s: &EchoSocket| s.source() != probe.source || s.is_deaf();
        if self.sockets.get(&key).is_some_and(unfit) {
            let deaf = self.sockets.remove(&key).is_some_and(|s| s.source() == probe.source);
            self.counts.reopened += u64::from(deaf);
        }
        if !self.sockets.contains_key(&key) {
            let socket = self.open(probe, path.ifindex)?;
            self.sockets.insert(key, socket);
        }
        let socket = self.sockets.get_mut(&key).expect("it was inserted if it was missing");
        match socket.send(probe, self.nonces.next()) {
            Ok(()) => Ok(()),
            Err(Errno::ENETUNREACH | Errno::EHOSTUNREACH) => Err(Failure::NoRoute),
            Err(error) => {
                tracing::debug!(link = %probe.link, target = %probe.target, %error, "probe not sent");
                if error != Errno::EAGAIN && error != Errno::ENOBUFS {
                    self.sockets.remove(&key);
                }
                Err(Failure::Socket)
            }
        }
    }

    fn open(&self, probe: &Probe, ifindex: u32) -> Result<EchoSocket, Failure> {
        let opened = EchoSocket::open(probe.link, probe.source, ifindex).and_then(|socket| {
            let interest = EpollEvent::new(EpollFlags::EPOLLIN, token(probe.link, Family::of(&probe.source)));
            self.epoll.add(&socket, interest)?;
            Ok(socket)
        });
        opened.map_err(|error| {
            tracing::debug!(link = %probe.link, source = %probe.source, %error, "no echo socket");
            Failure::Socket
        })
    }

    /// Takes what came in, at most some hundred messages, and appends the outcomes. `false` if
    /// there may be more.
    pub fn receive(&mut self, outcomes: &mut Vec<ProbeOutcome>) -> bool {
        let Self { epoll, sockets, counts, .. } = self;
        for _ in 0..ROUNDS {
            let mut events = [EpollEvent::empty(); EVENTS];
            let ready = epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            if ready == 0 {
                return true;
            }
            for event in &events[..ready] {
                let key = from_token(event.data());
                if let Some(socket) = key.and_then(|key| sockets.get_mut(&key)) {
                    socket.receive(outcomes, counts);
                }
            }
        }
        false
    }

    /// What came in and did not count.
    #[must_use]
    pub const fn counts(&self) -> PingCounts {
        self.counts
    }
}

impl AsFd for Pinger {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

impl AsRawFd for Pinger {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.0.as_raw_fd()
    }
}

const fn outcome(probe: &Probe, result: ProbeResult) -> ProbeOutcome {
    ProbeOutcome { link: probe.link, target: probe.target, sequence: probe.sequence, result }
}

fn token(link: LinkId, family: Family) -> u64 {
    let family = match family {
        Family::V4 => 0,
        Family::V6 => 1,
    };
    u64::from(link.number()) << 1 | family
}

fn from_token(token: u64) -> Option<(LinkId, Family)> {
    let link = LinkId::new(u8::try_from(token >> 1).ok()?)?;
    Some((link, if token & 1 == 0 { Family::V4 } else { Family::V6 }))
}

/// A different number for every probe, not to be guessed without the seed (SplitMix64).
#[derive(Debug)]
struct Nonces {
    seed: u64,
    drawn: u64,
}

impl Nonces {
    const fn next(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let mut z = self.seed.wrapping_add(self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_name_link_and_family() {
        for n in 1..=LinkId::MAX {
            for family in Family::BOTH {
                let link = LinkId::new(n).unwrap();
                assert_eq!(from_token(token(link, family)), Some((link, family)));
            }
        }
        assert_eq!(from_token(0), None);
        assert_eq!(from_token(u64::MAX), None);
    }

    #[test]
    fn a_probe_on_a_link_without_a_table_has_no_route() {
        let mut pinger = Pinger::new(1).unwrap();
        let link = LinkId::new(1).unwrap();
        let local: IpAddr = "127.0.0.1".parse().unwrap();
        let probe = Probe { link, source: local, target: local, sequence: 7 };

        let failed = pinger.send(&probe).unwrap();

        assert_eq!(failed.result, ProbeResult::Failed(Failure::NoRoute));
        assert_eq!(failed.sequence, 7);
    }

    #[test]
    fn nonces_differ_from_probe_to_probe_and_from_seed_to_seed() {
        let draw = |seed| {
            let mut nonces = Nonces { seed, drawn: 0 };
            (0..1_000).map(|_| nonces.next()).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(draw(1).len(), 1_000);
        assert!(draw(1).is_disjoint(&draw(2)));
    }
}
