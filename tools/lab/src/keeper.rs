//! A thread that keeps a log and hands out copies of it. Dropped, it stops.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::namespace::Namespace;

/// The owner's end: it asks for copies.
#[derive(Debug)]
pub(crate) struct Keeper<T> {
    ask: Option<SyncSender<SyncSender<T>>>,
    thread: Option<JoinHandle<Result<()>>>,
}

/// The thread's end: it answers.
#[derive(Debug)]
pub(crate) struct Asked<T>(Receiver<SyncSender<T>>);

impl<T: Clone + Send + 'static> Keeper<T> {
    /// Starts `work` on a thread of its own, inside a namespace.
    pub(crate) fn start(
        namespace: &Namespace,
        name: &str,
        work: impl FnOnce(&Asked<T>) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let (ask, asked) = sync_channel(1);
        let thread = namespace.spawn(name, move || work(&Asked(asked)))?;
        Ok(Self { ask: Some(ask), thread: Some(thread) })
    }

    /// A copy of the log as it is.
    pub(crate) fn log(&mut self) -> Result<T> {
        let (answer, answered) = sync_channel(1);
        let asked = self.ask.as_ref().is_some_and(|ask| ask.send(answer).is_ok());
        match asked.then(|| answered.recv().ok()).flatten() {
            Some(log) => Ok(log),
            None => self.why_it_ended(),
        }
    }

    fn why_it_ended(&mut self) -> Result<T> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(error).context("a measuring thread has ended"),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            Some(Ok(Ok(()))) | None => bail!("a measuring thread has ended"),
        }
    }
}

impl<T> Drop for Keeper<T> {
    fn drop(&mut self) {
        drop(self.ask.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if let (Some(Err(panic)), false) = (ended, thread::panicking()) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl<T: Clone> Asked<T> {
    /// Answers the questions that wait; `false` once nobody can ask any more: time to stop.
    pub(crate) fn answer(&self, log: &T) -> bool {
        loop {
            match self.0.try_recv() {
                Ok(question) => drop(question.send(log.clone())),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Rests for so long, but answers a question at once; `false` once nobody can ask any more.
    pub(crate) fn rest(&self, log: &T, pause: Duration) -> bool {
        match self.0.recv_timeout(pause) {
            Ok(question) => {
                question.send(log.clone()).ok();
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }
}
