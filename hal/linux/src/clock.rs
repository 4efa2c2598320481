//! The only place of the product that reads a clock.
//!
//! Deadlines run on `CLOCK_BOOTTIME`, which nobody can set. The wall clock is handed out only when
//! the kernel says that something disciplines it and its date is possible; a wrong date is worse
//! than none.

use std::io;

use hal::{Now, Tick, Wall};
use nix::time::{ClockId, clock_gettime};

/// 2025-01-01T00:00:00Z: no box is older than its software.
const EARLIEST_MS: u64 = 1_735_689_600_000;

/// 2100-01-01T00:00:00Z.
const LATEST_MS: u64 = 4_102_444_800_000;

/// The time of this turn of the loop.
#[must_use]
pub fn now() -> Now {
    Now { tick: tick(), wall: wall() }
}

/// Milliseconds of `CLOCK_BOOTTIME`.
#[must_use]
pub fn tick() -> Tick {
    Tick(boottime_ns() / 1_000_000)
}

/// Identifies this boot of the kernel: a [`Tick`] means nothing without it.
pub fn boot_id() -> io::Result<String> {
    const PATH: &str = "/proc/sys/kernel/random/boot_id";
    let text = std::fs::read_to_string(PATH)
        .map_err(|e| io::Error::new(e.kind(), format!("{PATH}: {e}; mount /proc")))?;
    Ok(text.trim().to_owned())
}

/// Nanoseconds of `CLOCK_BOOTTIME`, for measuring.
pub(crate) fn boottime_ns() -> u64 {
    nanoseconds(ClockId::CLOCK_BOOTTIME)
}

/// Nanoseconds of `CLOCK_REALTIME`, believed or not: only to subtract from the kernel's packet
/// stamps, which are taken from the same clock.
pub(crate) fn realtime_ns() -> u64 {
    nanoseconds(ClockId::CLOCK_REALTIME)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("both clocks exist in every Linux since 2.6.39");
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
    seconds * 1_000_000_000 + nanos
}

fn wall() -> Option<Wall> {
    believed(disciplined(), realtime_ns() / 1_000_000)
}

fn believed(disciplined: bool, ms: u64) -> Option<Wall> {
    (disciplined && (EARLIEST_MS..LATEST_MS).contains(&ms)).then_some(Wall(ms))
}

/// Something keeps the kernel's clock in step (`STA_UNSYNC` is clear).
#[allow(unsafe_code)]
fn disciplined() -> bool {
    use nix::libc;
    // SAFETY: `timex` is plain integers, for which all zeroes is a value; `modes` 0 makes the call
    // a read that writes only into this struct, which outlives it.
    let (state, status) = unsafe {
        let mut timex: libc::timex = core::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex.status)
    };
    state >= 0 && status & libc::STA_UNSYNC == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_is_believed_only_when_disciplined_and_possible() {
        let table = [
            (true, 1_800_000_000_000, true),
            (false, 1_800_000_000_000, false),
            (true, 0, false),
            (true, EARLIEST_MS - 1, false),
            (true, LATEST_MS, false),
        ];
        for (disciplined, ms, expected) in table {
            assert_eq!(believed(disciplined, ms).is_some(), expected, "{disciplined} {ms}");
        }
    }

    #[test]
    fn ticks_never_run_backwards_and_agree_with_uptime() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();

        let (first, second) = (tick(), tick());

        assert!(first <= second);
        assert!((first.0 as f64 / 1000.0 - seconds).abs() < 5.0, "{first} against {seconds}");
    }

    #[test]
    fn the_boot_id_is_a_uuid() {
        let id = boot_id().unwrap();
        assert_eq!((id.len(), id.matches('-').count()), (36, 4));
    }
}
