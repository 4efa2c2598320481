//! A receiving centre of SIA DC-09, to the letter, that can also be made to misbehave.
//!
//! It reads nothing as the product does: checksum, decryption, frames and stamps are its own, and it
//! imports nothing of the product. It forgives nothing: what breaks a rule is not answered and is in
//! the log with the rule's words. It refuses to judge the box's decisions; that is for scenarios.
//!
//! ```text
//!   scenario ── behave, next ──> thread (in a namespace if wanted) <── TCP or UDP ──> box
//!   scenario <── received ─────── log: who, when, what, and what was done with it
//! ```

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

mod behaviour;
mod frame;
mod ledger;
mod secret;
mod serve;
mod socket;
mod stamp;

use crate::observer::in_namespace;
use secret::Secret;
use serve::{Order, Server};

pub use behaviour::Behaviour;
pub use frame::Frame;
pub use ledger::{Event, events, faults};
pub use serve::Received;

/// Where the station listens and what it shares with the box.
#[derive(Clone, Debug)]
pub struct StationOptions {
    /// Its address; port 0: any.
    pub listen: SocketAddr,
    /// TCP or UDP.
    pub transport: Transport,
    /// The network namespace it lives in, for example `/run/netns/x-far`; `None`: the caller's.
    pub namespace: Option<PathBuf>,
    /// The key's octets: 16, 24 or 32. `None`: frames come in clear.
    pub key: Option<Vec<u8>>,
    /// Its clock is ahead of the machine's by so many seconds.
    pub clock_ahead_s: i64,
}

impl StationOptions {
    /// On the loopback, in clear, with the right time.
    #[must_use]
    pub fn local(transport: Transport) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { listen, transport, namespace: None, key: None, clock_ahead_s: 0 }
    }
}

/// How frames travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A stream.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A running station. Dropping it closes everything it has open.
pub struct StrictStation {
    address: SocketAddr,
    orders: Option<SyncSender<Order>>,
    wake: UnixStream,
    notes: Receiver<Received>,
    received: Vec<Received>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl StrictStation {
    /// Listens from here on.
    ///
    /// # Errors
    /// When it cannot listen, enter the namespace, or use the key.
    pub fn start(options: StationOptions) -> Result<Self> {
        let (orders, to_obey) = sync_channel(MAX_ORDERS);
        let (notes_in, notes) = sync_channel(MAX_LOG);
        let (wake, woken) = UnixStream::pair().context("no socket pair for the station")?;
        woken.set_nonblocking(true)?;
        let secret = options.key.as_deref().map(Secret::new).transpose()?;
        let (tell, told) = sync_channel(1);
        let namespace = options.namespace.clone();
        let prepare = move || {
            let server = Server::listen(&options, secret, to_obey, woken, notes_in)?;
            tell.send(server.address()?).map_err(|_| anyhow!("nobody waits for the station"))?;
            Ok(server)
        };
        let thread = in_namespace("strict-station", namespace.as_deref(), prepare, Server::serve)?;
        let address = told.recv().context("the station ended at once")?;
        let orders = Some(orders);
        Ok(Self { address, orders, wake, notes, received: Vec::new(), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// It listens; it ends by itself only by a fault of its own.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// What is done with signals from here on, unless [`Self::next`] says otherwise.
    ///
    /// # Errors
    /// When the station has ended.
    pub fn behave(&self, what: Behaviour) -> Result<()> {
        self.order(Order::Signals(what))
    }

    /// What is done with signs of life from here on.
    ///
    /// # Errors
    /// When the station has ended.
    pub fn behave_at_signs_of_life(&self, what: Behaviour) -> Result<()> {
        self.order(Order::SignsOfLife(what))
    }

    /// What is done with the signals that come next, one for each.
    ///
    /// # Errors
    /// When the station has ended.
    pub fn next(&self, script: impl IntoIterator<Item = Behaviour>) -> Result<()> {
        script.into_iter().try_for_each(|what| self.order(Order::NextSignal(what)))
    }

    /// Sets how far its clock is ahead of the machine's, seconds.
    ///
    /// # Errors
    /// When the station has ended.
    pub fn set_clock_ahead(&self, seconds: i64) -> Result<()> {
        self.order(Order::ClockAhead(seconds))
    }

    /// Closes every connection (TCP).
    ///
    /// # Errors
    /// When the station has ended.
    pub fn hang_up(&self) -> Result<()> {
        self.order(Order::HangUp)
    }

    /// Everything that came so far, in its order.
    pub fn received(&mut self) -> &[Received] {
        self.received.extend(self.notes.try_iter());
        &self.received
    }

    /// Waits until the log shows what is wanted.
    ///
    /// # Errors
    /// When that takes too long or the station ended.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&[Received]) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = wanted(self.received()) {
                return Ok(found);
            }
            match self.notes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(received) => self.received.push(received),
                Err(RecvTimeoutError::Disconnected) => bail!("the station ended before there was {what}"),
                Err(RecvTimeoutError::Timeout) => {
                    let tail: Vec<String> = self.received.iter().rev().take(5).map(Received::words).collect();
                    bail!("no {what} within {within:?}; the latest of {}: {tail:#?}", self.received.len())
                }
            }
        }
    }

    /// What came must keep the rules, and something must have come.
    ///
    /// # Errors
    /// With every broken rule.
    pub fn judge(&mut self) -> Result<()> {
        let received = self.received();
        ensure!(!received.is_empty(), "nothing came to the station: nothing is proved");
        let faults = faults(received);
        ensure!(faults.is_empty(), "{} rules broken:\n{}", faults.len(), faults.join("\n"));
        ensure!(received.len() < MAX_LOG, "the log is full: what came later was not judged");
        Ok(())
    }

    fn order(&self, order: Order) -> Result<()> {
        let orders = self.orders.as_ref().context("the station is being dropped")?;
        orders.send(order).map_err(|_| anyhow!("the station has ended"))?;
        (&self.wake).write_all(&[0]).context("the station has ended")
    }
}

impl Drop for StrictStation {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It may have ended by a fault of its own; that is told below.
        (&self.wake).write_all(&[0]).ok();
        let ended = self.thread.take().map(JoinHandle::join);
        if let Some(Ok(Err(error))) = ended {
            eprintln!("the strict station had ended: {error:#}");
        }
    }
}

/// Orders that wait for the thread.
const MAX_ORDERS: usize = 1_024;
/// Frames kept in the log until somebody reads it.
const MAX_LOG: usize = 100_000;

#[cfg(test)]
mod tests;
