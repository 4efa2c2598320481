//! Reading an answer of whatever release: what is missing or of another kind shows as unknown.

use serde_json::Value;

/// What stands where nothing is known.
pub(crate) const UNKNOWN: &str = "-";

/// Lenient reading.
pub(crate) trait Answer {
    /// The value under a key; JSON's null if there is none.
    fn at(&self, key: &str) -> &Value;
    /// The text under a key, safe for a terminal.
    fn text(&self, key: &str) -> String;
    /// The number under a key.
    fn number(&self, key: &str) -> Option<u64>;
    /// The list under a key.
    fn list(&self, key: &str) -> &[Value];
}

impl Answer for Value {
    fn at(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }

    fn text(&self, key: &str) -> String {
        self.at(key).as_str().filter(|text| !text.is_empty()).map_or_else(|| UNKNOWN.to_owned(), printable)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.at(key).as_u64()
    }

    fn list(&self, key: &str) -> &[Value] {
        self.at(key).as_array().map_or(&[], Vec::as_slice)
    }
}

/// Words of an enum: `"up"`, or `{"rounds_missed": 3}` for one that carries a number.
pub(crate) fn word(value: &Value) -> String {
    if let Some(word) = value.as_str() {
        return printable(&word.replace('_', " "));
    }
    let tagged = value.as_object().and_then(|object| object.iter().next());
    tagged.map_or_else(
        || UNKNOWN.to_owned(),
        |(word, more)| printable(&format!("{} {more}", word.replace('_', " "))),
    )
}

/// Nothing that reaches the screen may steer it.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_or_of_another_kind_is_unknown() {
        let answer = json!({ "a": 1, "b": "x", "c": [1], "d": "", "e": -1 });
        assert_eq!(
            [answer.text("a"), answer.text("b"), answer.text("z"), answer.text("d")],
            ["-", "x", "-", "-"]
        );
        assert_eq!([answer.number("a"), answer.number("b"), answer.number("e")], [Some(1), None, None]);
        assert_eq!([answer.list("c").len(), answer.list("a").len()], [1, 0]);
        assert_eq!(Value::Null.at("x").at("y").text("z"), "-");
    }

    #[test]
    fn words_of_enums_are_words() {
        assert_eq!(word(&json!("hold_down")), "hold down");
        assert_eq!(word(&json!({ "rounds_missed": 3 })), "rounds missed 3");
        assert_eq!(word(&json!(null)), "-");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(json!({ "a": "x\u{1b}[2Jy\n" }).text("a"), "x?[2Jy?");
        assert_eq!(word(&json!("\u{7}")), "?");
    }
}
