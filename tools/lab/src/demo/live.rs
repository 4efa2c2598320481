//! The live view: plays the demo in a child with `--json` and redraws from what it says.
//!
//! It knows nothing but those lines: whatever can be seen here can be read by any program.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

/// Steps that stay in view.
const STEPS_SHOWN: usize = 8;

/// One pulse of a flow is one character of its history.
const HISTORY: usize = 60;

/// What stands before a promise that held: it leaves the screen with its scene.
const HELD: &str = "  ok  ";

/// From the top left corner, everything erased.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Plays and draws. The exit code is the child's.
pub(crate) fn run(strict: bool) -> Result<ExitCode> {
    let own = std::env::current_exe().context("find the running executable")?;
    let mut command = Command::new(own);
    command.args(["demo", "--json"]).args(strict.then_some("--strict")).stdout(Stdio::piped());
    let mut child = command.spawn().context("start the demo in a child")?;
    let lines = BufReader::new(child.stdout.take().context("the child's output is a pipe")?).lines();
    let mut view = View::default();
    for line in lines {
        // Ctrl-C reaches the child too: it tidies up and ends, and so does this loop.
        let Ok(event) = serde_json::from_str::<Value>(&line?) else { continue };
        view.take(&event);
        let mut out = std::io::stdout().lock();
        write!(out, "{CLEAR}{}", view.drawing()).and_then(|()| out.flush()).ok();
    }
    let code = child.wait().context("wait for the demo")?.code();
    Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
}

/// Everything on the screen.
#[derive(Debug, Default)]
struct View {
    scene: String,
    steps: Vec<String>,
    links: Vec<String>,
    telemetry: String,
    flows: [String; 2],
    rows: Vec<String>,
    last_word: String,
}

impl View {
    fn take(&mut self, event: &Value) {
        let text = || event["text"].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("scene") => {
                self.scene = format!("[{}] {}", event["scene"], text());
                self.rows.retain(|row| !row.starts_with(HELD));
            }
            Some("step") => {
                self.steps.push(format!(
                    "{:>6.1} s  {}",
                    event["t_ms"].as_f64().unwrap_or(0.0) / 1e3,
                    text()
                ));
                let extra = self.steps.len().saturating_sub(STEPS_SHOWN);
                self.steps.drain(..extra);
            }
            Some("measured") => self.rows.push(row(event)),
            Some("pulse") => self.pulse(event),
            Some("end") => {
                let word =
                    if event["held"] == true { "All promises held." } else { "NOT all promises held." };
                word.clone_into(&mut self.last_word);
            }
            Some(_) | None => {}
        }
    }

    fn pulse(&mut self, event: &Value) {
        let links = event["links"].as_array().into_iter().flatten();
        self.links = links.map(link).collect();
        let mqtt = event["mqtt"].as_str().map_or("cut off".to_owned(), |link| format!("over {link}"));
        self.telemetry = format!("telemetry {mqtt}, {} records spooled", event["spooled"]);
        for (history, family) in self.flows.iter_mut().zip(["ipv4", "ipv6"]) {
            history.push(health(&event["udp"][family]));
            let extra = history.chars().count().saturating_sub(HISTORY);
            *history = history.chars().skip(extra).collect();
        }
    }

    fn drawing(&self) -> String {
        let mut text = format!("Holdfast, first light    {}\n\n", self.scene);
        let mut line = |content: &str| {
            text.push_str(content);
            text.push('\n');
        };
        self.links.iter().for_each(|link| line(link));
        line(&format!("  {}\n", self.telemetry));
        line(&format!("  UDP IPv4  {}", self.flows[0]));
        line(&format!("  UDP IPv6  {}   . all arrive   o some lost   X silence\n", self.flows[1]));
        self.steps.iter().for_each(|step| line(step));
        line("");
        self.rows.iter().for_each(|row| line(row));
        line(&format!("\n{}", self.last_word));
        text
    }
}

fn link(link: &Value) -> String {
    let word = |key: &str| link[key].as_str().unwrap_or("?");
    let carries = if link["active"] == true { "==> carries" } else { "" };
    format!("  {:<8} {:<5} {:<12} {carries}", word("name"), word("family"), word("verdict"))
}

fn row(event: &Value) -> String {
    let word = |key: &str| event[key].as_str().unwrap_or("?");
    let mark = match (event["held"] == true, word("kind")) {
        (true, _) => HELD,
        (false, "time") => "  late",
        (false, _) => "  NO  ",
    };
    format!("{mark} {}: {} (promised: {})", word("what"), word("measured"), word("promised"))
}

fn health(flow: &Value) -> char {
    match (flow["sent"].as_u64().unwrap_or(0), flow["lost"].as_u64().unwrap_or(0)) {
        (0, _) => ' ',
        (_, 0) => '.',
        (sent, lost) if lost < sent => 'o',
        (_, _) => 'X',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_told_is_what_is_drawn() {
        let mut view = View::default();
        let flow = |sent, lost| json!({"sent": sent, "lost": lost});
        for event in [
            json!({"event": "scene", "scene": 2, "text": "the cable", "t_ms": 1}),
            json!({"event": "step", "scene": 2, "text": "no carrier", "t_ms": 1500}),
            json!({"event": "pulse", "links": [{"name": "lte", "family": "ipv4", "verdict": "up", "active": true}],
                   "mqtt": "lte", "spooled": 7, "udp": {"ipv4": flow(9, 0), "ipv6": flow(9, 3)}}),
            json!({"event": "pulse", "links": [], "mqtt": null, "spooled": 8,
                   "udp": {"ipv4": flow(9, 9), "ipv6": flow(0, 0)}}),
            json!({"event": "measured", "what": "gap", "kind": "time", "promised": "<= 1 s", "measured": "2 s",
                   "held": false}),
            json!({"event": "end", "held": false}),
            json!({"event": "of another version"}),
        ] {
            view.take(&event);
        }
        let drawn = view.drawing();
        for part in [
            "[2] the cable",
            "1.5 s  no carrier",
            "telemetry cut off, 8 records",
            "IPv4  .X",
            "IPv6  o ",
            "late gap: 2 s (promised: <= 1 s)",
            "NOT all promises held.",
        ] {
            assert!(drawn.contains(part), "{part:?} is not in:\n{drawn}");
        }
    }

    #[test]
    fn a_long_play_stays_on_the_screen() {
        let mut view = View::default();
        for n in 0..1000 {
            view.take(&json!({"event": "step", "text": format!("step {n}"), "t_ms": n}));
            view.take(&json!({"event": "pulse", "udp": {"ipv4": {"sent": 1, "lost": 0}}}));
        }
        for n in 0..9 {
            let held = n % 3 > 0;
            view.take(
                &json!({"event": "measured", "what": "w", "kind": "behaviour", "promised": "", "measured": "",
                              "held": held}),
            );
            view.take(&json!({"event": "scene", "scene": n, "text": ""}));
        }
        assert_eq!(view.rows.len(), 3, "only what did not hold outlives its scene: {:?}", view.rows);
        assert_eq!((view.steps.len(), view.flows[0].len()), (STEPS_SHOWN, HISTORY));
        assert!(view.drawing().contains("step 999"));
    }
}
