//! The thread beside the loop: watches links, keeps the firewall in force, forgets flows.
//!
//! It never waits for the loop: facts that do not fit into the channel are told with the next turn,
//! the latest of each link. A failure is tried again with a pause; five within ten minutes end the
//! thread, and the port says so.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

use appliance::NetEvent;
use hal::{LinkId, Tick};
use hal_linux::clock;
use hal_linux::links::{Cause, Changes, LinkWatch};
use hal_linux::netlink::NetlinkError;
use hal_linux::netlink::conntrack::Flows;
use hal_linux::nft::{Firewall, TABLE};
use hal_linux::sysctl::Sysctls;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use wan::LinkFacts;

use super::NetLink;

/// So many failures within [`FAILURES_WITHIN`] are more than bad luck.
const MAX_FAILURES: usize = 5;
const FAILURES_WITHIN: Duration = Duration::from_secs(600);
/// Between a failure and the next attempt.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two loads of the firewall: another program that keeps flushing it must not keep us busy.
const FIREWALL_PAUSE: Duration = Duration::from_secs(1);
/// Words that wait for room in the channel; the oldest give way.
const MAX_WORDS: usize = 32;

/// What the thread is given.
pub(super) struct Watcher {
    pub(super) links: Vec<NetLink>,
    pub(super) own_port: u32,
    pub(super) firewall: Firewall,
    pub(super) loaded_by: u32,
    pub(super) events: Sender<NetEvent>,
    pub(super) repairs: Sender<Cause>,
    pub(super) woken: UnixStream,
}

/// Why a run ended.
enum End {
    /// Nobody wants it any more.
    Stop,
    /// It failed; the words are for the log.
    Failed(String),
}

impl Watcher {
    /// Starts the thread in the caller's network namespace.
    pub(super) fn start(self) -> io::Result<JoinHandle<()>> {
        Builder::new().name("net".to_owned()).spawn(move || self.run())
    }

    fn run(mut self) {
        let mut failures: VecDeque<Tick> = VecDeque::new();
        loop {
            let end = catch_unwind(AssertUnwindSafe(|| self.watch()));
            let why = match end {
                Ok(End::Stop) => return,
                Ok(End::Failed(why)) => why,
                Err(_) => "a panic".to_owned(),
            };
            tracing::warn!(%why, "watching the links failed; trying again");
            let now = clock::tick();
            failures.retain(|at| now.since(*at) < FAILURES_WITHIN);
            failures.push_back(now);
            if failures.len() >= MAX_FAILURES || self.pause() {
                return;
            }
        }
    }

    /// `true` if the port was dropped meanwhile. A flush that is asked for meanwhile waits.
    fn pause(&self) -> bool {
        // A closed end is always reported; requests are not asked for.
        let mut fds = [PollFd::new(self.woken.as_fd(), PollFlags::empty())];
        let timeout = PollTimeout::try_from(PAUSE).unwrap_or(PollTimeout::ZERO);
        poll(&mut fds, timeout).is_ok_and(|count| count > 0)
    }

    fn watch(&mut self) -> End {
        let mut watching = match self.open() {
            Ok(watching) => watching,
            Err(error) => return End::Failed(error.to_string()),
        };
        loop {
            let woken = match watching.watch.wait(self.woken.as_fd()) {
                Ok(woken) => woken,
                Err(error) => return End::Failed(error.to_string()),
            };
            if woken && !self.take_requests(&mut watching) {
                return End::Stop;
            }
            match watching.watch.turn() {
                Ok(changes) => watching.take(changes),
                Err(error) => return End::Failed(error.to_string()),
            }
            watching.keep_firewall(&self.firewall);
            if watching.tell(&self.events, &self.repairs).is_err() {
                return End::Stop;
            }
        }
    }

    fn open(&self) -> Result<Watching<'_>, NetlinkError> {
        let mut watch = LinkWatch::open(&self.links, self.own_port, TABLE)?;
        watch.expect_firewall_change_by(self.loaded_by);
        Ok(Watching {
            links: &self.links,
            watch,
            flows: Flows::open()?,
            sysctls: Sysctls::default(),
            indices: BTreeMap::new(),
            facts: BTreeMap::new(),
            words: VecDeque::new(),
            repair: None,
            firewall_wanted: false,
            firewall_due: Tick::ZERO,
        })
    }

    /// Link numbers, one byte each; `false` at the end of the stream.
    fn take_requests(&self, watching: &mut Watching<'_>) -> bool {
        let mut bytes = [0; 64];
        let mut asked = BTreeSet::new();
        let open = loop {
            match (&self.woken).read(&mut bytes) {
                Ok(0) => break false,
                Ok(length) => asked.extend(bytes[..length].iter().filter_map(|n| LinkId::new(*n))),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
            }
        };
        asked.into_iter().for_each(|link| watching.forget_flows(link));
        open
    }
}

struct Watching<'a> {
    links: &'a [NetLink],
    watch: LinkWatch,
    flows: Flows,
    sysctls: Sysctls,
    /// The interface number whose settings were made.
    indices: BTreeMap<LinkId, u32>,
    /// Not yet told, the latest of each link.
    facts: BTreeMap<LinkId, LinkFacts>,
    words: VecDeque<NetEvent>,
    repair: Option<Cause>,
    firewall_wanted: bool,
    firewall_due: Tick,
}

impl Watching<'_> {
    fn take(&mut self, changes: Changes) {
        for facts in changes.facts {
            self.settle(&facts);
            self.facts.insert(facts.link, facts);
        }
        self.repair = self.repair.max(changes.routing);
        self.firewall_wanted |= changes.firewall;
    }

    /// An interface that appeared starts with the kernel's defaults.
    fn settle(&mut self, facts: &LinkFacts) {
        let Some(ifindex) = facts.ifindex else {
            self.indices.remove(&facts.link);
            return;
        };
        if self.indices.insert(facts.link, ifindex) == Some(ifindex) {
            return;
        }
        let Some(link) = self.links.iter().find(|l| l.link == facts.link) else { return };
        if let Err(error) = self.sysctls.prepare_wan(&link.interface) {
            self.say(NetEvent::Refused { what: error.to_string() });
        }
    }

    fn forget_flows(&mut self, link: LinkId) {
        match self.flows.forget(link) {
            Ok(took) => tracing::debug!(%link, ?took, "flows forgotten"),
            Err(error) => self.say(NetEvent::Refused { what: format!("{link}: {error}") }),
        }
    }

    fn keep_firewall(&mut self, firewall: &Firewall) {
        let now = clock::tick();
        if !self.firewall_wanted || now < self.firewall_due {
            return;
        }
        self.firewall_due = now + FIREWALL_PAUSE;
        match firewall.load() {
            Ok(process) => {
                self.watch.expect_firewall_change_by(process);
                self.firewall_wanted = false;
                let what = format!("nftables table inet {TABLE} had been changed; it was loaded again");
                self.say(NetEvent::Repaired { what });
            }
            Err(error) => self.say(NetEvent::Refused { what: error.to_string() }),
        }
    }

    fn say(&mut self, event: NetEvent) {
        if self.words.back() == Some(&event) {
            return;
        }
        if self.words.len() == MAX_WORDS {
            self.words.pop_front();
        }
        self.words.push_back(event);
    }

    /// `Err` if nobody listens any more.
    fn tell(&mut self, events: &Sender<NetEvent>, repairs: &Sender<Cause>) -> Result<(), Closed> {
        while let Some((link, facts)) = self.facts.pop_first() {
            if !try_tell(events, NetEvent::Facts(facts.clone()))? {
                self.facts.insert(link, facts);
                return Ok(());
            }
        }
        // Behind the facts: what the kernel took away is best judged by whoever knows them.
        if let Some(cause) = self.repair {
            if try_tell(repairs, cause)? {
                self.repair = None;
            }
        }
        while let Some(event) = self.words.pop_front() {
            if !try_tell(events, event.clone())? {
                self.words.push_front(event);
                return Ok(());
            }
        }
        Ok(())
    }
}

struct Closed;

/// `false` if there is no room.
fn try_tell<T>(to: &Sender<T>, what: T) -> Result<bool, Closed> {
    match to.try_send(what) {
        Ok(()) => Ok(true),
        Err(TrySendError::Full(_)) => Ok(false),
        Err(TrySendError::Closed(_)) => Err(Closed),
    }
}
