//! What a box recorded in the field is replayed on a desk: the same machines, the same commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use e2e::observer::{Family, Grace};
use e2e::scene::{Plot, play};
use lab::Link;

use crate::no_record_lost::flip;
use crate::switch::SWITCHED_WITHIN;
use crate::wans;

#[test]
fn the_recording_of_a_killed_daemon_is_kept_and_replays_to_the_same_commands() {
    play(&Plot::without_failback(), |scene| {
        let (_, b) = wans();
        let mut observer = scene.observe(Grace::default())?;
        scene.lab.cut(Link::A)?;
        for family in Family::BOTH {
            observer.wait_until_active(family, &b, SWITCHED_WITHIN)?;
        }
        flip(scene, 20)?;
        scene.drain()?;
        scene.daemon.kill()?;
        scene.start_daemon_again()?;

        let recording = find(&scene.branch.data, "unclean-end")?;
        let output = replay(&recording, &["--json"])?;
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("the report is JSON")?;
        ensure!(output.status.success(), "the replay went another way: {report:#}");
        let turns = report["turns"].as_u64().unwrap_or(0);
        ensure!(turns > 50, "a recording of {turns} turns shows nothing");
        Ok(())
    });
}

#[test]
fn what_is_no_recording_is_refused() {
    let folder = std::env::temp_dir().join(format!("holdfast-replay-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let file = folder.join("none.jsonl");
    for text in ["", "{}\n{}\n", "no JSON\nat all\n"] {
        std::fs::write(&file, text).expect("a temporary file");
        let output = replay(&file, &[]).expect("replay starts");
        assert_eq!(output.status.code(), Some(2), "{text:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let output = replay(&folder.join("absent"), &[]).expect("replay starts");
    assert!(String::from_utf8_lossy(&output.stderr).contains("absent"));
    std::fs::remove_dir_all(&folder).expect("our own folder");
}

fn replay(file: &Path, more: &[&str]) -> Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_replay")).arg(file).args(more).output().context("start replay")
}

fn find(folder: &Path, start: &str) -> Result<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| format!("read {}", next.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with(start) {
                return Ok(path);
            }
        }
    }
    anyhow::bail!("no recording `{start}...` below {}", folder.display())
}
