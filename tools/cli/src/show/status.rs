//! The whole box on one page: what a duty engineer looks for stands at the end, where the eye is.

use noc_messages::Severity;
use serde_json::Value;

use super::links::tone_of;
use super::{age_of, family, link_name};
use crate::answer::{Answer, word};
use crate::paint::{Paint, Tone};
use crate::spell;
use crate::table::{Cell, cell, table, toned};

pub(crate) fn status(status: &Value, now_ms: Option<u64>, paint: Paint) -> String {
    let mut rows = traffic(status.at("wan"), now_ms);
    rows.push(vec![cell("Links"), cell(links(status.at("wan")))]);
    rows.push(vec![cell("Broker"), broker(status.at("mqtt"))]);
    rows.push(vec![cell("Spool"), spool(status.at("spool"))]);
    rows.push(vec![cell("Card"), card(status.at("card"))]);
    rows.extend(status.at("card").list("lines").iter().map(line));
    format!("{}\n\n{}\n{}", head(status, paint), table(&rows, paint), conditions(status, now_ms, paint))
}

fn head(status: &Value, paint: Paint) -> String {
    let uptime = status
        .number("uptime_s")
        .map_or_else(String::new, |s| format!(", up {}", spell::age(s.saturating_mul(1_000))));
    let start = status.number("boot").map_or_else(String::new, |boot| format!(", start {boot}"));
    let site = paint.paint(Tone::Strong, &status.text("site"));
    format!("{site} on {}, holdfastd {}{start}{uptime}", status.text("board"), status.text("version"))
}

fn traffic(wan: &Value, now_ms: Option<u64>) -> Vec<Vec<Cell>> {
    let row = |lane: &Value| {
        let Some(active) = link_name(wan, lane.number("active")) else {
            return vec![cell(family(lane)), toned(Tone::Bad, "goes nowhere")];
        };
        let age = age_of(lane.number("since"), now_ms).map_or_else(String::new, |age| format!(" for {age}"));
        let standby = link_name(wan, lane.number("standby")).map_or_else(
            || ", nothing stands behind it".to_owned(),
            |standby| format!(", behind it {standby}"),
        );
        let switches = lane.number("switches").map_or_else(String::new, |n| {
            format!(", {}", if n == 1 { "1 switch".to_owned() } else { format!("{n} switches") })
        });
        let why = word(lane.at("why"));
        let tone = if why == "all down" { Tone::Bad } else { Tone::Plain };
        vec![cell(family(lane)), toned(tone, format!("over {active}{age} ({why}){standby}{switches}"))]
    };
    let rows: Vec<_> = wan.list("families").iter().map(row).collect();
    if rows.is_empty() { vec![vec![cell("Traffic"), toned(Tone::Bad, "no family is judged")]] } else { rows }
}

fn links(wan: &Value) -> String {
    let link = |link: &Value| {
        let verdict = word(link.at("verdict"));
        let mark = if tone_of(&verdict) == Tone::Bad { "!" } else { "" };
        format!("{mark}{}/{} {verdict}", link.text("name"), family(link))
    };
    let links: Vec<_> = wan.list("links").iter().map(link).collect();
    if links.is_empty() { "none".to_owned() } else { links.join(", ") }
}

fn broker(mqtt: &Value) -> Cell {
    let age = mqtt.number("since_ms_ago").map_or_else(String::new, |ms| format!(" for {}", spell::age(ms)));
    match mqtt.at("connected").as_bool() {
        Some(true) => {
            let session = mqtt.number("session").map_or_else(String::new, |n| format!(", session {n}"));
            toned(Tone::Good, format!("connected over {}{age}{session}", mqtt.text("link")))
        }
        Some(false) => {
            let why = mqtt
                .at("last_loss")
                .as_str()
                .map_or_else(String::new, |_| format!(": {}", mqtt.text("last_loss")));
            toned(Tone::Odd, format!("not connected{age}{why}"))
        }
        None => cell("unknown"),
    }
}

fn spool(spool: &Value) -> Cell {
    let Some(records) = spool.number("records") else { return cell("unknown") };
    let mut words = format!("{} waiting", spell::count(records, "record"));
    if records > 0 {
        words.push_str(&format!(" ({})", spell::bytes(spool.number("bytes").unwrap_or(0))));
    }
    let oldest = spool.at("oldest");
    if let (Some(boot), Some(seq)) = (oldest.number("boot"), oldest.number("seq")) {
        words.push_str(&format!(", the oldest is {boot}/{seq}"));
    }
    let lost = [
        (spool.number("evicted"), "evicted"),
        (spool.number("metrics_dropped"), "samples dropped"),
        (spool.number("not_durable"), "not on flash"),
    ];
    for (n, what) in lost.into_iter().filter_map(|(n, what)| n.filter(|n| *n > 0).map(|n| (n, what))) {
        words.push_str(&format!(", {n} {what}"));
    }
    if spool.at("store_failing").as_bool() == Some(true) {
        return toned(Tone::Bad, format!("{words}; STORE FAILING: {}", spool.text("store_failure")));
    }
    let evicted = spool.number("evicted").is_some_and(|n| n > 0);
    toned(if evicted { Tone::Odd } else { Tone::Plain }, words)
}

fn card(card: &Value) -> Cell {
    match card.at("present").as_bool() {
        Some(true) => toned(Tone::Good, format!("present: {}", card.text("detail"))),
        Some(false) => toned(Tone::Odd, format!("absent: {}", card.text("detail"))),
        None => cell("unknown"),
    }
}

fn line(line: &Value) -> Vec<Cell> {
    let number = line.number("line").map_or_else(|| "?".to_owned(), |n| n.to_string());
    let words = format!("{}, {}, {}", word(line.at("hook")), line.text("profile"), line.text("name"));
    vec![cell(format!("Line {number}")), cell(words)]
}

fn conditions(status: &Value, now_ms: Option<u64>, paint: Paint) -> String {
    let Some(conditions) = status.at("conditions").as_array() else {
        return "Conditions are unknown.\n".to_owned();
    };
    if conditions.is_empty() {
        return format!("{}\n", paint.paint(Tone::Good, "No condition stands."));
    }
    let mut standing: Vec<(Option<Severity>, &Value)> = conditions.iter().map(|c| (severity(c), c)).collect();
    standing.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    let rows = standing.into_iter().map(|(severity, condition)| {
        let age = age_of(condition.at("since").number("tick_ms"), now_ms);
        let age = age.map_or_else(String::new, |age| format!("for {age}"));
        vec![
            toned(tone_of_severity(severity), condition.text("severity")),
            cell(condition.text("resource")),
            cell(condition.text("type")),
            cell(age),
            cell(condition.text("cause")),
        ]
    });
    let title = format!("{}:\n", spell::count(conditions.len() as u64, "condition"));
    title + &table(&rows.collect::<Vec<_>>(), paint)
}

fn severity(condition: &Value) -> Option<Severity> {
    serde_json::from_value(condition.at("severity").clone()).ok()
}

const fn tone_of_severity(severity: Option<Severity>) -> Tone {
    match severity {
        Some(Severity::Critical | Severity::Major) => Tone::Bad,
        Some(Severity::Minor | Severity::Warning) => Tone::Odd,
        Some(Severity::Indeterminate) | None => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> Value {
        json!({
            "version": "0.1.0", "board": "lab", "site": "clinic-017", "boot": 12, "uptime_s": 200,
            "wan": {
                "families": [
                    { "family": "v4", "active": 1, "standby": 2, "why": "first", "since": 1_000, "switches": 1 },
                    { "family": "v6", "active": null, "standby": null, "why": "all_down", "since": null, "switches": 0 },
                ],
                "links": [
                    { "link": 1, "name": "fibre", "family": "v4", "verdict": "up" },
                    { "link": 2, "name": "lte", "family": "v4", "verdict": "down" },
                ],
            },
            "card": { "present": true, "detail": "sim 1", "lines": [
                { "line": 0, "hook": "off_hook", "profile": "phone", "name": "desk" },
            ] },
            "mqtt": { "connected": true, "session": 4, "link": "fibre", "since_ms_ago": 61_000, "last_loss": null },
            "spool": { "records": 3, "bytes": 1_536, "oldest": { "boot": 11, "seq": 7 }, "evicted": 2,
                       "metrics_dropped": 0, "not_durable": 0, "store_failing": false, "store_failure": null },
            "conditions": [
                { "resource": "lte/v4", "type": "link_down", "severity": "minor", "cause": "3 rounds missed",
                  "since": { "tick_ms": 1_000 }, "raised": 1 },
                { "resource": "wan", "type": "no_path", "severity": "critical", "cause": "IPv6",
                  "since": { "tick_ms": 31_000 }, "raised": 1 },
            ],
            "counters": {},
        })
    }

    #[test]
    fn the_page_tells_the_whole_box() {
        let expected = "clinic-017 on lab, holdfastd 0.1.0, start 12, up 3 min 20 s\n\
                        \n\
                        IPv4    over fibre for 1 min 0 s (first), behind it lte, 1 switch\n\
                        IPv6    goes nowhere\n\
                        Links   fibre/IPv4 up, !lte/IPv4 down\n\
                        Broker  connected over fibre for 1 min 1 s, session 4\n\
                        Spool   3 records waiting (1.5 KiB), the oldest is 11/7, 2 evicted\n\
                        Card    present: sim 1\n\
                        Line 0  off hook, phone, desk\n\
                        \n\
                        2 conditions:\n\
                        critical  wan     no_path    for 30 s       IPv6\n\
                        minor     lte/v4  link_down  for 1 min 0 s  3 rounds missed\n";
        assert_eq!(status(&full(), Some(61_000), Paint::plain()), expected);
    }

    #[test]
    fn what_is_bad_is_said() {
        let mut bad = full();
        bad["mqtt"] = json!({ "connected": false, "last_loss": "timed out" });
        bad["spool"]["store_failing"] = json!(true);
        bad["spool"]["store_failure"] = json!("no space");
        bad["card"] = json!({ "present": false, "detail": "silent" });
        let text = status(&bad, None, Paint::plain());
        for said in ["not connected: timed out", "STORE FAILING: no space", "absent: silent"] {
            assert!(text.contains(said), "{said}\n{text}");
        }
    }

    #[test]
    fn an_answer_with_any_part_missing_or_odd_is_shown_all_the_same() {
        assert!(status(&json!({}), None, Paint::plain()).contains("Conditions are unknown"));
        let keys: Vec<String> = full().as_object().unwrap().keys().cloned().collect();
        for key in keys {
            for odd in [Value::Null, json!(7), json!("x"), json!([]), json!({}), json!([7, "x", {}])] {
                let mut answer = full();
                answer[&key] = odd;
                assert!(!status(&answer, Some(5), Paint::plain()).is_empty());
            }
        }
    }

    #[test]
    fn a_quiet_box_says_so() {
        let mut quiet = full();
        quiet["conditions"] = json!([]);
        assert!(status(&quiet, None, Paint::plain()).ends_with("No condition stands.\n"));
    }
}
