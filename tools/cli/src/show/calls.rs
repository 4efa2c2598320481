//! `calls`: each call as a time line, and below it what became of its signals.

use serde_json::Value;

use crate::answer::{Answer, word};
use crate::paint::{Paint, Tone};
use crate::spell;

/// All calls, oldest first: the latest stands where the eye is.
pub(crate) fn calls(answer: &Value, paint: Paint) -> String {
    let calls = answer.list("calls");
    if calls.is_empty() {
        return "no call is on record\n".to_owned();
    }
    let blocks: Vec<String> = calls.iter().map(|call| block(call, paint)).collect();
    let cut =
        if answer.at("complete").as_bool() == Some(false) { "earlier calls were not read\n\n" } else { "" };
    format!("{cut}{}", blocks.join("\n"))
}

fn block(call: &Value, paint: Paint) -> String {
    let going_on = if call.at("over").as_bool() == Some(false) { ", going on" } else { "" };
    let title = format!("{} {}", call.text("call"), call.text("line_name"));
    let head = format!("{}  {}{going_on}\n", paint.paint(Tone::Strong, &title), begun(call.at("at")));
    let signals = call.list("signals").iter().map(|signal| verdict(signal, paint));
    core::iter::once(head).chain(time_line(call, paint)).chain(signals).collect()
}

fn begun(at: &Value) -> String {
    at.number("wall_ms").map_or_else(
        || {
            format!(
                "{} after the box's start (its clock was not set)",
                spell::age(at.number("tick_ms").unwrap_or(0))
            )
        },
        spell::utc,
    )
}

/// What is drawn: number in the log, offset, mark, words.
struct Mark {
    n: u64,
    after_ms: Option<u64>,
    sign: &'static str,
    words: String,
    tone: Tone,
}

fn time_line(call: &Value, paint: Paint) -> Vec<String> {
    let mut marks: Vec<Mark> = call.list("steps").iter().map(|told| step(told, call)).collect();
    for signal in call.list("signals") {
        marks.extend(signal.list("sent").iter().map(sent));
        marks.extend(signal.list("refused").iter().map(refused));
        marks.extend(Some(signal.at("acknowledged")).filter(|told| told.is_object()).map(acknowledged));
    }
    marks.sort_by_key(|mark| mark.n);
    marks.iter().map(|mark| line(mark, paint)).collect()
}

fn line(mark: &Mark, paint: Paint) -> String {
    let offset = mark.after_ms.map_or_else(|| "-".to_owned(), spell::offset);
    format!("{offset:>12}  {}  {}\n", mark.sign, paint.paint(mark.tone, &mark.words))
}

fn mark(told: &Value, sign: &'static str, words: String, tone: Tone) -> Mark {
    Mark { n: told.number("n").unwrap_or(0), after_ms: told.number("after_ms"), sign, words, tone }
}

fn step(told: &Value, call: &Value) -> Mark {
    let step = told.at("step");
    let name = step.as_str().or_else(|| step.as_object()?.keys().next().map(String::as_str)).unwrap_or("");
    let of = step.at(name);
    let (sign, words, tone) = match name {
        "off_hook" => ("\u{250c}", "off-hook".to_owned(), Tone::Plain),
        "number" => ("\u{2502}", format!("dialled {}", of.text("digits")), Tone::Plain),
        "handshake" => ("\u{2502}", format!("handshake {}", number(of, "round")), Tone::Plain),
        "message" => ("\u{251c}", message(of, call), Tone::Strong),
        "faulty" => {
            ("\u{2502}", format!("{} is no message: {}", of.text("digits"), word(of.at("fault"))), Tone::Odd)
        }
        "machine_tone" => ("\u{2502}", machine_tone(of), Tone::Bad),
        "delivered" => ("\u{2502}", "the station has the signal".to_owned(), Tone::Plain),
        "not_taken" => {
            ("\u{2502}", "not taken: too many signals wait, the panel will repeat".to_owned(), Tone::Bad)
        }
        "kissed_off" => {
            ("\u{251c}", format!("kiss-off, {} after the last digit", after(of.at("after"))), Tone::Good)
        }
        "not_kissed_off" => ("\u{2502}", "no kiss-off, the panel will repeat".to_owned(), Tone::Odd),
        "hung_up" => ("\u{2514}", hung_up(of), Tone::Plain),
        "card_lost" => ("\u{2514}", "the line card was lost".to_owned(), Tone::Bad),
        _ => ("\u{2502}", word(step), Tone::Plain),
    };
    mark(told, sign, words, tone)
}

fn message(of: &Value, call: &Value) -> String {
    let signal = call.list("signals").iter().find(|signal| signal.at("heard") == of.at("signal"));
    let repeat = match of.number("repeat") {
        Some(repeat) if repeat > 1 => format!(" (time {repeat})"),
        Some(_) | None => String::new(),
    };
    let silent = if signal.is_some_and(is_silent) { ", silent" } else { "" };
    let words = signal.map_or_else(String::new, |signal| format!(": {}{silent}", signal.text("words")));
    format!("{}{repeat}{words}", of.text("digits"))
}

/// Says what to look for: a wrong plug is the commonest cause of an alarm line that brings no alarms.
fn machine_tone(of: &Value) -> String {
    let machine = match of.text("tone").as_str() {
        "calling" => "a fax machine calls on this line (CNG, 1100 Hz)".to_owned(),
        "answer" => "a fax machine or modem answers on this line (2100 Hz)".to_owned(),
        other => format!("a machine is on this line ({other})"),
    };
    format!("{machine}: check what is plugged in")
}

fn hung_up(of: &Value) -> String {
    match of.number("not_kissed_off") {
        Some(open) if open > 0 => format!("hung up, {} not kissed off", spell::count(open, "signal")),
        Some(_) | None => "hung up".to_owned(),
    }
}

fn sent(told: &Value) -> Mark {
    let clear = if told.at("encrypted").as_bool() == Some(false) { ", in clear" } else { "" };
    let words = format!(
        "\u{2192} {} over {}, sequence {}, try {}{clear}",
        told.text("station"),
        told.text("link"),
        number(told, "sequence"),
        number(told, "attempt"),
    );
    mark(told, "\u{2502}", words, Tone::Plain)
}

fn acknowledged(told: &Value) -> Mark {
    let took = told.number("took_ms").map_or_else(|| "-".to_owned(), spell::age);
    let words = format!("\u{2190} ACK from {} over {} after {took}", told.text("station"), told.text("link"));
    mark(told, "\u{2502}", words, Tone::Good)
}

fn refused(told: &Value) -> Mark {
    mark(told, "\u{2502}", format!("\u{2190} {} does not want it", told.text("station")), Tone::Bad)
}

/// One line: what it was, and who knows of it.
fn verdict(signal: &Value, paint: Paint) -> String {
    let delivered = signal.at("acknowledged").is_object();
    let (words, tone) = match (delivered, signal.text("panel").as_str()) {
        (true, "kissed_off") => ("delivered, panel told", Tone::Good),
        (true, "waiting") => ("delivered, panel not told yet", Tone::Good),
        (true, _) => ("delivered, panel not told", Tone::Odd),
        (false, "kissed_off") => ("KISSED OFF BUT NO DELIVERY ON RECORD", Tone::Bad),
        (false, _) => ("NOT DELIVERED", Tone::Bad),
    };
    let flags =
        [(is_silent(signal), ", silent"), (signal.at("on_test").as_bool() == Some(true), ", on test")];
    let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, words)| *words).collect();
    let what = ["account", "event", "partition", "zone", "words"].map(|key| signal.text(key)).join(" ");
    format!("{:>12}  {}: {what}{flags}\n", "signal", paint.paint(tone, words))
}

fn is_silent(signal: &Value) -> bool {
    signal.at("silent").as_bool() == Some(true)
}

fn number(of: &Value, key: &str) -> String {
    of.number(key).map_or_else(|| crate::answer::UNKNOWN.to_owned(), |n| n.to_string())
}

/// A duration of whatever is in `secs` and `nanos`.
fn after(duration: &Value) -> String {
    let parts = duration.number("secs").zip(duration.number("nanos"));
    parts.map_or_else(
        || crate::answer::UNKNOWN.to_owned(),
        |(secs, nanos)| format!("{} ms", secs.saturating_mul(1_000).saturating_add(nanos / 1_000_000)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn burglary() -> Value {
        let heard = json!({ "line": 0, "number": 7 });
        json!({
            "call": "line0-7", "line": 0, "number": 7, "line_name": "front", "over": true,
            "at": { "boot": 3, "tick_ms": 5000, "wall_ms": 1_764_000_000_123_u64 },
            "steps": [
                { "n": 1, "after_ms": 0, "step": "off_hook" },
                { "n": 2, "after_ms": 480, "step": "dial_tone" },
                { "n": 3, "after_ms": 2710, "step": { "number": { "digits": "5551234" } } },
                { "n": 4, "after_ms": 9120,
                  "step": { "message": { "digits": "1234181131010158", "signal": heard, "repeat": 1 } } },
                { "n": 8, "after_ms": 9430,
                  "step": { "kissed_off": { "signal": heard, "after": { "secs": 0, "nanos": 250_000_000 } } } },
                { "n": 9, "after_ms": 10_800, "step": { "hung_up": { "not_kissed_off": 0 } } },
            ],
            "signals": [{
                "signal": 7, "heard": heard, "account": "1234", "event": "1131", "partition": "01",
                "zone": "015", "words": "burglary, perimeter", "silent": false, "on_test": true,
                "panel": "kissed_off", "refused": [],
                "sent": [{ "n": 6, "after_ms": 9125, "station": "north", "link": "fibre", "sequence": 12,
                           "attempt": 1, "encrypted": true }],
                "acknowledged": { "n": 7, "after_ms": 9180, "station": "north", "link": "fibre", "took_ms": 57 },
            }],
        })
    }

    #[test]
    fn a_call_reads_from_off_hook_to_hung_up() {
        let text = calls(&json!({ "calls": [burglary()], "complete": true }), Paint::plain());
        let expected = "\
line0-7 front  2025-11-24 16:00:00.123 UTC
     0.000 s  \u{250c}  off-hook
     0.480 s  \u{2502}  dial tone
     2.710 s  \u{2502}  dialled 5551234
     9.120 s  \u{251c}  1234181131010158: burglary, perimeter
     9.125 s  \u{2502}  \u{2192} north over fibre, sequence 12, try 1
     9.180 s  \u{2502}  \u{2190} ACK from north over fibre after 57 ms
     9.430 s  \u{251c}  kiss-off, 250 ms after the last digit
    10.800 s  \u{2514}  hung up
      signal  delivered, panel told: 1234 1131 01 015 burglary, perimeter, on test
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_wrong_plug_is_named_in_plain_words() {
        for (tone, machine) in [
            ("calling", "a fax machine calls on this line (CNG, 1100 Hz): check what is plugged in"),
            ("answer", "a fax machine or modem answers on this line (2100 Hz): check what is plugged in"),
            ("guard", "a machine is on this line (guard): check what is plugged in"),
        ] {
            let mut call = burglary();
            call["steps"][1] =
                json!({ "n": 2, "after_ms": 480, "step": { "machine_tone": { "tone": tone } } });
            let text = calls(&json!({ "calls": [call], "complete": true }), Paint::plain());
            assert!(text.contains(&format!("     0.480 s  \u{2502}  {machine}\n")), "{text}");
        }
    }

    #[test]
    fn who_knows_of_a_signal_is_said_in_one_line() {
        let cases = [
            (true, "kissed_off", "delivered, panel told"),
            (true, "waiting", "delivered, panel not told yet"),
            (true, "not_told", "delivered, panel not told"),
            (false, "not_told", "NOT DELIVERED"),
            (false, "kissed_off", "KISSED OFF BUT NO DELIVERY ON RECORD"),
        ];
        for (delivered, panel, words) in cases {
            let acknowledged = if delivered { json!({}) } else { Value::Null };
            let signal = json!({ "acknowledged": acknowledged, "panel": panel, "silent": true });
            let line = verdict(&signal, Paint::plain());
            assert!(line.contains(&format!("{words}:")) && line.contains(", silent"), "{line}");
        }
    }

    #[test]
    fn an_answer_of_another_release_is_shown_as_far_as_it_is_known() {
        let strange = json!({ "calls": [{ "steps": [{ "step": { "rung": { "times": 2 } } }, {}] }], "complete": false });
        let text = calls(&strange, Paint::plain());
        assert!(text.starts_with("earlier calls were not read\n") && text.contains("rung"), "{text}");
        assert_eq!(calls(&json!({}), Paint::plain()), "no call is on record\n");
    }
}
