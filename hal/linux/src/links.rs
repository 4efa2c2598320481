//! The truth about every configured link, re-read whenever a doorbell rings or a poll differs.
//!
//! ```text
//!  multicast groups ─┐
//!  75 ms GETLINK ────┼─> stale links ─> read interface, addresses, gateway ─> LinkFacts if changed
//!  30 s for all ─────┘
//! ```
//! Links are known by interface name: the number changes with every redial or replug. A notice is
//! never believed, only what is read after it. The kernel holds a second loss of carrier within a
//! second back, a poll sees it at once. Nothing here judges a link.

mod choice;

use core::time::Duration;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

use hal::{Family, LinkId, Tick};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use wan::{Addressing, LinkFacts};

use crate::clock;
use crate::netlink::groups::{Bell, Groups};
use crate::netlink::{Interface, NetlinkError, Session};
use crate::routing::ACTIVE_TABLE;

/// Between two polls of the interfaces.
pub const POLL_EVERY: Duration = Duration::from_millis(75);
/// Between two complete readings without any cause.
pub const READ_ALL_EVERY: Duration = Duration::from_secs(30);

/// A link as the site file describes it to the kernel's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedLink {
    /// Which link.
    pub link: LinkId,
    /// The kernel's name of its interface.
    pub interface: String,
    /// `None`: from the default route in `main`.
    pub gateway4: Option<Ipv4Addr>,
    /// `None`: from the default route in `main`.
    pub gateway6: Option<Ipv6Addr>,
}

impl WatchedLink {
    fn gateway(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.gateway4.map(IpAddr::V4),
            Family::V6 => self.gateway6.map(IpAddr::V6),
        }
    }
}

/// What a turn found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The facts of every link that changed.
    pub facts: Vec<LinkFacts>,
    /// Our routes and rules want to be compared with the plan.
    pub routing: Option<Cause>,
    /// Somebody else touched this nftables table of ours, or may have.
    pub firewall: bool,
}

/// Why routes and rules want to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The kernel itself adds and removes routes when interfaces and addresses come and go.
    Kernel,
    /// It is time for a complete reading.
    Routine,
    /// Somebody else changed them, or notices were lost.
    Foreign,
}

/// Watches the configured links.
#[derive(Debug)]
pub struct LinkWatch {
    session: Session,
    routing: Groups,
    firewall: Groups,
    links: Vec<Watched>,
    own_port: u32,
    firewall_table: String,
    firewall_touched: bool,
    own_firewall_process: Option<u32>,
    found: Changes,
    next_poll: Tick,
    next_read: Tick,
}

#[derive(Debug)]
struct Watched {
    link: WatchedLink,
    interface: Option<Interface>,
    facts: Option<LinkFacts>,
    stale: bool,
}

impl LinkWatch {
    /// Starts to watch. The first turn tells the facts of every link.
    ///
    /// Changes of routes and rules by netlink port `own_port` are our own; `firewall_table` is the
    /// nftables table that nobody else should touch.
    pub fn open(links: &[WatchedLink], own_port: u32, firewall_table: &str) -> Result<Self, NetlinkError> {
        let watched =
            |link: &WatchedLink| Watched { link: link.clone(), interface: None, facts: None, stale: true };
        Ok(Self {
            session: Session::open()?,
            routing: Groups::routing()?,
            firewall: Groups::firewall()?,
            links: links.iter().map(watched).collect(),
            own_port,
            firewall_table: firewall_table.to_owned(),
            firewall_touched: false,
            own_firewall_process: None,
            found: Changes::default(),
            next_poll: Tick::ZERO,
            next_read: clock::tick() + READ_ALL_EVERY,
        })
    }

    /// Changes of the firewall by this process are our own.
    pub const fn expect_firewall_change_by(&mut self, process: u32) {
        self.own_firewall_process = Some(process);
    }

    /// Sleeps until a doorbell rings, `wake` is readable or the next poll is due; tells whether
    /// `wake` is readable.
    pub fn wait(&self, wake: BorrowedFd<'_>) -> io::Result<bool> {
        let left = self.next_poll.since(clock::tick());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut fds = [
            PollFd::new(wake, PollFlags::POLLIN),
            PollFd::new(self.routing.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.firewall.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, timeout) {
            Ok(_) => Ok(fds[0].any().unwrap_or(false)),
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at everything that rang, polls if it is time, and tells what changed. Never blocks.
    ///
    /// After an error nothing is lost: what was found is told by the next turn that succeeds.
    pub fn turn(&mut self) -> Result<Changes, NetlinkError> {
        self.hear_firewall()?;
        for bell in self.routing.rung()? {
            self.hear(&bell);
        }
        let now = clock::tick();
        if now >= self.next_poll {
            self.next_poll = now + POLL_EVERY;
            self.poll_interfaces()?;
        }
        if now >= self.next_read {
            self.next_read = now + READ_ALL_EVERY;
            self.links.iter_mut().for_each(|l| l.stale = true);
            self.compare_routing(Cause::Routine);
        }
        self.read_stale()?;
        Ok(core::mem::take(&mut self.found))
    }

    fn compare_routing(&mut self, cause: Cause) {
        self.found.routing = self.found.routing.max(Some(cause));
    }

    fn hear(&mut self, bell: &Bell) {
        let concerned = |w: &Watched| match bell {
            Bell::Interface { ifindex, name } => {
                w.is_number(*ifindex) || name.as_deref() == Some(w.link.interface.as_str())
            }
            Bell::Address { ifindex } | Bell::DefaultInMain { ifindex: Some(ifindex) } => {
                w.is_number(*ifindex)
            }
            Bell::DefaultInMain { ifindex: None } | Bell::Lost => true,
            Bell::Routing { .. } | Bell::Firewall { .. } | Bell::FirewallDone { .. } => false,
        };
        self.links.iter_mut().for_each(|w| w.stale |= concerned(w));
        match bell {
            Bell::Lost => self.compare_routing(Cause::Foreign),
            Bell::Routing { table, by } if self.is_ours(*table) && *by != self.own_port => {
                self.compare_routing(if *by == 0 { Cause::Kernel } else { Cause::Foreign });
            }
            Bell::Routing { .. }
            | Bell::Interface { .. }
            | Bell::Address { .. }
            | Bell::DefaultInMain { .. }
            | Bell::Firewall { .. }
            | Bell::FirewallDone { .. } => {}
        }
    }

    /// Rules name no table of ours in their notice, so any of them may be ours.
    fn is_ours(&self, table: Option<u32>) -> bool {
        let Some(table) = table else { return true };
        table == ACTIVE_TABLE || self.links.iter().any(|w| w.link.link.table() == table)
    }

    fn hear_firewall(&mut self) -> Result<(), NetlinkError> {
        for bell in self.firewall.rung()? {
            match bell {
                Bell::Firewall { table } => self.firewall_touched |= table == self.firewall_table,
                Bell::FirewallDone { process } => {
                    let own = process.is_some() && process == self.own_firewall_process;
                    self.found.firewall |= core::mem::take(&mut self.firewall_touched) && !own;
                }
                Bell::Lost => self.found.firewall = true,
                Bell::Interface { .. }
                | Bell::Address { .. }
                | Bell::DefaultInMain { .. }
                | Bell::Routing { .. } => {}
            }
        }
        Ok(())
    }

    fn poll_interfaces(&mut self) -> Result<(), NetlinkError> {
        for watched in &mut self.links {
            watched.stale |= self.session.interface(&watched.link.interface)? != watched.interface;
        }
        Ok(())
    }

    fn read_stale(&mut self) -> Result<(), NetlinkError> {
        for watched in self.links.iter_mut().filter(|w| w.stale) {
            let facts = watched.read(&mut self.session)?;
            watched.stale = false;
            if watched.facts.as_ref() != Some(&facts) {
                watched.facts = Some(facts.clone());
                self.found.facts.push(facts);
                self.found.routing = self.found.routing.max(Some(Cause::Kernel));
            }
        }
        Ok(())
    }
}

impl Watched {
    fn is_number(&self, ifindex: u32) -> bool {
        self.interface.is_some_and(|i| i.ifindex == ifindex)
    }

    fn read(&mut self, session: &mut Session) -> Result<LinkFacts, NetlinkError> {
        self.interface = session.interface(&self.link.interface)?;
        let link = self.link.link;
        let Some(interface) = self.interface else {
            return Ok(LinkFacts { link, ifindex: None, carrier: false, v4: None, v6: None });
        };
        let addresses = session.addresses(interface.ifindex)?;
        let mut addressing = |family: Family| -> Result<Option<Addressing>, NetlinkError> {
            let gateway = match self.link.gateway(family) {
                Some(gateway) => Some(gateway),
                None => session.gateway_in_main(family, interface.ifindex)?,
            };
            if gateway.is_none() && !interface.point_to_point {
                return Ok(None);
            }
            let current = self.facts.as_ref().and_then(|f| f.addressing(family)).map(|a| a.source);
            let source = choice::source(family, &addresses, gateway, current);
            Ok(source.map(|source| Addressing { source, gateway }))
        };
        let (v4, v6) = (addressing(Family::V4)?, addressing(Family::V6)?);
        Ok(LinkFacts { link, ifindex: Some(interface.ifindex), carrier: interface.carrier, v4, v6 })
    }
}
