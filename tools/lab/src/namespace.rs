//! A named network namespace, the same kind that `ip netns` makes: people can look inside with
//! `ip netns exec NAME ...`.
//!
//! Threads enter namespaces, processes never do: whatever has work inside gets a thread of its own,
//! and a child process inherits the namespace of the thread that starts it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

/// Where named namespaces are mounted, as `ip netns` expects it.
pub(crate) const FOLDER: &str = "/run/netns";

/// A named network namespace. Copies name the same namespace; none of them owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes the namespace and leaves the caller in its own. Its loopback is still down.
    pub fn create(name: &str) -> Result<Self> {
        share_folder()?;
        let namespace = Self { name: name.to_owned() };
        let path = namespace.path();
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .with_context(|| format!("make {}: are you root?", path.display()))?;
        let made = on_thread(name, || {
            unshare(CloneFlags::CLONE_NEWNET)?;
            bind(Path::new("/proc/thread-self/ns/net"), &path)
        });
        if let Err(error) = made? {
            fs::remove_file(&path).ok();
            return Err(error)
                .with_context(|| format!("make network namespace {name}: needs root (CAP_SYS_ADMIN)"));
        }
        Ok(namespace)
    }

    /// An existing namespace.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Its name, as in `ip netns list`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(FOLDER).join(&self.name)
    }

    /// A handle that can be given to the kernel.
    pub fn open(&self) -> Result<File> {
        let path = self.path();
        File::open(&path).with_context(|| format!("open network namespace {}: is it gone?", path.display()))
    }

    /// Moves the calling thread into the namespace for the rest of its life.
    pub fn enter(&self) -> Result<()> {
        setns(self.open()?, CloneFlags::CLONE_NEWNET)
            .with_context(|| format!("enter network namespace {}: needs root (CAP_SYS_ADMIN)", self.name))
    }

    /// Runs `job` inside and waits for it.
    pub fn run<T: Send>(&self, job: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        on_thread(&self.name, || {
            self.enter()?;
            job()
        })?
    }

    /// Starts a thread that works inside.
    pub fn spawn<T: Send + 'static>(
        &self,
        what: &str,
        job: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<thread::JoinHandle<Result<T>>> {
        let inside = self.clone();
        let work = move || {
            inside.enter()?;
            job()
        };
        thread::Builder::new()
            .name(what.to_owned())
            .spawn(work)
            .with_context(|| format!("start thread {what}"))
    }

    /// Unmounts and forgets the namespace. The kernel frees it when its last process is gone.
    pub fn remove(&self) -> io::Result<()> {
        let path = self.path();
        umount2(&path, MntFlags::MNT_DETACH).ok();
        fs::remove_file(path)
    }
}

fn on_thread<T: Send>(name: &str, job: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn_scoped(scope, job)
            .with_context(|| format!("start a thread for namespace {name}"))?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn bind(source: &Path, target: &Path) -> nix::Result<()> {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
}

/// Makes the folder a shared mount of its own, so that a namespace removed here is not kept alive by
/// copies of the mount table elsewhere. `ip netns add` takes the same lock for the same reason.
fn share_folder() -> Result<()> {
    let folder = Path::new(FOLDER);
    fs::create_dir_all(folder).with_context(|| format!("make {FOLDER}: are you root?"))?;
    let lock = Flock::lock(File::open(folder)?, FlockArg::LockExclusive)
        .map_err(|(_, errno)| errno)
        .with_context(|| format!("lock {FOLDER}"))?;
    let share =
        || mount(None::<&str>, folder, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>);
    if share().is_err() {
        bind(folder, folder)
            .and_then(|()| share())
            .with_context(|| format!("make {FOLDER} a shared mount: needs root (CAP_SYS_ADMIN)"))?;
    }
    drop(lock);
    Ok(())
}
