//! A pseudo-terminal that looks like a serial device, with a link of a fixed name.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;

/// The simulator's end, the device's end kept open, and the link. Dropping it unplugs the device.
#[derive(Debug)]
pub(crate) struct Pty {
    master: OwnedFd,
    /// Kept open, so that a host that closes the device does not hang up the line.
    slave: OwnedFd,
    device: PathBuf,
    link: Option<PathBuf>,
}

impl Pty {
    /// Makes the device and the link to it.
    pub(crate) fn plug(link: Option<&Path>) -> io::Result<Self> {
        let OpenptyResult { master, slave } = openpty(None, None)?;
        let mut settings = tcgetattr(&slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&slave, SetArg::TCSANOW, &settings)?;
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let device = ttyname(&slave)?;
        if let Some(link) = link {
            point(link, &device)?;
        }
        Ok(Self { master, slave, device, link: link.map(Path::to_owned) })
    }

    pub(crate) fn device(&self) -> &Path {
        &self.device
    }

    /// What the host sent, or 0.
    pub(crate) fn read(&self, octets: &mut [u8]) -> io::Result<usize> {
        match nix::unistd::read(&self.master, octets) {
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            other => Ok(other?),
        }
    }

    /// Sends octets. What finds no room is lost, as on a wire to a host that does not read.
    pub(crate) fn write(&self, octets: &[u8]) -> io::Result<()> {
        let mut rest = octets;
        while !rest.is_empty() {
            match nix::unistd::write(&self.master, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A host that was killed leaves its exclusive use behind, because we hold the device open; only
    /// root could open it again.
    pub(crate) fn release_exclusive_use(&self) {
        nix::ioctl_none_bad!(tiocnxcl, nix::libc::TIOCNXCL);
        // SAFETY: TIOCNXCL takes no argument and touches no memory; the descriptor is open and ours.
        #[allow(unsafe_code)]
        let _refused = unsafe { tiocnxcl(self.slave.as_raw_fd()) };
    }
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            if std::fs::read_link(link).is_ok_and(|target| target == self.device) {
                let _gone = std::fs::remove_file(link);
            }
        }
    }
}

/// Points a link at the device in one step. A file that is not a link is somebody's: left alone.
fn point(link: &Path, device: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(link).is_ok_and(|meta| !meta.is_symlink()) {
        let what = format!("{} exists and is not a link: choose another --link or remove it", link.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    let told = |error: io::Error| io::Error::new(error.kind(), format!("link {}: {error}", link.display()));
    let mut temporary = link.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    std::os::unix::fs::symlink(device, &temporary).map_err(told)?;
    std::fs::rename(&temporary, link).map_err(told)
}
