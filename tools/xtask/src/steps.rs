//! Long work in named steps: a line when one begins, a line with its duration when it ends, a table
//! at the end. A step that fails does not stop the next one unless the caller says so.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The steps of one command.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<Done>,
}

struct Done {
    name: String,
    took: Duration,
    held: bool,
}

impl Steps {
    /// Starts the clock.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), done: Vec::new() }
    }

    /// Runs one step; `true` if it held. Its error is shown at once.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> anyhow::Result<()>) -> bool {
        eprintln!("==> {name}");
        let started = Instant::now();
        let outcome = step();
        let took = started.elapsed();
        match &outcome {
            Ok(()) => eprintln!("<== {name}: ok, {}", seconds(took)),
            Err(error) => eprintln!("<== {name}: FAILED after {}: {error:#}", seconds(took)),
        }
        self.done.push(Done { name: name.to_owned(), took, held: outcome.is_ok() });
        outcome.is_ok()
    }

    /// Prints the table; success only if every step held and there was at least one.
    pub(crate) fn finish(self) -> ExitCode {
        eprintln!("{}", table(&self.done, self.started.elapsed()));
        if self.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn held(&self) -> bool {
        !self.done.is_empty() && self.done.iter().all(|d| d.held)
    }
}

fn table(done: &[Done], total: Duration) -> String {
    let width = done.iter().map(|d| d.name.len()).max().unwrap_or(0).max("total".len());
    let mut lines = vec![String::new()];
    for step in done {
        let verdict = if step.held { "ok" } else { "FAILED" };
        lines.push(format!("  {:width$}  {:>8}  {verdict}", step.name, seconds(step.took)));
    }
    lines.push(format!("  {:width$}  {:>8}", "total", seconds(total)));
    lines.join("\n")
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_whole_and_the_next_still_runs() {
        let mut steps = Steps::new();
        assert!(steps.run("first", || Ok(())));
        assert!(!steps.run("second", || anyhow::bail!("broken on purpose")));
        assert!(steps.run("third", || Ok(())));
        assert!(!steps.held());
        assert_eq!(steps.done.len(), 3);
    }

    #[test]
    fn no_step_at_all_is_no_success() {
        assert!(!Steps::new().held());
    }

    #[test]
    fn the_table_names_each_step_with_its_time_and_verdict() {
        let done = [
            Done { name: "fmt".into(), took: Duration::from_millis(1500), held: true },
            Done { name: "clippy".into(), took: Duration::from_secs(90), held: false },
        ];
        let text = table(&done, Duration::from_secs(92));
        assert!(text.contains("fmt        1.5 s  ok"), "{text}");
        assert!(text.contains("clippy    90.0 s  FAILED"), "{text}");
        assert!(text.contains("total     92.0 s"), "{text}");
    }
}
