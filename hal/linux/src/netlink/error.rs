//! What can go wrong between us and the kernel, and how to put it right.

use std::io;

use netlink_packet_core::ErrorMessage;
use nix::errno::Errno;

/// A netlink exchange failed. The change that was asked for did not happen, except after
/// [`NetlinkError::Silent`] and [`NetlinkError::Receive`], where it is unknown.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket could not be made.
    #[error("netlink: cannot open {what}: {source}; needs Linux 4.20 or later with CONFIG_NETLINK")]
    Open {
        /// Which step.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The request did not leave.
    #[error("netlink: cannot ask the kernel to {what}: {source}")]
    Send {
        /// The request.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The answer could not be read.
    #[error("netlink: no readable answer to \"{what}\": {source}; read the kernel's state again")]
    Receive {
        /// The request.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// No answer in time.
    #[error("netlink: the kernel did not answer \"{what}\" in time; read the kernel's state again")]
    Silent {
        /// The request.
        what: &'static str,
    },
    /// The kernel refused.
    #[error("netlink: the kernel refuses to {what}: {}{}", Errno::from_raw(*.errno).desc(), remedy(*.errno))]
    Kernel {
        /// The positive error number.
        errno: i32,
        /// The request, followed by the kernel's own words if it had any.
        what: String,
    },
    /// The answer is of a kind that this build cannot decode.
    #[error("netlink: the answer to \"{what}\" cannot be decoded; the kernel is newer than this build")]
    Unreadable {
        /// The request.
        what: &'static str,
    },
    /// The kernel's state changed during every attempt to read it.
    #[error("netlink: could not {what} in {attempts} attempts: something changes them all the time")]
    Restless {
        /// The request.
        what: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
    /// More than we are ready to hold.
    #[error("netlink: more than {limit} answers to \"{what}\": not a branch router's kernel")]
    TooMany {
        /// The request.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl NetlinkError {
    /// The kernel's error number, if it was the kernel that refused.
    #[must_use]
    pub const fn errno(&self) -> Option<i32> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            Self::Open { .. }
            | Self::Send { .. }
            | Self::Receive { .. }
            | Self::Silent { .. }
            | Self::Unreadable { .. }
            | Self::Restless { .. }
            | Self::TooMany { .. } => None,
        }
    }

    /// The kernel refused with this error.
    #[must_use]
    pub fn is(&self, errno: Errno) -> bool {
        self.errno() == Some(errno as i32)
    }

    /// The thing asked for is not there.
    #[must_use]
    pub fn says_absent(&self) -> bool {
        [Errno::ENODEV, Errno::ENOENT, Errno::ESRCH, Errno::ENXIO, Errno::EADDRNOTAVAIL]
            .into_iter()
            .any(|errno| self.is(errno))
    }
}

/// An acknowledgement is an error message with code 0.
pub(super) fn verdict(what: &'static str, message: &ErrorMessage) -> Result<(), NetlinkError> {
    /// The echoed header of the request; its body is left out (`NETLINK_CAP_ACK`).
    const ECHO: usize = 16;
    let words = message.header.get(ECHO..).unwrap_or(&[]);
    code(what, message.code.map_or(0, core::num::NonZeroI32::get), words)
}

/// `code` is zero or a negative error number, `attributes` what the kernel adds to it.
pub(super) fn code(what: &'static str, code: i32, attributes: &[u8]) -> Result<(), NetlinkError> {
    if code >= 0 {
        return Ok(());
    }
    let what = match kernel_words(attributes) {
        Some(words) => format!("{what} (\"{words}\")"),
        None => what.to_owned(),
    };
    Err(NetlinkError::Kernel { errno: -code, what })
}

/// `NLMSGERR_ATTR_MSG`: a sentence of the kernel.
fn kernel_words(mut attributes: &[u8]) -> Option<String> {
    const MESSAGE: u16 = 1;
    loop {
        let length = usize::from(u16::from_ne_bytes(attributes.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
        let value = attributes.get(4..length)?;
        if kind == MESSAGE {
            let text = String::from_utf8_lossy(value);
            return Some(text.trim_end_matches('\0').to_owned());
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn remedy(errno: i32) -> &'static str {
    match Errno::from_raw(errno) {
        Errno::EPERM | Errno::EACCES => "; run as root or with CAP_NET_ADMIN",
        Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT => "; this kernel is built without it",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bytes: &[u8]) -> Option<String> {
        kernel_words(bytes)
    }

    #[test]
    fn the_kernels_own_sentence_is_found_behind_other_attributes() {
        let offset = [8u8, 0, 2, 0, 1, 2, 3, 4];
        let message = [8u8, 0, 1, 0, b'n', b'o', b'!', 0];
        assert_eq!(words(&[offset, message].concat()), Some("no!".to_owned()));
        assert_eq!(words(&offset), None);
    }

    #[test]
    fn a_torn_attribute_is_no_sentence() {
        assert_eq!(words(&[9, 0, 1, 0, b'x']), None);
        assert_eq!(words(&[2, 0, 1, 0]), None);
        assert_eq!(words(&[0, 0, 2, 0, 1]), None);
        assert_eq!(words(&[]), None);
    }
}
