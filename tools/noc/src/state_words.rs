//! A state document in one line. Read loosely: a younger box may say more.

use serde_json::Value;

/// What a duty engineer wants of it.
#[must_use]
pub fn summary(document: &str) -> String {
    let Ok(document) = serde_json::from_str::<Value>(document) else {
        return "state document that cannot be read".to_owned();
    };
    let mut parts = Vec::new();
    parts.extend(pairs(&document["active"]).map(|(family, link)| format!("{family} over {link}")));
    parts.extend(pairs(&document["lines"]).map(|(line, hook)| format!("line {line} {hook}")));
    let conditions = document["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    parts.extend(conditions.iter().map(condition));
    if parts.is_empty() {
        parts.push("no link in use".to_owned());
    }
    let insecure = document["insecure"].as_array().map_or(0, Vec::len);
    if insecure > 0 {
        parts.push(format!("{insecure} safety switches OFF"));
    }
    format!("state: {}", parts.join(", "))
}

fn pairs(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(key, value)| (key.as_str(), value.as_str().unwrap_or("?")))
}

fn condition(condition: &Value) -> String {
    let word = |key: &str| condition[key].as_str().unwrap_or("?").to_owned();
    format!("{} {} {}", word("severity"), word("resource"), word("type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lines_and_conditions_are_in_one_line() {
        let text = r#"{"active":{"ipv4":"lte"},"lines":{"0":"on_hook"},"new":1,"insecure":["mqtt"],
            "conditions":[{"severity":"major","resource":"link/fibre","type":"link-down"}]}"#;
        let expected =
            "state: ipv4 over lte, line 0 on_hook, major link/fibre link-down, 1 safety switches OFF";
        assert_eq!(summary(text), expected);
        assert_eq!(summary("{}"), "state: no link in use");
        assert_eq!(summary("x"), "state document that cannot be read");
    }
}
