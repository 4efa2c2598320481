//! The kernel's network side: routes and probes on the loop's own thread, links on a thread beside.
//!
//! ```text
//!            loop                                        thread "net"
//!  apply ──> Router ──> kernel          facts of links <── LinkWatch <── kernel's notices, polls
//!  send_probe ──> Pinger ──> wire       "look again" ────────┘  Firewall (loads again), Flows
//!  next_outcome <── Pinger, repairs     flush_flows ──────────> Flows
//! ```
//! Router and shadow have one owner, the loop: the thread only says that something may have
//! changed, and the loop compares. Nothing here decides what carries traffic; nothing waits for a
//! full channel.

mod watcher;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use appliance::NetEvent;
use hal::{Family, LinkId};
use hal_linux::links::Cause;
use hal_linux::nft::{Firewall, NftError};
use hal_linux::ping::{PingCounts, PingError, Pinger};
use hal_linux::router::{Performed, Router, RouterError};
use hal_linux::sysctl::{SysctlError, Sysctls};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use wan::{Probe, ProbeOutcome, RoutePlan, RoutesApplied};

pub use hal_linux::links::WatchedLink as NetLink;

/// Outcomes that wait for the loop; the oldest gives way, which makes it a lost probe.
const MAX_OUTCOMES: usize = 1_024;

/// What the port must know of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetConfig {
    /// The LAN's interface.
    pub lan: String,
    /// The links; ids are distinct.
    pub links: Vec<NetLink>,
    /// Drawn once for the process: the probes' nonces come from it.
    pub seed: u64,
}

/// The network side cannot be opened, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A kernel setting.
    #[error(transparent)]
    Setting(#[from] SysctlError),
    /// The firewall.
    #[error(transparent)]
    Firewall(#[from] NftError),
    /// Tables and rules.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// Echo sockets.
    #[error(transparent)]
    Ping(#[from] PingError),
    /// Something of the process itself.
    #[error("network side: {what}: {source}")]
    Process {
        /// Which step.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The thread that watches links is gone.
    #[error("network side: the thread that watches the links failed too often and ended; restart the daemon")]
    WatchEnded,
}

/// The network side of the box. Dropping it ends its thread and leaves routes, rules and firewall.
#[derive(Debug)]
pub struct NetPort {
    router: Router,
    adopted: (Option<LinkId>, Option<LinkId>),
    pinger: AsyncFd<Pinger>,
    outcomes: VecDeque<ProbeOutcome>,
    events: Sender<NetEvent>,
    repairs: Receiver<Cause>,
    refused_last: Vec<String>,
    /// `None` only while the port is being dropped.
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl NetPort {
    /// Makes the kernel ready, adopts what it routes already and begins to watch the links.
    ///
    /// `events` gets the facts of every link once, and whenever any of them changed; repairs and
    /// refusals in words. Needs a tokio runtime, root rights and `nft`.
    pub fn open(config: NetConfig, events: Sender<NetEvent>) -> Result<Self, NetError> {
        let sysctls = Sysctls::default();
        for link in &config.links {
            sysctls.prepare_wan(&link.interface)?;
        }
        sysctls.prepare_router()?;
        let firewall = Firewall::new(&config.lan, &config.links);
        let loaded_by = firewall.load()?;
        let (mut router, performed) = Router::open(&config.links)?;
        let adopted = (router.adopted(Family::V4), router.adopted(Family::V6));
        let process = |what| move |source| NetError::Process { what, source };
        let pinger = register(Pinger::new(config.seed)?).map_err(process("cannot wait for probes"))?;
        let (repairs_sender, repairs) = channel(1);
        let (wake, woken) = UnixStream::pair().map_err(process("no socket pair"))?;
        for end in [&wake, &woken] {
            end.set_nonblocking(true).map_err(process("no socket pair"))?;
        }
        let watcher = watcher::Watcher {
            links: config.links,
            own_port: router.port(),
            firewall,
            loaded_by,
            events: events.clone(),
            repairs: repairs_sender,
            woken,
        };
        let thread = watcher.start().map_err(process("no thread"))?;
        let mut port = Self {
            router,
            adopted,
            pinger,
            outcomes: VecDeque::new(),
            events,
            repairs,
            refused_last: Vec::new(),
            wake: Some(wake),
            thread: Some(thread),
        };
        port.tell_refused(performed);
        Ok(port)
    }

    /// The links that the kernel already routed by at start (IPv4, IPv6).
    #[must_use]
    pub const fn adopted(&self) -> (Option<LinkId>, Option<LinkId>) {
        self.adopted
    }

    /// Makes the kernel look like the plan: the switch first, then everything else. Some ten
    /// microseconds per route, on the caller's thread.
    pub fn apply(&mut self, plan: &RoutePlan) -> RoutesApplied {
        let (applied, performed) = self.router.apply(plan);
        self.pinger.get_mut().set_paths(&plan.tables);
        for words in &performed.waiting {
            tracing::debug!(%words, "waits for its interface");
        }
        self.tell_refused(performed);
        applied
    }

    /// Sends one echo request; whatever becomes of it comes from [`Self::next_outcome`].
    pub fn send_probe(&mut self, probe: &Probe) {
        if let Some(failed) = self.pinger.get_mut().send(probe) {
            self.push(failed);
        }
    }

    /// Forgets the flows of a link, soon, off the loop's thread.
    pub fn flush_flows(&self, link: LinkId) {
        if let Some(mut wake) = self.wake.as_ref() {
            // The socket holds some hundred requests; where it is full, this link's is among them
            // or the thread is gone, and next_outcome says so.
            let _full = wake.write(&[link.number()]);
        }
    }

    /// What became of a probe. Cancelling loses nothing. Repairs are made here as well: whoever
    /// stops calling this stops repairing.
    pub async fn next_outcome(&mut self) -> Result<ProbeOutcome, NetError> {
        loop {
            if let Some(outcome) = self.outcomes.pop_front() {
                return Ok(outcome);
            }
            let mut received = Vec::new();
            tokio::select! {
                biased;
                ready = self.pinger.readable_mut() => {
                    let mut ready =
                        ready.map_err(|source| NetError::Process { what: "cannot wait for probes", source })?;
                    if ready.get_inner_mut().receive(&mut received) {
                        ready.clear_ready();
                    }
                }
                cause = self.repairs.recv() => self.repair(cause.ok_or(NetError::WatchEnded)?),
            }
            received.into_iter().for_each(|outcome| self.push(outcome));
        }
    }

    /// Replies that did not count.
    #[must_use]
    pub fn ping_counts(&self) -> PingCounts {
        self.pinger.get_ref().counts()
    }

    fn push(&mut self, outcome: ProbeOutcome) {
        if self.outcomes.len() == MAX_OUTCOMES {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(outcome);
    }

    /// What the kernel itself took away with an interface is no repair to be told, and what cannot
    /// be put back yet is for the next plan.
    fn repair(&mut self, cause: Cause) {
        match self.router.reconcile() {
            Ok(_) if cause == Cause::Kernel => {}
            Ok(mut performed) => {
                for what in performed.done.drain(..) {
                    self.tell(NetEvent::Repaired { what });
                }
                self.tell_refused(performed);
            }
            Err(error) => {
                self.tell_refused(Performed { refused: vec![error.to_string()], ..Performed::default() });
            }
        }
    }

    /// The same refusals one after the other are told once, and once that there are none any more.
    fn tell_refused(&mut self, performed: Performed) {
        if performed.refused == self.refused_last {
            return;
        }
        self.refused_last = performed.refused;
        if self.refused_last.is_empty() {
            self.tell(NetEvent::NothingRefused);
        }
        for what in self.refused_last.clone() {
            self.tell(NetEvent::Refused { what });
        }
    }

    fn tell(&self, event: NetEvent) {
        if let Err(error) = self.events.try_send(event) {
            tracing::debug!(%error, "a network event was not told");
        }
    }
}

impl Drop for NetPort {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            if thread.join().is_err() {
                tracing::error!("the thread that watches the links had panicked");
            }
        }
    }
}

#[allow(unsafe_code)]
fn register(pinger: Pinger) -> io::Result<AsyncFd<Pinger>> {
    // SAFETY: a pinger opens its descriptor when it is made, owns it until it is dropped and always
    // answers with that one; nothing here puts another pinger in its place.
    let registered = unsafe { AsyncFd::register_with_interest(pinger, Interest::READABLE) };
    registered.map_err(|error| error.into_parts().1)
}

#[cfg(test)]
mod tests;
