//! Every link in every family, one line each.

use serde_json::Value;

use super::{age_of, family};
use crate::answer::{Answer, UNKNOWN, word};
use crate::paint::{Paint, Tone};
use crate::spell;
use crate::table::{Cell, cell, table, toned};

const HEAD: [&str; 10] = ["", "LINK", "FAMILY", "STATE", "FOR", "RTT", "LOSS", "ADDRESS", "GATEWAY", "WHY"];

pub(crate) fn links(wan: &Value, now_ms: Option<u64>, paint: Paint) -> String {
    let links = wan.list("links");
    if links.is_empty() {
        return "No link is known.\n".to_owned();
    }
    let mut rows = vec![HEAD.iter().map(|head| toned(Tone::Faint, *head)).collect::<Vec<Cell>>()];
    rows.extend(links.iter().map(|link| row(wan, link, now_ms)));
    table(&rows, paint) + "\n* carries traffic   + stands behind it\n"
}

fn row(wan: &Value, link: &Value, now_ms: Option<u64>) -> Vec<Cell> {
    let or_unknown = |text: Option<String>| cell(text.unwrap_or_else(|| UNKNOWN.to_owned()));
    let verdict = word(link.at("verdict"));
    let loss = link.number("loss_pct");
    vec![
        role(wan, link),
        toned(Tone::Strong, link.text("name")),
        cell(family(link)),
        toned(tone_of(&verdict), verdict),
        or_unknown(age_of(link.number("since"), now_ms)),
        or_unknown(link.number("srtt_us").map(spell::round_trip)),
        toned(tone_of_loss(loss), loss.map_or_else(|| UNKNOWN.to_owned(), |pct| format!("{pct} %"))),
        cell(link.text("source")),
        cell(link.text("gateway")),
        cell(word(link.at("why"))),
    ]
}

fn role(wan: &Value, link: &Value) -> Cell {
    let same = |family: &&Value| family.text("family") == link.text("family");
    let Some(family) = wan.list("families").iter().find(same) else { return cell("") };
    let number = link.number("link");
    if number.is_some() && family.number("active") == number {
        return toned(Tone::Good, "*");
    }
    cell(if number.is_some() && family.number("standby") == number { "+" } else { "" })
}

/// The tone of a verdict.
pub(super) fn tone_of(verdict: &str) -> Tone {
    match verdict {
        "up" => Tone::Good,
        "suspect" | "hold down" | "probing" => Tone::Odd,
        "down" | "no carrier" | "no address" => Tone::Bad,
        _ => Tone::Plain,
    }
}

const fn tone_of_loss(loss: Option<u64>) -> Tone {
    match loss {
        None | Some(0) => Tone::Plain,
        Some(1..5) => Tone::Odd,
        Some(_) => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_link_has_a_line_in_each_family() {
        let wan = json!({
            "families": [{ "family": "v4", "active": 1, "standby": 2, "why": "first", "since": 1_000, "switches": 0 }],
            "links": [
                { "link": 1, "name": "fibre", "family": "v4", "verdict": "up", "why": "answered", "since": 1_000,
                  "source": "192.0.2.2", "gateway": "192.0.2.1", "srtt_us": 1_240, "loss_pct": 0, "targets": [] },
                { "link": 2, "name": "lte", "family": "v4", "verdict": "hold_down", "why": { "rounds_missed": 3 },
                  "since": null, "source": null, "gateway": null, "srtt_us": null, "loss_pct": 12, "targets": [] },
            ],
        });
        let text = links(&wan, Some(61_000), Paint::plain());
        let expected = "   LINK   FAMILY  STATE      FOR        RTT     LOSS  ADDRESS    GATEWAY    WHY\n\
                        *  fibre  IPv4    up         1 min 0 s  1.2 ms  0 %   192.0.2.2  192.0.2.1  answered\n\
                        +  lte    IPv4    hold down  -          -       12 %  -          -          rounds missed 3\n\
                        \n* carries traffic   + stands behind it\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_answer_of_another_release_shows_what_it_has() {
        for odd in [json!({}), json!({ "links": 3 }), json!({ "links": [] })] {
            assert_eq!(links(&odd, None, Paint::plain()), "No link is known.\n");
        }
        let text = links(&json!({ "links": [{}, 7, { "name": "a" }] }), None, Paint::plain());
        assert_eq!(text.lines().count(), 6, "{text}");
    }
}
