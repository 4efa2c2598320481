//! Files that are broken, missing or wrong: the daemon says what, where and how to put it right, and
//! leaves the kernel as it was.

use std::fs;
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use lab::{Branch, Lab, LabOptions, SiteOptions};

/// `read` failed: nothing was touched.
const READ: i32 = 2;

/// Builds a lab without starting anybody.
fn with_branch(act: impl FnOnce(&Lab, &Branch) -> Result<()>) {
    let lab = Lab::build(&LabOptions::default()).unwrap_or_else(|error| panic!("{error:#}"));
    let branch = Branch::prepare(&lab, &SiteOptions::default()).unwrap_or_else(|error| panic!("{error:#}"));
    if let Err(error) = act(&lab, &branch) {
        panic!("{error:#}");
    }
}

fn run(lab: &Lab, mut command: Command) -> Result<Output> {
    lab.branch().run(|| Ok(command.output()?))
}

/// The daemon refuses with all of these words and has changed nothing.
fn refuses(lab: &Lab, branch: &Branch, words: &[&str]) -> Result<()> {
    let output = run(lab, branch.daemon_command()?)?;
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(READ), "it ended with {}: {said}", output.status);
    for word in words {
        ensure!(said.contains(word), "no word of {word:?} in: {said}");
    }
    untouched(lab)
}

fn untouched(lab: &Lab) -> Result<()> {
    for command in ["ip -4 rule show", "ip -6 rule show", "nft list tables", "ip route show table all"] {
        let mut words = command.split(' ');
        let mut shell = Command::new(words.next().unwrap_or_default());
        shell.args(words);
        let shown = String::from_utf8_lossy(&run(lab, shell)?.stdout).into_owned();
        for ours in ["lookup 99", "table 99", "holdfast", "0xff00"] {
            ensure!(!shown.contains(ours), "half-applied: `{command}` shows {shown}");
        }
    }
    Ok(())
}

#[test]
fn broken_toml_is_refused_with_file_and_line() {
    with_branch(|lab, branch| {
        let good = fs::read_to_string(&branch.site_file)?;
        branch.write_site(&good.replacen("[lan]", "[lan", 1))?;
        refuses(lab, branch, &["site.toml:3"])
    });
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    with_branch(|lab, branch| {
        let good = fs::read_to_string(&branch.site_file)?;
        branch.write_site(&good.replacen("preference =", "preferance =", 1))?;
        refuses(lab, branch, &["site.toml:", "preferance", "preference"])
    });
}

#[test]
fn a_site_that_contradicts_its_board_is_refused_with_all_its_faults_at_once() {
    with_branch(|lab, branch| {
        let good = fs::read_to_string(&branch.site_file)?;
        let bad = good.replacen("\"wan1\"", "\"wan99\"", 1).replacen("line = 1", "line = 40", 1);
        branch.write_site(&bad)?;
        refuses(lab, branch, &["wan99", "40"])
    });
}

#[test]
fn a_missing_site_file_is_named() {
    with_branch(|lab, branch| {
        fs::remove_file(&branch.site_file)?;
        refuses(lab, branch, &["site.toml"])
    });
}

#[test]
fn a_missing_board_is_named() {
    with_branch(|lab, branch| {
        fs::remove_file(branch.boards.join("lab-branch.toml"))?;
        refuses(lab, branch, &["lab-branch"])
    });
}

#[test]
fn a_missing_key_file_is_named() {
    with_branch(|lab, branch| {
        let key = &branch.certificates.site.key;
        fs::remove_file(key)?;
        refuses(lab, branch, &[&key.to_string_lossy()])
    });
}

#[test]
fn a_key_file_that_is_no_key_is_named() {
    with_branch(|lab, branch| {
        let key = &branch.certificates.site.key;
        fs::write(key, "no key at all\n")?;
        refuses(lab, branch, &[&key.to_string_lossy()])
    });
}

#[test]
fn an_empty_site_file_is_refused() {
    with_branch(|lab, branch| {
        branch.write_site("")?;
        refuses(lab, branch, &["site.toml", "site"])
    });
}
