//! Answers for people.

mod explain;
mod links;
mod status;

pub(crate) use explain::explain;
pub(crate) use links::links;
pub(crate) use status::status;

use serde_json::Value;

use crate::answer::Answer;
use crate::spell;

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
