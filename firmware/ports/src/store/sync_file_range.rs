//! What sled calls a flush is made one.
//!
//! sled writes a piece of its log, calls `sync_file_range` and believes the piece to be durable: it
//! then frees the segments whose content it copied there, and writes over them. But that call never
//! commits the length and the extents of a file that grew (`sync_file_range(2)`, "Warning"), so a
//! power cut in that moment takes the copy and the original. The symbol is therefore ours, here for
//! the whole program: whoever asks for a range gets the file.

use std::os::fd::BorrowedFd;

use core::ffi::{c_int, c_uint};

#[cfg(test)]
static CALLS: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);

/// `fdatasync` under the name that sled calls. Answers 0, or -1 with `errno`.
#[allow(unsafe_code)]
// SAFETY: the signature is that of `sync_file_range(2)`, which it stands for: it makes durable at
// least what was asked for, and no program of ours calls it for less.
#[unsafe(no_mangle)]
extern "C" fn sync_file_range(fd: c_int, _offset: i64, _length: i64, _flags: c_uint) -> c_int {
    #[cfg(test)]
    CALLS.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
    if fd < 0 {
        nix::errno::Errno::EBADF.set();
        return -1;
    }
    // SAFETY: the caller lends an open descriptor for the time of the call; one that is closed
    // meanwhile is answered with EBADF by the kernel.
    let file = unsafe { BorrowedFd::borrow_raw(fd) };
    match nix::unistd::fdatasync(file) {
        Ok(()) => 0,
        Err(error) => {
            error.set();
            -1
        }
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::Ordering;

    use super::CALLS;

    #[test]
    fn sled_asks_for_a_range_and_gets_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let spool = super::super::spool::Spool::open(&dir.path().join("spool")).unwrap();
        let before = CALLS.load(Ordering::Relaxed);

        spool.set_boot(7).unwrap();
        spool.flush().unwrap();

        assert!(CALLS.load(Ordering::Relaxed) > before, "sled's flush no longer comes by here");
    }
}
