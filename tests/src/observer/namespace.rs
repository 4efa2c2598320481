//! A thread of its own inside a network namespace. The rest of the process stays where it is.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use nix::sched::{CloneFlags, setns};

/// Starts a thread in the namespace. `prepare` runs in it first and its failure is returned from
/// here; `work` then runs until it is done.
pub(super) fn spawn<P, T>(
    name: &str,
    namespace: &Path,
    prepare: impl FnOnce() -> Result<P> + Send + 'static,
    work: impl FnOnce(P) -> Result<T> + Send + 'static,
) -> Result<JoinHandle<Result<T>>>
where
    T: Send + 'static,
{
    let file = File::open(namespace)
        .with_context(|| format!("cannot open the namespace {}: is the lab up?", namespace.display()))?;
    let (ready, prepared) = mpsc::sync_channel(1);
    let body = move || {
        let place = setns(&file, CloneFlags::CLONE_NEWNET).context("cannot enter the namespace (root?)");
        match place.and_then(|()| prepare()) {
            Ok(tools) => {
                ready.send(Ok(())).map_err(|_| anyhow!("nobody waits for the observer"))?;
                work(tools)
            }
            Err(error) => {
                let told = format!("{error:#}");
                ready.send(Err(error)).map_err(|_| anyhow!("nobody waits for the observer"))?;
                Err(anyhow!(told))
            }
        }
    };
    let handle = thread::Builder::new().name(name.to_owned()).spawn(body).context("cannot start a thread")?;
    prepared.recv().map_err(|_| anyhow!("the observer's thread {name} died at once"))??;
    Ok(handle)
}
