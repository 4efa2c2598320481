//! SIGKILL at every point of a switch. `strace` counts what the daemon's own thread says to the kernel
//! over its routing socket, and kills it instead of letting the n-th message out: no test code is in
//! the product, no point is skipped, and the same point is hit each time.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::observer::{Family, Grace};
use e2e::scene::{Plot, Scene, play};
use lab::{FlowFamily, Link, UdpFlow};
use nix::sys::signal::Signal;

use crate::{long_form, wans};

/// A switch of two families with its clean-up is about a dozen messages.
const MAX_POINTS: usize = 40;
/// Until each of before, between and after was hit.
const MAX_SWEEPS: usize = 4;
/// The daemon dies by then, or there are fewer messages than that.
const DIES_WITHIN: Duration = Duration::from_secs(2);
/// Hold times and an allowance.
const SETTLED_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn a_kill_at_any_point_of_a_switch_leaves_one_default_and_the_next_daemon_goes_on() {
    play(&Plot::without_failback(), |scene| {
        let grace = Grace { dead_standby: Duration::MAX, ..Grace::default() };
        let observer = scene.observe(grace)?;
        let mut udp = UdpFlow::start(&scene.lab, FlowFamily::V4, Duration::from_millis(1))?;
        let mut hit = Vec::new();

        // The daemon may look at the routes before it changes them, so that one sweep may jump over
        // the instant between the families.
        for _ in 0..MAX_SWEEPS {
            sweep(scene, &mut udp, &mut hit)?;
            if covered(&hit) && !long_form() {
                break;
            }
        }

        ensure!(
            covered(&hit),
            "kills were to hit before, between and after the two families, but hit {hit:?}"
        );
        scene.judge(observer)?;
        Ok(())
    });
}

/// Kills at the first, the second, the third message of a switch, until a switch has fewer. `hit`
/// gets how many families stood on the other link each time.
fn sweep(scene: &mut Scene, udp: &mut UdpFlow, hit: &mut Vec<usize>) -> Result<()> {
    for point in 1..=MAX_POINTS {
        let active = wait_for_rest(scene)?;
        let begun = Instant::now();
        let killed = kill_at(scene, point, active)?;
        hit.extend(killed);
        scene.start_daemon_again().with_context(|| format!("after the kill at point {point}"))?;
        scene.wait_until("a switch away from the dead link", SETTLED_WITHIN, |status| {
            let families = status["wan"]["families"].as_array()?;
            families.iter().all(|f| f["active"] != active.number()).then_some(())
        })?;
        let gap = udp.report(begun)?.out.gap();
        ensure!(gap < Duration::from_secs(2), "point {point}: traffic stood still for {gap:?}");
        scene.lab.restore(active)?;
        if killed.is_none() {
            return Ok(());
        }
    }
    bail!("a switch takes more than {MAX_POINTS} messages")
}

fn covered(hit: &[usize]) -> bool {
    (0..=2).all(|families| hit.contains(&families))
}

/// Cuts the active link and kills the daemon instead of its n-th message. How many families stood on
/// the other link by then; `None` if there were fewer messages, and it was killed when all was done.
fn kill_at(scene: &mut Scene, point: usize, active: Link) -> Result<Option<usize>> {
    scene.daemon.signal(Signal::SIGSTOP)?;
    let mut killer = Killer::attach(scene.daemon.pid(), point)?;
    scene.lab.cut(active)?;
    scene.daemon.signal(Signal::SIGCONT)?;
    let reached = scene.daemon.wait(DIES_WITHIN).is_ok();
    if !reached {
        scene.daemon.kill()?;
    }
    killer.child.wait().context("wait for strace")?;
    let switched = switched_families(scene, active)?;
    ensure!(reached || switched == 2, "{switched} families switched although nobody killed it");
    Ok(reached.then_some(switched))
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

/// Both links work, both families are on the same one: which?
fn wait_for_rest(scene: &mut Scene) -> Result<Link> {
    scene.wait_until("rest", SETTLED_WITHIN, |status| {
        let links = status["wan"]["links"].as_array()?;
        let families = status["wan"]["families"].as_array()?;
        let active = families.first()?["active"].as_u64()?;
        let settled = families.iter().all(|f| f["active"] == active && !f["standby"].is_null());
        let up = links.iter().all(|l| l["verdict"] == "up");
        (settled && up).then_some(Link::new(u8::try_from(active).ok()?)?)
    })
}

/// A `strace` that is attached to the daemon's own thread.
struct Killer {
    child: Child,
}

impl Killer {
    fn attach(pid: u32, point: usize) -> Result<Self> {
        let mut command = Command::new("strace");
        for socket in routing_sockets(pid)? {
            command.args(["-P", &socket]);
        }
        let mut child = command
            .args(["-e", "trace=sendto", "-e", &kill_at_message(point), "-p", &pid.to_string()])
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

fn kill_at_message(point: usize) -> String {
    format!("inject=sendto:signal=SIGKILL:when={point}")
}

/// The process's sockets that speak NETLINK_ROUTE and listen to no group, as `strace -P` names them.
fn routing_sockets(pid: u32) -> Result<Vec<String>> {
    let table =
        std::fs::read_to_string(format!("/proc/{pid}/net/netlink")).context("read the netlink sockets")?;
    let rows = table.lines().map(|l| l.split_whitespace().collect::<Vec<_>>());
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    let inodes = rows.filter(|r| r.len() == 10 && r[1] == "0" && r[3] == "00000000").map(|r| r[9].to_owned());
    let routing: BTreeSet<String> = inodes.map(|inode| format!("socket:[{inode}]")).collect();
    let mut found = Vec::new();
    for fd in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let target = std::fs::read_link(fd?.path()).unwrap_or_default().to_string_lossy().into_owned();
        found.extend(routing.get(&target).cloned());
    }
    ensure!(!found.is_empty(), "the daemon {pid} has no routing socket");
    Ok(found)
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
            let inject = kill_at_message(point);
            let wrapper = ["strace", "-o", "/dev/null", "-e", "trace=sendto", "-e", &inject];
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
