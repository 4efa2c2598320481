//! Machine values in the words that records, conditions and people use.
//!
//! The words are the JSON names of the enums, so that there is one spelling of each.

use hal::Family;
use serde::Serialize;

/// `ipv4` or `ipv6`.
pub(crate) const fn family(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

/// A unit variant by its JSON name; a variant with data as `name 3`.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Object(map)) => {
            map.into_iter().map(|(name, inner)| format!("{name} {inner}")).collect::<Vec<_>>().join(", ")
        }
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_has_one_spelling() {
        assert_eq!(word(&wan::Verdict::HoldDown), "hold_down");
        assert_eq!(word(&wan::VerdictWhy::RoundsMissed(3)), "rounds_missed 3");
    }
}
