//! The systemd unit: what systemd makes of it, and what it promises.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::path::Path;
use std::process::Command;

const UNIT: &str = include_str!("../systemd/holdfastd.service");

#[test]
fn systemd_has_nothing_to_say_against_the_unit() {
    if analyze_is_missing() {
        // Without the tool the plain reader of this file is what there is.
        assert_eq!(odd_lines(UNIT), Vec::<&str>::new());
        return;
    }
    assert_eq!(verdict(UNIT), "");
}

#[test]
fn systemd_finds_a_mistake_in_a_unit() {
    if analyze_is_missing() {
        assert_eq!(odd_lines("[Service]\nRestart always\n"), ["Restart always"]);
        return;
    }
    let mistakes = [
        UNIT.replace("Restart=always", "Restrat=always"),
        UNIT.replace("WatchdogSec=10s", "WatchdogSec=soon"),
        UNIT.replace("SystemCallFilter=@system-service", "SystemCallFilter=@sistem-service"),
    ];
    for unit in mistakes {
        assert_ne!(verdict(&unit), "", "{unit}");
    }
}

#[test]
fn the_daemon_is_restarted_watched_and_told_when_it_is_ready() {
    for line in ["Type=notify", "Restart=always", "StartLimitIntervalSec=0", "WatchdogSec=10s"] {
        assert!(lines_of(UNIT).any(|found| found == line), "{line}");
    }
}

#[test]
fn nothing_is_taken_down_when_the_daemon_stops() {
    let stopping =
        lines_of(UNIT).filter(|line| line.starts_with("ExecStop") || line.starts_with("ExecReload"));
    assert_eq!(stopping.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_directories_are_those_of_run() {
    let help = Command::new(env!("CARGO_BIN_EXE_holdfastd")).args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (directive, default) in [
        ("RuntimeDirectory=holdfast", "[default: /run/holdfast]"),
        ("StateDirectory=holdfast", "[default: /var/lib/holdfast]"),
    ] {
        assert!(lines_of(UNIT).any(|line| line == directive), "{directive}");
        assert!(help.contains(default), "{help}");
    }
}

#[test]
fn what_the_daemon_needs_is_not_forbidden() {
    let of = |key: &str| lines_of(UNIT).find_map(|line| line.strip_prefix(key)).unwrap_or("").to_owned();
    let (capabilities, families) = (of("CapabilityBoundingSet="), of("RestrictAddressFamilies="));
    for capability in ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_NICE"] {
        assert!(capabilities.contains(capability), "{capabilities}");
    }
    for family in ["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"] {
        assert!(families.split(' ').any(|allowed| allowed == family), "{families}");
    }
    for (key, why) in [
        ("ProtectKernelTunables=", "sysctl"),
        ("PrivateDevices=", "serial line"),
        ("DevicePolicy=", "serial line"),
        ("ProtectClock=", "narrows devices"),
        ("PrivateNetwork=", "the network"),
        ("RestrictRealtime=", "the line card's thread"),
        ("PrivateUsers=", "the host's network"),
    ] {
        assert!(matches!(of(key).as_str(), "" | "no"), "{key} would take away {why}");
    }
    assert!(of("SystemCallFilter=").contains("adjtimex"), "the clock could not be believed");
}

#[test]
fn evidence_can_be_written_and_nobody_else_reads_it() {
    for line in ["ProtectSystem=strict", "StateDirectory=holdfast", "StateDirectoryMode=0700", "UMask=0077"] {
        assert!(lines_of(UNIT).any(|found| found == line), "{line}");
    }
    let closed = lines_of(UNIT)
        .find(|line| line.starts_with("ReadOnlyPaths=") || line.starts_with("InaccessiblePaths="));
    assert_eq!(closed, None);
}

/// What `systemd-analyze verify` says of the unit, with the program that was built in its place.
fn verdict(unit: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("holdfastd.service");
    std::fs::write(&path, unit.replace("/usr/bin/holdfastd", env!("CARGO_BIN_EXE_holdfastd"))).unwrap();
    let mut analyze = Command::new("systemd-analyze");
    let output = analyze.args(["verify", "--man=no", "--recursive-errors=no"]).arg(&path).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    // Units of the machine that runs the test are not our concern.
    let ours = words.lines().filter(|line| line.contains("holdfastd.service"));
    let ours: Vec<&str> = ours.collect();
    if ours.is_empty() && !output.status.success() { words } else { ours.join("\n") }
}

fn analyze_is_missing() -> bool {
    !["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].iter().any(|path| Path::new(path).exists())
}

/// Lines that are no section, comment or assignment.
fn odd_lines(unit: &str) -> Vec<&str> {
    let fits = |line: &&str| {
        line.is_empty()
            || line.starts_with('#')
            || (line.starts_with('[') && line.ends_with(']'))
            || line.split_once('=').is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    unit.lines().map(str::trim).filter(|line| !fits(line)).collect()
}

/// Assignments.
fn lines_of(unit: &str) -> impl Iterator<Item = &str> {
    unit.lines().map(str::trim).filter(|line| !line.starts_with('#') && line.contains('='))
}
