//! A file system in a file, mounted; and how it would be found after the power was cut.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

/// Room for the spool many times over, and quick to copy.
const BYTES: u64 = 48 * 1024 * 1024;

/// Attempts to copy a device that still writes; each takes some milliseconds.
const COPIES: usize = 200;

/// From here on this thread and its children see mounts of their own: whatever becomes of the test,
/// none stays behind.
pub(crate) fn private_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).expect("mounts need root: sudo cargo test, or cargo xtask test");
    let recursive = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, recursive, None::<&str>).expect("mounts can be made private");
}

/// An image file.
pub(crate) struct Image {
    file: PathBuf,
}

impl Image {
    /// An empty ext4.
    pub(crate) fn make(file: PathBuf) -> Self {
        File::create(&file).unwrap().set_len(BYTES).unwrap();
        run(Command::new("mkfs.ext4")
            .args(["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"])
            .arg(&file));
        Self { file }
    }

    /// Mounts it by a loop device, which goes with the mount. A journal is replayed.
    pub(crate) fn mount(&self, at: &Path) -> Mount {
        fs::create_dir_all(at).unwrap();
        run(Command::new("mount").args(["-t", "ext4", "-o", "loop"]).arg(&self.file).arg(at));
        Mount { at: at.to_owned() }
    }

    /// What a device without a volatile cache holds at this instant. The file system goes on by
    /// itself for a moment: two copies that are equal are of one instant.
    pub(crate) fn cut(&self, to: PathBuf) -> Self {
        let mut before = read_sparse(&self.file).unwrap();
        for _ in 0..COPIES {
            let after = read_sparse(&self.file).unwrap();
            if after == before {
                write_sparse(&to, &after).unwrap();
                return Self { file: to };
            }
            before = after;
        }
        panic!("{} does not come to rest", self.file.display());
    }
}

/// A mounted image.
pub(crate) struct Mount {
    at: PathBuf,
}

impl Mount {
    pub(crate) fn path(&self) -> &Path {
        &self.at
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if umount2(&self.at, MntFlags::empty()).is_err() {
            // A process that was just killed may still hold it: then it goes with its last user.
            umount2(&self.at, MntFlags::MNT_DETACH).ok();
        }
    }
}

/// The parts that hold data, with their places.
type Parts = Vec<(u64, Vec<u8>)>;

fn read_sparse(path: &Path) -> io::Result<Parts> {
    use nix::unistd::{Whence, lseek};
    let mut file = File::open(path)?;
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        let Ok(data) = lseek(&file, at, Whence::SeekData) else { return Ok(parts) };
        let hole = lseek(&file, data, Whence::SeekHole)?;
        let (start, length) = (u64::try_from(data).expect("after the start"), hole - data);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![0; usize::try_from(length).expect("after the data")];
        file.read_exact(&mut bytes)?;
        parts.push((start, bytes));
        at = hole;
    }
}

fn write_sparse(path: &Path, parts: &Parts) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.set_len(BYTES)?;
    for (start, bytes) in parts {
        file.seek(SeekFrom::Start(*start))?;
        file.write_all(bytes)?;
    }
    Ok(())
}

fn run(command: &mut Command) {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; install e2fsprogs, mount"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
