//! The serial port: the only file of the product that knows `serialport`.
//!
//! Reads and writes never block: a card that holds its flow control line must not hold our thread.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serialport::{ClearBuffer, ErrorKind, SerialPort, TTYPort};

/// An open serial port, ours alone.
#[derive(Debug)]
pub(super) struct Device {
    port: TTYPort,
}

/// Why the device cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeviceError {
    #[error("card device {path}: {cause}; {remedy}")]
    Open { path: PathBuf, cause: String, remedy: &'static str },
    #[error("card device {path}: gone ({cause}); plug the card in again")]
    Gone { path: PathBuf, cause: io::Error },
}

impl Device {
    /// Opens for exclusive use and forgets what was received for whoever had it before.
    pub(super) fn open(path: &Path, baud: u32) -> Result<Self, DeviceError> {
        let failed = |error: &serialport::Error| DeviceError::Open {
            path: path.to_owned(),
            cause: error.description.clone(),
            remedy: remedy(path, error),
        };
        let name = path.to_string_lossy();
        let port = serialport::new(name, baud).open_native().map_err(|error| failed(&error))?;
        port.clear(ClearBuffer::All).map_err(|error| failed(&error))?;
        let device = Self { port };
        let nonblocking = fcntl(&device, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        nonblocking.map_err(|errno| failed(&serialport::Error::from(io::Error::from(errno))))?;
        Ok(device)
    }

    /// Octets that are there; `None`: there are none.
    pub(super) fn read(&self, octets: &mut [u8]) -> io::Result<Option<usize>> {
        match nix::unistd::read(self, octets) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(Some(count)),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// How many octets found room; 0: none.
    pub(super) fn write(&self, octets: &[u8]) -> io::Result<usize> {
        match nix::unistd::write(self, octets) {
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            other => Ok(other?),
        }
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the port owns the descriptor and closes it only when dropped, and the borrow ends
        // before that: it carries the lifetime of `self`.
        #[allow(unsafe_code)]
        unsafe {
            BorrowedFd::borrow_raw(self.port.as_raw_fd())
        }
    }
}

fn remedy(path: &Path, error: &serialport::Error) -> &'static str {
    if !path.exists() {
        return "plug the card in, or correct `device` of [card] in the board file";
    }
    match error.kind() {
        ErrorKind::NoDevice => "another program holds it: end that one (`fuser -v` names it)",
        ErrorKind::InvalidInput => "correct `device` or `baud` of [card] in the board file",
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => "give the service's user the device's group",
        ErrorKind::Io(_) | ErrorKind::Unknown => "see `dmesg` for the driver's words",
    }
}
