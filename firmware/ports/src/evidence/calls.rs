//! The latest calls, as JSON for whoever asks: steps, signals, deliveries, what the panel was told.
//!
//! ```text
//! {"calls": [{"call": "line0-7", "line": 0, "number": 7, "line_name": "…", "at": At, "over": bool,
//!             "steps": [{"n", "at", "after_ms"?, "sample"?, "step": Step}],
//!             "signals": [{…SignalEntry, "sent": [{"n", "at", "after_ms"?, …Entry::Sent}],
//!                          "acknowledged": {…}?, "refused": [{…}], "panel": "kissed_off"}]}],
//!  "complete": bool}
//! ```
//! `after_ms` counts from the begin of the call, by the card's samples where both have them.
//! `complete`: the log holds no call before these, or holds what was asked for.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use appliance::{Entry, SignalEntry};
use evidence::{At, Verifier};
use hal::Sample;
use line::{CallId, SignalId, Step};
use serde::Serialize;
use serde_json::{Value, json};

use super::recover::entry_of;
use super::segments;

/// Entries held in memory while an answer is put together; a call has some 40.
const MAX_ENTRIES: usize = 20_000;

/// How lines of [`is_of_a_call`] look before they are parsed.
const KINDS: [&str; 5] = [
    r#""kind":"call""#,
    r#""kind":"signal""#,
    r#""kind":"sent""#,
    r#""kind":"acknowledged""#,
    r#""kind":"refused""#,
];

type Numbered = (u64, At, Entry);

/// One call, with all that came of it.
#[derive(Debug, Serialize)]
struct Call<'a> {
    call: String,
    line: u8,
    number: u64,
    line_name: &'a str,
    at: At,
    over: bool,
    steps: Vec<Told<StepTold<'a>>>,
    signals: Vec<Signal<'a>>,
}

/// When, counted from the begin of the call, and what.
#[derive(Debug, Serialize)]
struct Told<T> {
    n: u64,
    at: At,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
    #[serde(flatten)]
    what: T,
}

#[derive(Debug, Serialize)]
struct StepTold<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<u32>,
    step: &'a Step,
}

#[derive(Debug, Serialize)]
struct Signal<'a> {
    #[serde(flatten)]
    signal: &'a SignalEntry,
    sent: Vec<Told<&'a Entry>>,
    acknowledged: Option<Told<&'a Entry>>,
    refused: Vec<Told<&'a Entry>>,
    panel: Panel,
}

/// What the panel knows of its signal after this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Panel {
    KissedOff,
    Waiting,
    NotTold,
}

/// The latest calls of a log, oldest first.
pub(super) fn last(dir: &Path, last: usize) -> io::Result<Value> {
    let (entries, complete) = entries_of(dir, last)?;
    let mut begun: BTreeMap<CallId, u64> = BTreeMap::new();
    for (n, _, entry) in &entries {
        if let Entry::Call { call, .. } = entry {
            begun.entry(*call).or_insert(*n);
        }
    }
    let mut calls: Vec<(u64, CallId)> = begun.into_iter().map(|(call, n)| (n, call)).collect();
    calls.sort_unstable();
    let surplus = calls.len().saturating_sub(last);
    let told: Vec<_> = calls.iter().skip(surplus).filter_map(|(_, call)| told(*call, &entries)).collect();
    Ok(json!({ "calls": told, "complete": complete || surplus > 0 || told.len() == last }))
}

/// Back from the newest segment until so many calls have begun; what belongs to them stands behind.
fn entries_of(dir: &Path, calls: usize) -> io::Result<(Vec<Numbered>, bool)> {
    let mut newest_first = Vec::new();
    let (mut begun, mut held) = (0, 0);
    for number in segments::list(dir)?.into_iter().rev() {
        if begun >= calls || held >= MAX_ENTRIES {
            break;
        }
        let bytes = match segments::read(dir, number) {
            Ok(bytes) => bytes,
            // Dropped meanwhile, and so is all before it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        let entries = of_calls(&bytes);
        begun += entries.iter().filter(|(_, _, entry)| begins(entry)).count();
        held += entries.len();
        newest_first.push(entries);
    }
    let entries: Vec<_> = newest_first.into_iter().rev().flatten().collect();
    Ok((entries, held < MAX_ENTRIES))
}

fn of_calls(segment: &[u8]) -> Vec<Numbered> {
    let lines = segments::lines(segment).filter_map(|line| core::str::from_utf8(line).ok());
    lines.filter(|line| may_be_of_a_call(line)).filter_map(read).collect()
}

/// Most lines of a quiet box are of its paths; to parse them all would take seconds.
fn may_be_of_a_call(line: &str) -> bool {
    KINDS.iter().any(|kind| line.contains(kind))
}

fn read(line: &str) -> Option<Numbered> {
    let mut verifier = Verifier::default();
    let (at, value) = verifier.line(line).ok()?;
    let entry = entry_of(value).filter(is_of_a_call)?;
    Some((verifier.summary().chain.newest, at, entry))
}

const fn is_of_a_call(entry: &Entry) -> bool {
    match entry {
        Entry::Call { .. }
        | Entry::Signal(_)
        | Entry::Sent { .. }
        | Entry::Acknowledged { .. }
        | Entry::Refused { .. } => true,
        Entry::Start { .. }
        | Entry::Doubtful { .. }
        | Entry::Clock { .. }
        | Entry::Path { .. }
        | Entry::Reserved { .. }
        | Entry::Voltage { .. }
        | Entry::OnTest { .. }
        | Entry::Checkpoint(_)
        | Entry::Dropped { .. }
        | Entry::Lost { .. }
        | Entry::Unreadable { .. } => false,
    }
}

fn begins(entry: &Entry) -> bool {
    matches!(entry, Entry::Call { step: Step::OffHook, .. })
}

fn told(call: CallId, entries: &[Numbered]) -> Option<Call<'_>> {
    let mut line_name = "";
    let mut begin: Option<Clock> = None;
    let mut steps = Vec::new();
    for (n, at, entry) in entries {
        let Entry::Call { call: its, line_name: name, sample, step } = entry else { continue };
        if *its == call {
            line_name = name;
            let clock = begin.get_or_insert(Clock { at: *at, sample: *sample });
            clock.sample = clock.sample.or(*sample);
            let after_ms = clock.after_ms(*at, *sample);
            steps.push(Told { n: *n, at: *at, after_ms, what: StepTold { sample: *sample, step } });
        }
    }
    let clock = begin?;
    let at = clock.at;
    let over = steps.iter().any(|told| matches!(told.what.step, Step::HungUp { .. } | Step::CardLost));
    let signals = signals(&steps, over, &clock, entries);
    let (line, number) = (call.line.0, call.number);
    Some(Call { call: call.to_string(), line, number, line_name, at, over, steps, signals })
}

/// The begin of a call, by both clocks.
#[derive(Clone, Copy, Debug)]
struct Clock {
    at: At,
    sample: Option<u32>,
}

impl Clock {
    fn after_ms(&self, at: At, sample: Option<u32>) -> Option<u64> {
        let by_card = self.sample.zip(sample).map(|(begin, then)| Sample(then).since(Sample(begin)));
        let by_box = || (at.boot == self.at.boot).then(|| at.tick_ms.saturating_sub(self.at.tick_ms));
        by_card.and_then(|after| u64::try_from(after.as_millis()).ok()).or_else(by_box)
    }
}

fn signals<'a>(
    steps: &[Told<StepTold<'a>>],
    over: bool,
    clock: &Clock,
    entries: &'a [Numbered],
) -> Vec<Signal<'a>> {
    let mut heard: Vec<SignalId> = Vec::new();
    for told in steps {
        if let Step::Message { signal, .. } = told.what.step {
            if !heard.contains(signal) {
                heard.push(*signal);
            }
        }
    }
    let kissed_off = |id: SignalId| {
        steps.iter().any(|told| matches!(told.what.step, Step::KissedOff { signal, .. } if *signal == id))
    };
    let entry_of = |id: SignalId| {
        entries.iter().find_map(|(_, _, entry)| {
            let Entry::Signal(signal) = entry else { return None };
            (signal.heard == Some(id)).then_some(&**signal)
        })
    };
    let told = |id: SignalId| {
        let panel = match (kissed_off(id), over) {
            (true, _) => Panel::KissedOff,
            (false, false) => Panel::Waiting,
            (false, true) => Panel::NotTold,
        };
        Some(delivery(entry_of(id)?, panel, clock, entries))
    };
    heard.into_iter().filter_map(told).collect()
}

fn delivery<'a>(signal: &'a SignalEntry, panel: Panel, clock: &Clock, entries: &'a [Numbered]) -> Signal<'a> {
    let mut told = Signal { signal, sent: Vec::new(), acknowledged: None, refused: Vec::new(), panel };
    for (n, at, entry) in entries {
        let this = || Told { n: *n, at: *at, after_ms: clock.after_ms(*at, None), what: entry };
        if matches!(entry, Entry::Sent { signal: its, .. } if *its == signal.signal) {
            told.sent.push(this());
        } else if matches!(entry, Entry::Refused { signal: its, .. } if *its == signal.signal) {
            told.refused.push(this());
        } else if matches!(entry, Entry::Acknowledged { signal: its, .. } if *its == signal.signal) {
            told.acknowledged = Some(this());
        }
    }
    told
}
