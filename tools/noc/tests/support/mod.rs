//! A real Mosquitto, the real collector, and a box that says what a test wants it to say.
#![allow(dead_code, reason = "every test file uses its own part")]

pub(crate) mod boxed;
pub(crate) mod broker;
pub(crate) mod certificates;
pub(crate) mod collector;
pub(crate) mod door;

use std::time::{Duration, Instant};

/// Longest that a test waits for anything: a busy machine is slow, a broken program is for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until it answers, looking often.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
