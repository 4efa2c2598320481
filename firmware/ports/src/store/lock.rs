//! One daemon per directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::StoreError;

/// Held as long as the store's thread lives. Empty if the directory cannot be written at all: then
/// there is nothing to protect.
pub(super) struct Lock {
    _file: Option<Flock<File>>,
}

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        if let Err(error) = std::fs::create_dir_all(dir) {
            tracing::debug!(%error, ?dir, "no directory to lock");
            return Ok(Self { _file: None });
        }
        let path = dir.join("lock");
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let Ok(file) = opened else { return Ok(Self { _file: None }) };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Self { _file: Some(signed(file)) }),
            Err((file, Errno::EWOULDBLOCK)) => {
                Err(StoreError::InUse { dir: dir.to_owned(), pid: holder(file) })
            }
            Err((_, errno)) => {
                tracing::debug!(%errno, ?path, "this file system has no locks");
                Ok(Self { _file: None })
            }
        }
    }
}

/// The process id is a courtesy to whoever is refused; a full disk must not keep the lock away.
fn signed(mut file: Flock<File>) -> Flock<File> {
    let written = file.set_len(0).and_then(|()| write!(*file, "{}", std::process::id()));
    if let Err(error) = written {
        tracing::debug!(%error, "the lock carries no process id");
    }
    file
}

fn holder(mut file: File) -> String {
    let mut pid = String::new();
    match file.read_to_string(&mut pid) {
        Ok(_) if !pid.is_empty() => pid,
        Ok(_) | Err(_) => "unknown".to_owned(),
    }
}
