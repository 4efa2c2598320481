//! What is listed. As root.

use std::process::Command;

use serde_json::Value;

use crate::common::{LoopDisk, MIB};

fn listed(more: &[&str], name: &str) -> Option<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast-flash"));
    let output = command.args(["list", "--json"]).args(more).output().expect("the program starts");
    assert!(output.status.success());
    let document: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    document["disks"].as_array().expect("there is a list").iter().find(|disk| disk["name"] == name).cloned()
}

#[test]
fn a_built_in_disk_is_listed_only_with_all_and_says_why_it_is_not_written() {
    let disk = LoopDisk::used(8 * MIB);

    assert_eq!(listed(&[], &disk.name()), None);

    let listed = listed(&["--all"], &disk.name()).expect("all are listed");
    assert_eq!(listed["bytes"], 8 * MIB);
    assert_eq!(listed["path"], disk.path.to_string_lossy().as_ref());
    assert_eq!(listed["refused"][0]["code"], "built_in");
}
