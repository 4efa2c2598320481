//! What is said: sentences for a technician, or one JSON object a line for a program. Never both.

use std::io::{self, Write as _};

use holdfast_flash::card::{Outcome, Phase};
use holdfast_flash::guard::Refusal;
use holdfast_flash::prepare::{Prepared, Signed};
use holdfast_flash::words::size;
use serde_json::{Value, json};

/// So many bad places are told one by one.
const TOLD_PLACES: usize = 8;

/// From so many bad places on the card itself may be a lie.
const SUSPICIOUS_PLACES: usize = 64;

/// Who listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    /// A program.
    pub(crate) json: bool,
}

impl Voice {
    /// A disk is not written, for these reasons.
    pub(crate) fn refused(self, target: &str, refusals: &[Refusal]) {
        for refusal in refusals {
            if self.json {
                let mut line = refusal_json(refusal);
                line["event"] = "refused".into();
                line["target"] = target.into();
                say(&line);
            } else {
                eprintln!("{target}: refused: {refusal}\n  remedy: {}", refusal.remedy());
            }
        }
    }

    /// Nothing is written, for this reason.
    pub(crate) fn refused_all(self, reason: &str) {
        if self.json {
            say(&json!({ "event": "refused", "target": null, "code": "order", "reason": reason }));
        } else {
            eprintln!("refused: {reason}");
        }
    }

    /// What is about to be written.
    pub(crate) fn start(self, prepared: &Prepared, targets: &[String], dry_run: bool) {
        let (bytes, image) = (prepared.plan.bytes(), prepared.image.path.display());
        if self.json {
            say(&json!({
                "event": "start", "image": image.to_string(), "format": prepared.image.format,
                "image_bytes": prepared.plan.image_bytes(), "bytes": bytes, "mapped": prepared.promise.bmap.is_some(),
                "targets": targets, "dry_run": dry_run, "signed": prepared.signed.as_ref().map(signed_json),
            }));
            return;
        }
        eprintln!("{image}: {}, of which {} are written", size(prepared.plan.image_bytes()), size(bytes));
        match &prepared.signed {
            Some(Signed { manifest, fingerprint }) => {
                let (board, version) = (&manifest.board, &manifest.version);
                eprintln!("version {version} for {board}, signed by {fingerprint}");
            }
            None => eprintln!("WARNING: not signed: nobody vouches for this image (see --key)"),
        }
    }

    /// How far a card is, for a program.
    pub(crate) fn progress(self, target: &str, phase: Phase, bytes: u64, of: u64) {
        if self.json {
            let phase = word(phase);
            say(&json!({ "event": "progress", "target": target, "phase": phase, "bytes": bytes, "of": of }));
        }
    }

    /// How a card ended.
    pub(crate) fn outcome(self, target: &str, outcome: &Outcome, prepared: &Prepared) {
        let signed = prepared.signed.is_some();
        if self.json {
            say(&json!({
                "event": "result", "target": target, "outcome": outcome_word(outcome),
                "detail": detail(outcome), "bad": places(outcome), "signed": signed,
                "bootable": *outcome == Outcome::Done, "exit": outcome.exit_code(),
            }));
            return;
        }
        let unsigned = if signed { "" } else { " (image not signed)" };
        let words = match outcome {
            Outcome::Done => format!("done: {} written and read back{unsigned}", size(prepared.plan.bytes())),
            Outcome::Failed(why) => format!("BROKEN OFF, does not boot, write it again: {why}"),
            Outcome::Interrupted => "STOPPED, does not boot, write it again".to_owned(),
            Outcome::Bad(_) => format!("BAD CARD, does not boot, use another one: {}", detail(outcome)),
        };
        println!("{target}: {words}");
    }

    /// The last word.
    pub(crate) fn end(self, exit: u8, dry_run: bool) {
        if self.json {
            say(&json!({ "event": "end", "exit": exit, "dry_run": dry_run }));
        } else if dry_run {
            println!("dry run: all is well, and nothing was written");
        }
    }
}

/// A refusal for programs.
pub(crate) fn refusal_json(refusal: &Refusal) -> Value {
    json!({ "code": refusal.code(), "reason": refusal.to_string(), "remedy": refusal.remedy() })
}

/// What a card does, in a word.
pub(crate) fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Writing => "writing",
        Phase::Verifying => "verifying",
        Phase::Rewriting => "rewriting",
        Phase::Sealing => "sealing",
    }
}

fn signed_json(signed: &Signed) -> Value {
    json!({ "by": signed.fingerprint, "board": signed.manifest.board, "version": signed.manifest.version })
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Failed(_) => "failed",
        Outcome::Interrupted => "interrupted",
        Outcome::Bad(_) => "bad",
    }
}

fn detail(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done | Outcome::Interrupted => String::new(),
        Outcome::Failed(why) => why.clone(),
        Outcome::Bad(places) => {
            let told: Vec<String> = places
                .iter()
                .take(TOLD_PLACES)
                .map(|place| format!("{}-{}", place.start, place.end))
                .collect();
            let lie = "; so many that the card may be smaller than it claims";
            let lie = if places.len() >= SUSPICIOUS_PLACES { lie } else { "" };
            format!("{} places do not keep what is written, bytes {}{lie}", places.len(), told.join(", "))
        }
    }
}

fn places(outcome: &Outcome) -> Vec<[u64; 2]> {
    match outcome {
        Outcome::Bad(places) => {
            places.iter().take(TOLD_PLACES).map(|place| [place.start, place.end]).collect()
        }
        Outcome::Done | Outcome::Failed(_) | Outcome::Interrupted => Vec::new(),
    }
}

fn say(line: &Value) {
    // A listener who went away does not stop the cards; the exit code tells the rest.
    writeln!(io::stdout(), "{line}").unwrap_or_default();
}
