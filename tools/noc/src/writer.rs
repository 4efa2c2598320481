//! The thread that owns the store: takes what has come, commits it together, says so.
//!
//! Nothing waits for company: while one commit is on its way to the disk the next gathers, so a
//! quiet collector answers within one fdatasync and a busy one shares it among many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

use crate::message::Delivery;
use crate::store::{Committed, Store, StoreError};
use crate::telling::Telling;

/// Deliveries that wait for the thread.
pub const QUEUE: usize = 4096;

/// Deliveries of one commit.
const MAX_BATCH: usize = 1024;

/// Bytes of one commit.
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Commits that wait to be acknowledged.
const REPORTS: usize = 8;

/// Between two attempts while the disk takes nothing.
const RETRY: Duration = Duration::from_secs(1);

/// A delivery and what to acknowledge once it is kept.
#[derive(Debug)]
pub struct Parcel<T> {
    /// What came.
    pub delivery: Delivery,
    /// What the broker wants to hear of it.
    pub ticket: T,
}

/// What the thread says.
#[derive(Debug)]
pub enum Report<T> {
    /// These are on the disk.
    Committed(Vec<T>, Committed),
    /// The disk takes nothing, or takes again.
    Trouble(Telling),
}

/// The thread and its two channels.
#[derive(Debug)]
pub struct Writer<T> {
    /// To it; dropping it lets it commit what it has and end.
    pub parcels: mpsc::Sender<Parcel<T>>,
    /// From it; ends when it ends.
    pub reports: mpsc::Receiver<Report<T>>,
    /// Set to give up a disk that takes nothing.
    pub give_up: Arc<AtomicBool>,
}

/// Starts the thread.
///
/// # Errors
/// When the system gives none.
pub fn spawn<T: Send + 'static>(store: Store) -> std::io::Result<Writer<T>> {
    let (parcels, from_session) = mpsc::channel(QUEUE);
    let (to_session, reports) = mpsc::channel(REPORTS);
    let give_up = Arc::new(AtomicBool::new(false));
    let thread = Thread { store, from_session, to_session, give_up: Arc::clone(&give_up) };
    std::thread::Builder::new().name("store".to_owned()).spawn(move || thread.run())?;
    Ok(Writer { parcels, reports, give_up })
}

struct Thread<T> {
    store: Store,
    from_session: mpsc::Receiver<Parcel<T>>,
    to_session: mpsc::Sender<Report<T>>,
    give_up: Arc<AtomicBool>,
}

impl<T> Thread<T> {
    fn run(mut self) {
        while let Some(first) = self.from_session.blocking_recv() {
            let (deliveries, tickets) = self.gather(first);
            let Some(committed) = self.commit(&deliveries) else { return };
            if self.to_session.blocking_send(Report::Committed(tickets, committed)).is_err() {
                return;
            }
        }
    }

    fn gather(&mut self, first: Parcel<T>) -> (Vec<Delivery>, Vec<T>) {
        let (mut deliveries, mut tickets, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(parcel) = next {
            bytes += parcel.delivery.payload.len();
            deliveries.push(parcel.delivery);
            tickets.push(parcel.ticket);
            let room = deliveries.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES;
            next = if room { self.from_session.try_recv().ok() } else { None };
        }
        (deliveries, tickets)
    }

    /// Tries for ever: what is not committed is not acknowledged, and the boxes keep it.
    fn commit(&mut self, deliveries: &[Delivery]) -> Option<Committed> {
        let mut failing = false;
        loop {
            match self.store.commit(deliveries, now_ms()) {
                Ok(committed) => {
                    if failing {
                        self.tell(Telling::StoreRecovered);
                    }
                    return Some(committed);
                }
                Err(error) => self.wait(&error, &mut failing)?,
            }
        }
    }

    fn wait(&self, error: &StoreError, failing: &mut bool) -> Option<()> {
        if !core::mem::replace(failing, true) {
            self.tell(Telling::StoreFailing { why: error.to_string() });
        }
        if self.give_up.load(Ordering::Relaxed) {
            return None;
        }
        std::thread::sleep(RETRY);
        Some(())
    }

    fn tell(&self, telling: Telling) {
        // Nobody listens only when the session has ended.
        drop(self.to_session.blocking_send(Report::Trouble(telling)));
    }
}

/// Milliseconds since 1970 UTC.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
