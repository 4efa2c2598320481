//! The process that writes the spool, and the end of its electricity.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use std::os::fd::AsFd;

use super::ledger::{Found, Ledger};

/// Longest that a writer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// When the power is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// So long after the process was started, whatever it is doing.
    After(Duration),
    /// When so many records were called stored.
    Stored(usize),
}

/// Runs a writer on a directory until the cut; it stands still then and never moves again.
pub(crate) struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

/// What becomes of its promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The port as it is.
    Honest,
    /// Calls stored what it has only handed over.
    Lying,
    /// The port as it is, but no fsync and no fdatasync of its reaches the kernel.
    Unsynced,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_spool_writer");

/// The traced program stays our own child, so that it is the one who is stopped and killed.
const NO_SYNC: &str = "-D -f -qq -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:retval=0";

impl Writer {
    pub(crate) fn start(dir: &Path, kind: Kind) -> Self {
        let mut command = match kind {
            Kind::Honest | Kind::Lying => Command::new(PROGRAM),
            Kind::Unsynced => {
                let mut strace = Command::new("strace");
                strace.args(NO_SYNC.split(' ')).arg(PROGRAM);
                strace
            }
        };
        command.arg("write").arg(dir).args((kind == Kind::Lying).then_some("--lie"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Listens until the time has come, stops the process, listens to what it said before.
    pub(crate) fn run_until(&mut self, when: When, ledger: &mut Ledger) {
        let begun = Instant::now();
        let mut stored = 0;
        loop {
            let left = match when {
                When::After(delay) => delay.saturating_sub(begun.elapsed()),
                When::Stored(count) if stored >= count => Duration::ZERO,
                When::Stored(_) => PATIENCE.saturating_sub(begun.elapsed()),
            };
            if left.is_zero() {
                break;
            }
            if let Some(line) = self.line(left) {
                stored += usize::from(line.starts_with("stored"));
                ledger.hear(&line);
            }
        }
        assert!(begun.elapsed() < PATIENCE, "only {stored} records stored");
        self.stop();
        while let Some(line) = self.line(Duration::ZERO) {
            ledger.hear(&line);
        }
    }

    /// A whole line, if one comes in time.
    fn line(&mut self, within: Duration) -> Option<String> {
        if self.out.buffer().is_empty() {
            let timeout = PollTimeout::try_from(within).unwrap_or(PollTimeout::MAX);
            let mut pipe = [PollFd::new(self.out.get_ref().as_fd(), PollFlags::POLLIN)];
            if poll(&mut pipe, timeout).unwrap() == 0 {
                return None;
            }
        }
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the writer ended by itself after {line:?}; its last words are above");
        line.pop();
        Some(line)
    }

    /// SIGSTOP, and waits until it stands: a system call that was on its way to the disk has ended.
    fn stop(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert!(matches!(status, WaitStatus::Stopped(..)), "the writer ended by itself: {status:?}");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a fresh process finds.
pub(crate) fn read(dir: &Path) -> Found {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spool_writer"));
    let output = command.arg("read").arg(dir).output().unwrap();
    assert!(output.status.success(), "the spool cannot be read: {}", String::from_utf8_lossy(&output.stderr));
    Found::parse(&String::from_utf8(output.stdout).unwrap())
}
