//! A thread of its own, inside a network namespace if wanted. The rest of the process stays where it is.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use nix::sched::{CloneFlags, setns};

/// Starts a thread in the namespace; `None`: the caller's own. `prepare` runs in it first and its
/// failure is returned from here; `work` then runs until it is done.
pub(crate) fn spawn<P, T>(
    name: &str,
    namespace: Option<&Path>,
    prepare: impl FnOnce() -> Result<P> + Send + 'static,
    work: impl FnOnce(P) -> Result<T> + Send + 'static,
) -> Result<JoinHandle<Result<T>>>
where
    T: Send + 'static,
{
    let open = |path: &Path| {
        File::open(path)
            .with_context(|| format!("cannot open the namespace {}: is the lab up?", path.display()))
    };
    let file = namespace.map(open).transpose()?;
    let (ready, prepared) = mpsc::sync_channel(1);
    let body = move || {
        let enter = |file: File| setns(&file, CloneFlags::CLONE_NEWNET);
        let place = file.map_or(Ok(()), enter).context("cannot enter the namespace (root?)");
        match place.and_then(|()| prepare()) {
            Ok(tools) => {
                ready.send(Ok(())).map_err(|_| anyhow!("nobody waits for the thread"))?;
                work(tools)
            }
            Err(error) => {
                let told = format!("{error:#}");
                ready.send(Err(error)).map_err(|_| anyhow!("nobody waits for the thread"))?;
                Err(anyhow!(told))
            }
        }
    };
    let handle = thread::Builder::new().name(name.to_owned()).spawn(body).context("cannot start a thread")?;
    prepared.recv().map_err(|_| anyhow!("the thread {name} died at once"))??;
    Ok(handle)
}
