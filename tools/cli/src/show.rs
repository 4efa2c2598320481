//! Answers for people.

mod calls;
mod explain;
mod links;
mod status;

pub(crate) use calls::calls;
pub(crate) use explain::explain;
pub(crate) use links::links;
pub(crate) use status::status;

use serde_json::Value;

use crate::answer::Answer;
use crate::spell;

/// What became of an order.
pub(crate) fn on_test(answer: &Value) -> String {
    let account = answer.text("on_test");
    match answer.number("minutes") {
        Some(0) => format!("account {account} is no longer on test\n"),
        Some(minutes) => format!("account {account} is on test for {}\n", spell::age(minutes * 60_000)),
        None => format!("account {account}: the order was taken\n"),
    }
}

/// How a family is written.
fn family(value: &Value) -> String {
    match value.text("family").as_str() {
        "v4" => "IPv4".to_owned(),
        "v6" => "IPv6".to_owned(),
        other => other.to_owned(),
    }
}

/// The age of a tick; `None` where tick or clock is unknown.
fn age_of(tick: Option<u64>, now_ms: Option<u64>) -> Option<String> {
    Some(spell::age(now_ms?.saturating_sub(tick?)))
}

/// The name of a link by its number.
fn link_name(wan: &Value, number: Option<u64>) -> Option<String> {
    let number = number?;
    let named = wan.list("links").iter().find(|link| link.number("link") == Some(number));
    Some(named.map_or_else(|| format!("link{number}"), |link| link.text("name")))
}
