//! The text files of the repository, read once. Binary files, build output and `.git` are left out.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// A repository has fewer files than this; more means that something else was read.
const MAX_FILES: usize = 5_000;

/// Folders whose content is not ours.
const FOREIGN: &[&str] = &[".git", ".venv", "target", "node_modules"];

/// The text files of the repository.
pub(super) struct Tree {
    /// In the order of their paths.
    pub(super) files: Vec<File>,
}

/// A text file.
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

impl Tree {
    /// Reads everything below a folder.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self { files: Vec::new() };
        tree.add(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// All files whose name ends so.
    pub(super) fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |f| f.path.ends_with(end))
    }

    /// One file by its path.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|f| f.path == path)
    }

    /// Whether a path is a file or a folder of the tree.
    pub(super) fn holds(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let below = |f: &File| f.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        path.is_empty() || self.files.iter().any(|f| f.path == path || below(f))
    }

    fn add(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().with_context(|| format!("cannot look at {path}"))?;
            if kind.is_dir() && !FOREIGN.contains(&name.as_str()) {
                self.add(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
                let text = String::from_utf8(bytes).unwrap_or_default();
                self.files.push(File { path, text });
            }
            ensure!(
                self.files.len() <= MAX_FILES,
                "more than {MAX_FILES} files: is build output in the tree?"
            );
        }
        Ok(())
    }
}

impl File {
    /// Lines with their numbers from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line))
    }

    /// `path:line`.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

#[cfg(test)]
pub(super) fn tree(files: &[(&str, &str)]) -> Tree {
    let files = files.iter().map(|(path, text)| File { path: (*path).into(), text: (*text).into() });
    Tree { files: files.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_read_without_its_build_output() {
        let tree = Tree::read(crate::cargo::root()).unwrap();
        assert!(tree.file("tools/xtask/src/tidy/tree.rs").is_some());
        assert!(tree.file("Cargo.lock").is_some());
        assert!(!tree.files.iter().any(|f| f.path.starts_with("target/") || f.path.starts_with(".git/")));
    }

    #[test]
    fn folders_are_held_but_not_their_beginnings() {
        let tree = tree(&[("hal/linux/src/lib.rs", "")]);
        for held in ["hal", "hal/linux/", "hal/linux/src/lib.rs", ""] {
            assert!(tree.holds(held), "{held}");
        }
        for not in ["hal/lin", "lib.rs", "hal/sim"] {
            assert!(!tree.holds(not), "{not}");
        }
    }
}
