//! As much of JSON Schema as the schemas here use; a word that it does not know is a failure.

use serde_json::Value;

/// Where `value` does not fit `schema`.
pub(crate) fn misfits(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    judge(schema, value, "", &mut found);
    found
}

fn judge(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    for (word, wanted) in schema.as_object().expect("a schema is an object") {
        let fits = match word.as_str() {
            "$schema" | "title" | "description" => true,
            "type" => fits_type(wanted.as_str().unwrap(), value),
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_i64().is_none_or(|n| n >= wanted.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|n| n <= wanted.as_i64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.len() as u64 >= wanted.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= wanted.as_u64().unwrap()),
            "maxProperties" => {
                value.as_object().is_none_or(|map| map.len() as u64 <= wanted.as_u64().unwrap())
            }
            "uniqueItems" => value
                .as_array()
                .is_none_or(|list| list.iter().enumerate().all(|(at, entry)| !list[..at].contains(entry))),
            "pattern" => value.as_str().is_none_or(|text| fits_unit(wanted.as_str().unwrap(), text)),
            "required" => {
                let names = wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                found.extend(
                    names.filter(|name| value.get(name).is_none()).map(|n| format!("{path}.{n}: missing")),
                );
                true
            }
            "items" => {
                for (at, entry) in value.as_array().into_iter().flatten().enumerate() {
                    judge(wanted, entry, &format!("{path}[{at}]"), found);
                }
                true
            }
            "properties" | "additionalProperties" => true,
            other => panic!("the schema uses {other:?}, which this checker does not know"),
        };
        if !fits {
            found.push(format!("{path}: {value} does not fit {word} {wanted}"));
        }
    }
    judge_properties(schema, value, path, found);
}

fn judge_properties(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(additional) = schema.get("additionalProperties") else { return };
    for (name, entry) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match (schema.get("properties").and_then(|known| known.get(name)), additional) {
            (Some(known), _) => judge(known, entry, &path, found),
            (None, Value::Bool(false)) => found.push(format!("{path}: unknown")),
            (None, any) => judge(any, entry, &path, found),
        }
    }
}

fn fits_type(wanted: &str, value: &Value) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the schema uses the type {other:?}, which this checker does not know"),
    }
}

/// The patterns are those of a number and its unit, some with `never` beside it.
fn fits_unit(pattern: &str, text: &str) -> bool {
    if let Some(number) = pattern.strip_prefix("^(").and_then(|rest| rest.strip_suffix("|never)$")) {
        return text == "never" || fits_unit(&format!("^{number}$"), text);
    }
    let units = pattern.strip_prefix("^[0-9]+ *(").and_then(|rest| rest.strip_suffix(")$"));
    let units = units.unwrap_or_else(|| panic!("{pattern:?} is a pattern that this checker does not know"));
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && units.split('|').any(|unit| text[digits..].trim_start_matches(' ') == unit)
}
