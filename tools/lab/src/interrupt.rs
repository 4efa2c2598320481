//! Ctrl-C and SIGTERM: remove this process's labs, then end as the signal would have.
//!
//! It does nothing until [`tear_down_on_signals`] is called: a library takes no signals by itself.

use std::os::fd::{BorrowedFd, IntoRawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{pipe2, read, write};

use crate::teardown;

/// Signals that end a lab.
const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The end of a pipe that the handler writes to; -1 until there is one.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// From here on SIGINT, SIGTERM and SIGHUP remove every lab of this process before it ends.
///
/// The exit code is 128 plus the signal's number, as shells report it.
pub fn tear_down_on_signals() -> Result<()> {
    let (wait, ring) = pipe2(OFlag::O_CLOEXEC).context("make a pipe for signals")?;
    BELL.store(ring.into_raw_fd(), Ordering::Release);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut number = [0; 1];
            while read(&wait, &mut number) == Err(Errno::EINTR) {}
            eprintln!("\nholdfast-lab: interrupted, taking everything down");
            teardown::remove_own();
            // The interrupted work may have been in the middle of making the next namespace.
            teardown::remove_own();
            reap();
            std::process::exit(128 + i32::from(number[0]));
        })
        .context("start the thread that waits for signals")?;
    ENDING.into_iter().try_for_each(handle)
}

/// Takes leave of the killed children, so that they do not stand in process lists as zombies where
/// nobody else does it. Bounded: a child that does not end is not waited for.
fn reap() {
    for _ in 0..100 {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => thread::sleep(Duration::from_millis(2)),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[allow(unsafe_code)]
fn handle(signal: Signal) -> Result<()> {
    let action = SigAction::new(SigHandler::Handler(note), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: `note` only loads an atomic and calls write(2), both
    // async-signal-safe, and leaves errno as it was.
    unsafe { sigaction(signal, &action) }.with_context(|| format!("handle {signal}"))?;
    Ok(())
}

#[allow(unsafe_code)]
extern "C" fn note(number: i32) {
    let bell = BELL.load(Ordering::Acquire);
    // SAFETY: the pipe's end was given up for the life of the process before any handler was set.
    let bell = unsafe { BorrowedFd::borrow_raw(bell) };
    let number = u8::try_from(number).unwrap_or(u8::MAX);
    let interrupted = Errno::last_raw();
    write(bell, &[number]).ok();
    Errno::set_raw(interrupted);
}
