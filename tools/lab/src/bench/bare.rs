//! The barest failover there can be: a thread that hears of a lost carrier and replaces two routes.
//! It knows no blackholes, no reasons, no standby, nothing: the reference for reaction times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use lab::{CarrierEvents, Lab, Link, PlainRoutes, plan, route_plainly};

/// Looks so often whether it is to stop.
const LISTEN: Duration = Duration::from_millis(100);

/// The running loop. Dropped, it stops.
pub(crate) struct BareLoop {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl BareLoop {
    /// Routes over `from` and goes over to `to` when the carrier of `from` is lost. Once.
    pub(crate) fn start(lab: &Lab, from: Link, to: Link) -> Result<Self> {
        route_plainly(lab, from)?;
        let mut events = CarrierEvents::listen(lab.branch())?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = lab.branch().spawn("bare loop", move || {
            let mut routes = PlainRoutes::open()?;
            while !stopped.load(Ordering::Relaxed) {
                if events.wait_for(plan::index::box_wan(from), false, LISTEN)? {
                    return routes.lead_to(to);
                }
            }
            Ok(())
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for BareLoop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
