//! Follows a file that a child writes, line by line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A file tells nobody that it grew: it is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A reader that waits for more at the end of its file.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    partial: String,
}

impl Lines {
    /// From the beginning of the file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        Ok(Self { path: path.to_owned(), reader: BufReader::new(file), partial: String::new() })
    }

    /// The next whole line, if it is there already.
    pub fn next_ready(&mut self) -> Result<Option<String>> {
        self.reader.read_line(&mut self.partial).with_context(|| format!("read {}", self.path.display()))?;
        if self.partial.ends_with('\n') {
            let line = std::mem::take(&mut self.partial);
            return Ok(Some(line.trim_end().to_owned()));
        }
        Ok(None)
    }

    /// Waits for the first line that `wanted` makes something of; other lines are passed over.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + within;
        loop {
            while let Some(line) = self.next_ready()? {
                if let Some(found) = wanted(&line) {
                    return Ok(found);
                }
            }
            if Instant::now() >= deadline {
                bail!("no {what} in {} within {within:?}", self.path.display());
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits for the first line that is JSON and satisfies `wanted`.
    pub fn wait_for_json(
        &mut self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Result<Value> {
        self.wait_for(what, within, |line| serde_json::from_str(line).ok().filter(|value| wanted(value)))
    }
}

/// The last lines of a log, each with the log's name in front, for people.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    all[all.len().saturating_sub(lines)..].iter().map(|line| format!("  {name} | {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_line_counts_only_when_it_is_whole() {
        let path = std::env::temp_dir().join(format!("lab-lines-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        let mut lines = Lines::open(&path).unwrap();

        write!(file, "one\ntw").unwrap();
        assert_eq!(lines.next_ready().unwrap().as_deref(), Some("one"));
        assert_eq!(lines.next_ready().unwrap(), None);
        writeln!(file, "o").unwrap();
        assert_eq!(lines.next_ready().unwrap().as_deref(), Some("two"));
        let late = lines.wait_for("three", Duration::from_millis(5), |line| (line == "three").then_some(()));
        assert!(late.unwrap_err().to_string().contains("no three in"));

        std::fs::remove_file(path).unwrap();
    }
}
