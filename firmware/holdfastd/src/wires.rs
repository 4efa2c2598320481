//! Threads that own a wire, and what it takes to start one again.

use anyhow::{Result, ensure};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

use crate::restart::Restarts;

/// What starts the thread: its settings, and where its events go.
pub(crate) type Spawn<C, E, H> = fn(C, Sender<E>) -> Result<H>;

/// A wire's thread.
pub(crate) struct Wire<C, E, H> {
    pub(crate) handle: H,
    name: &'static str,
    config: C,
    events: usize,
    spawn: Spawn<C, E, H>,
    restarts: Restarts,
}

impl<C: Clone, E, H> Wire<C, E, H> {
    /// Starts the thread; at most so many `events` wait between two turns of the loop.
    pub(crate) fn start(
        name: &'static str,
        config: C,
        events: usize,
        spawn: Spawn<C, E, H>,
    ) -> Result<(Self, Receiver<E>)> {
        let (sender, receiver) = channel(events);
        let handle = spawn(config.clone(), sender)?;
        Ok((Self::started(name, handle, config, events, spawn), receiver))
    }

    /// Of a thread that runs already: its first start told more than a restart does.
    pub(crate) fn started(
        name: &'static str,
        handle: H,
        config: C,
        events: usize,
        spawn: Spawn<C, E, H>,
    ) -> Self {
        Self { handle, name, config, events, spawn, restarts: Restarts::default() }
    }

    /// The thread has ended: it is started again, unless that was too often.
    pub(crate) fn restart(&mut self) -> Result<Receiver<E>> {
        let name = self.name;
        ensure!(self.restarts.allow(Instant::now()), "the {name} thread ended too often in ten minutes");
        tracing::error!("the {name} thread ended and is started again");
        let (sender, events) = channel(self.events);
        self.handle = (self.spawn)(self.config.clone(), sender)?;
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread that ends as soon as it has said its word.
    fn short_lived(word: &'static str, events: Sender<&'static str>) -> Result<()> {
        events.try_send(word)?;
        drop(events);
        Ok(())
    }

    #[test]
    fn a_thread_that_ended_is_started_again_with_what_it_was_given_until_it_is_too_often() {
        let (mut wire, mut events) = Wire::start("bench", "here", 1, short_lived).unwrap();
        for _ in 0..5 {
            assert_eq!((events.blocking_recv(), events.blocking_recv()), (Some("here"), None));
            events = wire.restart().unwrap();
        }
        let refused = wire.restart().unwrap_err();
        assert!(refused.to_string().contains("the bench thread ended too often"), "{refused}");
    }

    #[test]
    fn a_wire_that_cannot_be_opened_is_told_at_once() {
        let failing: Spawn<(), (), ()> = |(), _| anyhow::bail!("no thread");
        assert!(Wire::start("bench", (), 1, failing).is_err());
    }
}
