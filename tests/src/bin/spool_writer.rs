//! The spool's port in a process of its own, to be stopped at any instant.
//!
//! `write DIR` appends and deletes without end and says each step on its standard output: `give`
//! and `delete` before it asks, `stored` after the port has said so. `write DIR --lie` says `stored`
//! when it only asks. `read DIR` says what the spool holds, as JSON lines.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::spool_records::{class_of, content};
use noc_messages::{Class, Position};
use outbox::{StoreReport, StoreRequest, StoredRecord};
use ports::store::{StoreConfig, StoreHandle, spawn};
use serde_json::json;
use tokio::sync::mpsc;

/// Records given and not yet stored.
const OUTSTANDING: usize = 64;

/// Records of a class that stay in the spool; what is older is deleted.
const KEPT: u64 = 150;

/// Records of one read.
const CHUNK: u16 = 200;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["write", dir] => write(Path::new(dir), false),
        ["write", dir, "--lie"] => write(Path::new(dir), true),
        ["read", dir] => read(Path::new(dir)),
        _ => bail!("say: spool_writer write DIR [--lie], or: spool_writer read DIR"),
    }
}

struct Writer {
    store: StoreHandle,
    reports: mpsc::Receiver<StoreReport>,
    lie: bool,
    boot: u32,
    next: u64,
    outstanding: usize,
    stored: BTreeMap<Class, Vec<Position>>,
}

fn write(dir: &Path, lie: bool) -> Result<()> {
    let (tell, reports) = mpsc::channel(1024);
    let (store, recovered) = spawn(StoreConfig { dir: dir.to_owned() }, tell)?;
    say(&format!("open {}", recovered.boot))?;
    let stored = BTreeMap::new();
    let mut writer = Writer { store, reports, lie, boot: recovered.boot, next: 1, outstanding: 0, stored };
    loop {
        writer.give()?;
        writer.hear()?;
        writer.forget()?;
    }
}

impl Writer {
    /// One record that must be on the platter at once, or some that may share a commit.
    fn give(&mut self) -> Result<()> {
        let class = class_of(self.next);
        let sync = class != Class::State;
        let most = if sync { 1 } else { 1 + self.next / 10 % 7 };
        let seqs = (self.next..self.next + most).take_while(|seq| class_of(*seq) == class);
        let records: Vec<_> = seqs.map(|seq| self.record(seq)).collect();
        self.next += records.len() as u64;
        self.outstanding += records.len();
        for record in &records {
            say_position("give", record.position)?;
        }
        for record in records.iter().filter(|_| self.lie) {
            say_position("stored", record.position)?;
        }
        self.store.send(StoreRequest::Append { records, sync });
        Ok(())
    }

    fn record(&self, seq: u64) -> StoredRecord {
        let position = Position { boot: self.boot, seq };
        StoredRecord { class: class_of(seq), position, json: content(self.boot, seq) }
    }

    /// Waits only when too much is outstanding, so that commits gather.
    fn hear(&mut self) -> Result<()> {
        loop {
            let report = if self.outstanding >= OUTSTANDING {
                self.reports.blocking_recv().context("the spool's thread ended")?
            } else {
                match self.reports.try_recv() {
                    Ok(report) => report,
                    Err(_) => return Ok(()),
                }
            };
            self.take(report)?;
        }
    }

    fn take(&mut self, report: StoreReport) -> Result<()> {
        match report {
            StoreReport::Stored(positions) => {
                self.outstanding -= positions.len();
                for position in positions {
                    if !self.lie {
                        say_position("stored", position)?;
                    }
                    self.stored.entry(class_of(position.seq)).or_default().push(position);
                }
                Ok(())
            }
            StoreReport::Deleted { .. } => Ok(()),
            StoreReport::Failed { why, .. } => bail!("the spool failed: {why}"),
            StoreReport::Read { .. } | StoreReport::Evicted { .. } => bail!("an answer to no question"),
        }
    }

    /// As the collector's watermark would have it.
    fn forget(&mut self) -> Result<()> {
        for (class, stored) in &mut self.stored {
            let surplus = stored.len().saturating_sub(usize::try_from(KEPT)?);
            // A few at a time, as watermarks come.
            if surplus < 20 {
                continue;
            }
            let upto = stored[surplus - 1];
            stored.drain(..surplus);
            say_position("delete", upto)?;
            self.store.send(StoreRequest::Delete { class: *class, upto });
        }
        Ok(())
    }
}

fn read(dir: &Path) -> Result<()> {
    let (tell, mut reports) = mpsc::channel(16);
    let (store, recovered) = spawn(StoreConfig { dir: dir.to_owned() }, tell)?;
    let newest: Vec<_> = recovered.classes.iter().map(|(class, of)| (class, of.newest)).collect();
    let (boot, damage) = (recovered.boot, &recovered.damage);
    say(&json!({ "boot": boot, "damage": damage, "newest": newest }).to_string())?;
    for class in Class::DURABLE {
        let mut after = None;
        loop {
            store.send(StoreRequest::Read { class, after, limit: CHUNK });
            let report = reports.blocking_recv().context("the spool's thread ended")?;
            let StoreReport::Read { records, .. } = report else { bail!("no answer to a read: {report:?}") };
            let Some(last) = records.last() else { break };
            ensure!(Some(last.position) > after, "a read that does not go on");
            after = Some(last.position);
            for record in &records {
                let place = (record.position.boot, record.position.seq);
                say(&json!({ "class": record.class, "at": place, "content": record.json }).to_string())?;
            }
        }
    }
    ensure!(store.close(Duration::from_secs(10)), "the spool's thread did not finish");
    Ok(())
}

fn say_position(word: &str, position: Position) -> Result<()> {
    say(&format!("{word} {} {}", position.boot, position.seq))
}

/// One write for each line: a process that is stopped leaves whole lines.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    Ok(out.flush()?)
}
