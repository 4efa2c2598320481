//! A machine of files for tests: `/sys/block`, mounts and swaps.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

pub(crate) struct Tree(TempDir);

impl Tree {
    /// Nothing mounted, no swap, no disk.
    pub(crate) fn new() -> Self {
        let tree = Self(TempDir::new().expect("there is room for a folder"));
        tree.file("proc/self/mountinfo", "");
        tree.file("proc/swaps", "Filename Type Size Used Priority\n");
        tree.folder("sys/block");
        tree
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    /// A disk at its place in `/sys`, linked from `/sys/block`.
    pub(crate) fn disk(&self, place: &str, number: &str, sectors: u64) {
        let name = place.rsplit('/').next().expect("a path has a last part");
        self.file(&format!("sys/{place}/dev"), number);
        self.file(&format!("sys/{place}/size"), &sectors.to_string());
        symlink(format!("../{place}"), self.root().join("sys/block").join(name)).expect("the link is free");
    }

    pub(crate) fn partition(&self, disk: &str, name: &str, number: &str) {
        self.file(&format!("sys/block/{disk}/{name}/dev"), number);
        self.file(&format!("sys/block/{disk}/{name}/partition"), "1");
    }

    pub(crate) fn folder(&self, path: &str) {
        fs::create_dir_all(self.root().join(path)).expect("the folder can be made");
    }

    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// One line of `mountinfo` per mount: number, place, source.
    pub(crate) fn mounts(&self, mounts: &[(&str, &str, &str)]) {
        let line = |(i, (number, point, source)): (usize, &(&str, &str, &str))| {
            format!("{i} 1 {number} / {point} rw,relatime shared:1 - ext4 {source} rw\n")
        };
        self.file("proc/self/mountinfo", &mounts.iter().enumerate().map(line).collect::<String>());
    }
}
