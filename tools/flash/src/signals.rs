//! Ctrl-C and its like become a wish to stop, so that the cards end with a clear word.

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// The wish to stop.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// From here on signals are wishes. Called before other threads are: they inherit what is blocked.
pub(crate) fn become_wishes() -> io::Result<()> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block()?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || listen(&signals)).map(drop)
}

fn listen(signals: &SigSet) {
    while signals.wait().is_ok() {
        if STOP.swap(true, Ordering::Relaxed) {
            eprintln!("\nstopped at once: the cards that were not done do not boot; write them again");
            process::exit(2);
        }
        eprintln!("\nstopping; once more to stop at once");
    }
}
