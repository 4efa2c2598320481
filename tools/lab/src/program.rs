//! A child process inside a namespace, its output in files, killed by its id when dropped.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lines::Lines;
use crate::namespace::Namespace;

/// How often a child is asked whether it has ended.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// A running (or ended) child process.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Program {
    /// Starts a child in a namespace. Its output goes to `NAME.out` and `NAME.err` in `logs`, after
    /// what an earlier child of that name has left there.
    pub fn start(namespace: &Namespace, name: &str, mut command: Command, logs: &Path) -> Result<Self> {
        let (stdout, stderr) = (logs.join(format!("{name}.out")), logs.join(format!("{name}.err")));
        command.stdin(Stdio::null()).stdout(append(&stdout)?).stderr(append(&stderr)?);
        let child = namespace.run(|| {
            let program = command.get_program().to_owned();
            command.spawn().with_context(|| format!("start {}", Path::new(&program).display()))
        })?;
        Ok(Self { name: name.to_owned(), child, stdout, stderr })
    }

    /// Its name in the lab.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its standard output goes.
    #[must_use]
    pub fn stdout(&self) -> &Path {
        &self.stdout
    }

    /// Where its standard error goes.
    #[must_use]
    pub fn stderr(&self) -> &Path {
        &self.stderr
    }

    /// Follows its standard output from the beginning.
    pub fn lines(&self) -> Result<Lines> {
        Lines::open(&self.stdout)
    }

    /// The end of both outputs, for people.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        crate::lines::tail(&self.stdout, lines) + &crate::lines::tail(&self.stderr, lines)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("ask whether {} runs", self.name))
    }

    /// An error with the end of its log if it does not run.
    pub fn expect_running(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("{} has ended ({status}); its last words:\n{}", self.name, self.tail(20)),
        }
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} still runs after {within:?}; its last words:\n{}", self.name, self.tail(20));
            }
            thread::sleep(ASK_EVERY);
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid()).context("a process id fits an i32")?);
        kill(pid, signal).with_context(|| format!("send {signal} to {} ({pid})", self.name))
    }

    /// Asks it to stop (SIGTERM) and waits.
    pub fn stop(&mut self, within: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.signal(Signal::SIGTERM)?;
        self.wait(within)
    }

    /// Kills it (SIGKILL) and waits.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill().with_context(|| format!("kill {}", self.name))?;
        self.child.wait().with_context(|| format!("wait for {}", self.name))
    }

    /// Did it end by a signal that nobody here would send: a crash?
    #[must_use]
    pub fn crashed(status: ExitStatus) -> bool {
        let crash = [Signal::SIGSEGV, Signal::SIGABRT, Signal::SIGBUS, Signal::SIGILL, Signal::SIGFPE];
        status.signal().is_some_and(|number| crash.iter().any(|signal| *signal as i32 == number))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

fn append(path: &Path) -> Result<File> {
    let file = File::options().create(true).append(true).open(path);
    file.with_context(|| format!("open log {}", path.display()))
}

/// One of the project's own programs, from `HOLDFAST_BIN_DIR` or beside the running executable.
pub fn binary(name: &str) -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("HOLDFAST_BIN_DIR").map(PathBuf::from).into_iter().collect();
    if folders.is_empty() {
        let own = std::env::current_exe().context("find the running executable")?;
        // Tests run from target/PROFILE/deps, programs lie one up.
        folders.extend(own.ancestors().skip(1).take(2).map(Path::to_owned));
    }
    let candidates = folders.iter().map(|folder| folder.join(name));
    candidates.clone().find(|path| path.is_file()).with_context(|| {
        let looked: Vec<String> = candidates.map(|path| path.display().to_string()).collect();
        format!(
            "{name} is not built (looked for {}): run `cargo build -p {}` or set HOLDFAST_BIN_DIR",
            looked.join(", "),
            package(name)
        )
    })
}

/// The package that a program is built from.
fn package(binary: &str) -> &str {
    if binary == "holdfast-lab" { "lab" } else { binary }
}
