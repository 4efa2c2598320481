//! `--keep`: the branch stays up and people break it themselves.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::{Blackhole, Link};

use super::ledger::shown;
use super::stage::Stage;

const HELP: &str = "  cut a         pull a cable               blackhole a   packets vanish, carrier stays
  loss a 20     lose 20 % of packets       heal a        end every fault of a link
  off 0, on 0   a line's hook              status, links, explain
  gaps          what the flows felt since the last command that broke something
  quit";

/// Takes commands from standard input until `quit` or its end.
pub(crate) fn take_commands(stage: &mut Stage) -> Result<()> {
    println!(
        "\nThe branch stays up. Look inside with `ip netns exec {}-box ip route show table 99`.",
        stage.lab.prefix()
    );
    println!("{HELP}");
    let mut since = Instant::now();
    loop {
        print!("holdfast> ");
        std::io::stdout().flush()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).context("read a command")? == 0 {
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if words == ["quit"] {
            return Ok(());
        }
        match obey(stage, &words, &mut since) {
            Ok(answer) => println!("{answer}"),
            Err(error) => println!("{error:#}"),
        }
    }
}

fn obey(stage: &mut Stage, words: &[&str], since: &mut Instant) -> Result<String> {
    if let ["cut" | "blackhole" | "loss" | "heal", ..] = words {
        stage.restart_flows()?;
        *since = Instant::now();
    }
    match words {
        [] => Ok(String::new()),
        ["cut", letter] => done(stage.lab.cut(link(letter)?)),
        ["blackhole", letter] => done(stage.lab.blackhole(link(letter)?, Blackhole::default())),
        ["loss", letter, pct] => done(stage.lab.loss(link(letter)?, pct.parse().context("a percentage")?)),
        ["heal", letter] => done(stage.lab.heal(link(letter)?)),
        ["off" | "on", _] => stage.card.command(&words.join(" ")).map(|answer| answer.to_string()),
        ["status" | "links" | "explain"] => stage.branch.ask_for_people(words[0]),
        ["gaps"] => gaps(stage, *since),
        _ => bail!("there is no {:?} here; these are:\n{HELP}", words.join(" ")),
    }
}

fn done(result: Result<()>) -> Result<String> {
    result.map(|()| "done".to_owned())
}

fn link(letter: &str) -> Result<Link> {
    Link::from_letter(letter).with_context(|| format!("{letter:?} is no link: use a or b"))
}

fn gaps(stage: &mut Stage, since: Instant) -> Result<String> {
    let (four, six) = (stage.udp4.report(since)?.round, stage.udp6.report(since)?.round);
    let tcp = stage.tcp.report(since)?;
    let silence = |us: u64| shown(Duration::from_micros(us));
    Ok(format!(
        "UDP IPv4: {} lost, longest silence {}\nUDP IPv6: {} lost, longest silence {}\n\
         TCP: {} answers, {} resets, {} hangs, longest wait {}",
        four.lost,
        silence(four.silence_us),
        six.lost,
        silence(six.silence_us),
        tcp.answers,
        tcp.resets,
        tcp.hangs,
        silence(tcp.stall_us),
    ))
}
