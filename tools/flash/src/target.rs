//! What is written to: a block device that nobody else uses. Tests put lying devices in its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::stat::{major, minor};
use thiserror::Error;

use crate::disks::Number;

/// Something with a size that is written and read at places.
pub trait Target: Send {
    /// Its size.
    fn bytes(&self) -> u64;
    /// Writes all of the data; it need not be on the medium yet.
    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()>;
    /// Fills the buffer.
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Returns when all that was written is on the medium.
    fn flush(&mut self) -> io::Result<()>;
    /// Makes the next reading ask the medium and not the memory of this machine.
    fn forget(&mut self) -> io::Result<()>;
}

/// A block device, opened by us alone.
#[derive(Debug)]
pub struct BlockDevice {
    file: File,
    bytes: u64,
}

/// Why a device cannot be written.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The system refuses.
    #[error("{}: {cause}; {}", path.display(), remedy(cause))]
    Io {
        /// The device.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file, a folder, a terminal.
    #[error("{}: not a block device; see `holdfast-flash list`", .0.display())]
    NoBlockDevice(PathBuf),
    /// Between the question and the answer another disk took the name.
    #[error("{}: another device than the one that was asked for; was it pulled out? start again", .0.display())]
    Exchanged(PathBuf),
}

/// The number of the block device at that path.
pub fn number_of(path: &Path) -> Result<Number, OpenError> {
    let facts = std::fs::metadata(path).map_err(|cause| OpenError::Io { path: path.to_owned(), cause })?;
    if !facts.file_type().is_block_device() {
        return Err(OpenError::NoBlockDevice(path.to_owned()));
    }
    Ok(Number { major: major(facts.rdev()), minor: minor(facts.rdev()) })
}

impl BlockDevice {
    /// Opens the device for us alone: the kernel refuses while anything of it is mounted or held.
    pub fn open(path: &Path, expected: Number) -> Result<Self, OpenError> {
        let error = |cause| OpenError::Io { path: path.to_owned(), cause };
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).custom_flags(libc::O_EXCL).open(path).map_err(error)?;
        let facts = file.metadata().map_err(error)?;
        let number = Number { major: major(facts.rdev()), minor: minor(facts.rdev()) };
        if !facts.file_type().is_block_device() || number != expected {
            return Err(OpenError::Exchanged(path.to_owned()));
        }
        let bytes = file.seek(SeekFrom::End(0)).map_err(error)?;
        Ok(Self { file, bytes })
    }
}

impl Target for BlockDevice {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, at)
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn forget(&mut self) -> io::Result<()> {
        flush_buffers(&self.file)
    }
}

#[allow(unsafe_code)]
fn flush_buffers(device: &File) -> io::Result<()> {
    nix::ioctl_none!(blkflsbuf, 0x12, 97);
    // SAFETY: BLKFLSBUF takes no argument, and the descriptor is open as long as `device` is borrowed.
    unsafe { blkflsbuf(device.as_raw_fd()) }.map(drop).map_err(io::Error::from)
}

fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EBUSY) => {
            "something uses it: unmount it everywhere, also in other sessions and containers"
        }
        Some(libc::EACCES | libc::EPERM) => "run this as root",
        Some(libc::EROFS) => "it is write protected: slide the card's lock back",
        Some(libc::ENOENT | libc::ENXIO | libc::ENOMEDIUM) => "plug it in and look at `holdfast-flash list`",
        Some(_) | None => "try another reader or another port",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_block_device_is_refused() {
        for path in ["/", "/dev/null", "/proc/self/mountinfo"] {
            assert!(matches!(number_of(Path::new(path)), Err(OpenError::NoBlockDevice(_))), "{path}");
        }
        let missing = number_of(Path::new("/dev/no-such-disk")).expect_err("it is missing").to_string();
        assert!(missing.contains("plug it in"), "{missing}");
    }
}
