//! SIGKILL at every point of a switch. `strace` counts the daemon's messages to the kernel and kills
//! it instead of letting the n-th one out: no test code is in the product, and no point is skipped.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::observer::{Family, Grace};
use e2e::scene::{Plot, Scene, play};
use lab::{FlowFamily, Link, UdpFlow};
use nix::sys::signal::Signal;

use crate::{long_form, wans};

/// A switch of two families with its clean-up is a dozen messages; the rest kills after it.
const POINTS: usize = 14;
const POINTS_LONG: usize = 40;
/// The daemon dies or has switched and fallen silent.
const DIES_WITHIN: Duration = Duration::from_secs(4);

#[test]
fn a_kill_at_any_point_of_a_switch_leaves_one_default_and_the_next_daemon_goes_on() {
    play(&Plot::without_failback(), |scene| {
        let points = if long_form() { POINTS_LONG } else { POINTS };
        let grace = Grace { dead_standby: Duration::MAX, ..Grace::default() };
        let mut observer = scene.observe(grace)?;
        let mut udp = UdpFlow::start(&scene.lab, FlowFamily::V4, Duration::from_millis(1))?;
        let mut reached = BTreeSet::new();
        let (mut active, mut backup) = (Link::A, Link::B);

        for point in 1..=points {
            let begun = Instant::now();
            let switched = kill_at(scene, point, active)?;
            reached.insert(switched);
            let out = udp.report(begun)?.out;
            ensure!(out.gap() < Duration::from_secs(2), "point {point}: traffic stood for {:?}", out.gap());

            scene.start_daemon_again().with_context(|| format!("after the kill at point {point}"))?;
            for family in Family::BOTH {
                observer.wait_until_active(family, &backup.interface(), DIES_WITHIN)?;
            }
            scene.lab.restore(active)?;
            wait_for_standby(scene)?;
            (active, backup) = (backup, active);
        }

        ensure!(
            reached.is_superset(&BTreeSet::from([0, 1, 2])),
            "kills were to hit before, between and after the two families, but hit {reached:?}"
        );
        scene.judge(observer)?;
        Ok(())
    });
}

/// Cuts the active link and kills the daemon instead of its n-th message; how many families stood on
/// the other link by then.
fn kill_at(scene: &mut Scene, point: usize, active: Link) -> Result<usize> {
    scene.daemon.signal(Signal::SIGSTOP)?;
    let mut killer = Killer::attach(scene.daemon.pid(), point)?;
    scene.lab.cut(active)?;
    scene.daemon.signal(Signal::SIGCONT)?;
    let ended = scene.daemon.wait(DIES_WITHIN);
    if ended.is_err() {
        // There were fewer messages than that: then it is killed after the switch.
        scene.daemon.kill()?;
    }
    killer.child.wait().context("wait for strace")?;
    switched_families(scene, active)
}

fn switched_families(scene: &Scene, from: Link) -> Result<usize> {
    let mut switched = 0;
    for family in ["-4", "-6"] {
        let shown = scene.lab.branch().run(|| {
            Ok(Command::new("ip").args([family, "route", "show", "table", "99", "metric", "10"]).output()?)
        })?;
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        ensure!(shown.contains("default"), "no active default: {shown:?}");
        switched += usize::from(!shown.contains(&from.interface()));
    }
    Ok(switched)
}

fn wait_for_standby(scene: &mut Scene) -> Result<()> {
    scene.wait_until("a standby again", Duration::from_secs(15), |status| {
        let links = status["wan"]["links"].as_array()?;
        let families = status["wan"]["families"].as_array()?;
        let up = links.iter().all(|l| l["verdict"] == "up");
        (up && families.iter().all(|f| !f["standby"].is_null())).then_some(())
    })
}

/// A `strace` that is attached to a process and its threads.
struct Killer {
    child: Child,
}

impl Killer {
    fn attach(pid: u32, point: usize) -> Result<Self> {
        let inject = format!("inject=sendto,sendmsg:signal=SIGKILL:when={point}");
        let mut child = Command::new("strace")
            .args(["-f", "-e", "trace=sendto,sendmsg", "-e", &inject, "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("run strace: is the package installed?")?;
        let said = child.stderr.take().context("strace speaks on its standard error")?;
        let mut said = BufReader::new(said);
        let mut line = String::new();
        while !line.contains("attached") {
            line.clear();
            ensure!(
                said.read_line(&mut line)? > 0,
                "strace could not attach to the daemon: is ptrace allowed?"
            );
        }
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(Self { child })
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_kill_while_the_daemon_starts_leaves_nothing_that_the_next_one_cannot_take_over() {
    play(&Plot::without_failback(), |scene| {
        let (a, _) = wans();
        let mut observer =
            scene.observe(Grace { missing_rule: Duration::from_secs(5), ..Grace::default() })?;
        let step = if long_form() { 1 } else { 5 };

        for point in (1..40).step_by(step) {
            scene.daemon.kill()?;
            let inject = format!("inject=sendto,sendmsg:signal=SIGKILL:when={point}");
            let wrapper = ["strace", "-f", "-o", "/dev/null", "-e", "trace=sendto,sendmsg", "-e", &inject];
            scene.daemon = scene.branch.start_daemon_under(&scene.lab, &wrapper)?;
            if scene.daemon.wait(DIES_WITHIN).is_err() {
                scene.daemon.kill()?;
            }
            scene.start_daemon_again().with_context(|| format!("after the kill at message {point}"))?;
        }

        for family in Family::BOTH {
            observer.wait_until_active(family, &a, Duration::ZERO)?;
        }
        scene.judge(observer)?;
        Ok(())
    });
}
