//! Why it is so: the daemon's own sentences.

use serde_json::Value;

use crate::answer::{Answer, printable};

pub(crate) fn explain(answer: &Value) -> String {
    let lines: Vec<String> = answer.list("lines").iter().filter_map(Value::as_str).map(printable).collect();
    if lines.is_empty() {
        return "The daemon has nothing to explain: no link has targets.\n".to_owned();
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sentences_are_passed_on() {
        assert_eq!(explain(&json!({ "lines": ["One.", "Two."], "families": [] })), "One.\nTwo.\n");
        assert!(explain(&json!({})).contains("nothing to explain"));
    }
}
