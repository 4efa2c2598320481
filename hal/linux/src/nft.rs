//! Our one nftables table: masquerade, flow marks, what may be forwarded and what may come in.
//!
//! The text is loaded whole, in one transaction, at start and when somebody else touched it; a
//! failover never changes it. Interfaces are matched by name, so they may come and go. Tables of
//! others are left alone.

mod ruleset;

use core::time::Duration;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::clock;
use crate::links::WatchedLink;

pub use ruleset::TABLE;

/// `nft` takes some 10 ms; one that takes so long hangs.
const GIVE_UP_AFTER: Duration = Duration::from_secs(10);

/// What is kept of `nft`'s complaints.
const MAX_COMPLAINT: usize = 4_096;

/// The table is not in force.
#[derive(Debug, thiserror::Error)]
pub enum NftError {
    /// The program cannot be started.
    #[error("cannot run nft: {0}; install nftables")]
    Start(io::Error),
    /// It broke off.
    #[error("cannot talk to nft: {0}")]
    Talk(io::Error),
    /// It did not come to an end.
    #[error("nft did not finish within {} s and was stopped; is the kernel's nftables stuck?", GIVE_UP_AFTER.as_secs())]
    Hung,
    /// It refused the ruleset.
    #[error(
        "nft refuses the ruleset: {0}; the kernel needs nf_tables with inet, nat, masquerade, ct, rt, exthdr, limit and reject"
    )]
    Refused(String),
}

/// The table of this site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firewall {
    text: String,
}

impl Firewall {
    /// The table for these links and this LAN.
    #[must_use]
    pub fn new(lan: &str, links: &[WatchedLink]) -> Self {
        Self { text: ruleset::text(lan, links) }
    }

    /// The ruleset as `nft` reads it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts the table in force, replacing what is there under its name, without a gap.
    ///
    /// Returns the process that did it: the kernel names it in its notice.
    pub fn load(&self) -> Result<u32, NftError> {
        let mut child = Command::new("nft")
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(NftError::Start)?;
        let process = child.id();
        match self.talk(&mut child) {
            Ok(complaint) => {
                let status = child.wait().map_err(NftError::Talk)?;
                if status.success() { Ok(process) } else { Err(NftError::Refused(complaint)) }
            }
            Err(error) => {
                // Both fail only if it has ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn talk(&self, child: &mut Child) -> Result<String, NftError> {
        let mut input = child.stdin.take().expect("it was asked to be piped");
        input.write_all(self.text.as_bytes()).map_err(NftError::Talk)?;
        drop(input);
        let mut output = child.stderr.take().expect("it was asked to be piped");
        let deadline = clock::tick() + GIVE_UP_AFTER;
        let mut complaint = Vec::new();
        loop {
            let left = deadline.since(clock::tick());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            let mut fds = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) => return Err(NftError::Hung),
                Ok(_) => {}
                Err(nix::errno::Errno::EINTR) => continue,
                Err(error) => return Err(NftError::Talk(error.into())),
            }
            let mut bytes = [0; 512];
            match output.read(&mut bytes).map_err(NftError::Talk)? {
                0 => break,
                length if complaint.len() < MAX_COMPLAINT => complaint.extend_from_slice(&bytes[..length]),
                _ => {}
            }
        }
        Ok(String::from_utf8_lossy(&complaint).split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
