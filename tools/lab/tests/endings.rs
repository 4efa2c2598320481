//! However a lab's owner ends, nothing of the lab stays. Needs root.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab::Prefix;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn a_signal_removes_the_lab_before_its_owner_ends() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut owner = owner_of_a_lab();
        assert_eq!(left_by(owner.id()).len(), 6);

        kill(Pid::from_raw(owner.id().try_into().unwrap()), signal).unwrap();

        let status = owner.wait().unwrap();
        assert_eq!(status.code(), Some(128 + signal as i32));
        assert_eq!(left_by(owner.id()), Vec::<String>::new(), "{signal}");
    }
}

#[test]
fn what_a_killed_owner_leaves_is_swept_by_the_next() {
    let mut owner = owner_of_a_lab();
    owner.kill().unwrap();
    owner.wait().unwrap();

    // Another test's lab may sweep at the same time: what counts is that it is gone.
    let sweep = Command::new(env!("CARGO_BIN_EXE_holdfast-lab")).arg("sweep").output().unwrap();

    assert!(sweep.status.success());
    let deadline = Instant::now() + Duration::from_secs(5);
    while !left_by(owner.id()).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", left_by(owner.id()));
    }
}

/// A process that has built a lab and waits.
fn owner_of_a_lab() -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast-lab"));
    let mut owner = command.arg("up").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.starts_with("up;")), "the lab was not built");
    owner
}

/// Namespaces and folders of labs of this process.
fn left_by(pid: u32) -> Vec<String> {
    let names =
        ["/run/netns", "/run/holdfast-lab"].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Prefix::of(name).is_some_and(|prefix| prefix.owner() == pid)).collect()
}
