//! JSON Schema (draft 7, which editors of TOML understand) from the description of the keys.

use board_configs::key::{Key, Kind, Need};
use serde_json::{Map, Value, json};

pub(crate) fn text(title: &str, keys: &[Key]) -> String {
    let mut schema = section(keys);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(title);
    let mut text = serde_json::to_string_pretty(&schema).expect("a value is JSON");
    text.push('\n');
    text
}

fn section(keys: &[Key]) -> Value {
    let properties: Map<_, _> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<_> = keys.iter().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn property(key: &Key) -> Value {
    let mut property = of(&key.kind);
    let without = match key.need {
        Need::Required => "Required.".to_owned(),
        Need::Default(text) => format!("Default: {text}."),
        Need::Without(words) => format!("Without it: {words}."),
    };
    property["description"] = json!(format!("{} Expected: {}. {without}", key.about, key.kind.expected()));
    property
}

fn of(kind: &Kind) -> Value {
    match kind {
        Kind::Text(_) => json!({ "type": "string", "minLength": 1 }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Time { .. } => json!({ "type": "string", "pattern": "^[0-9]+ *(ms|s|m|h)$" }),
        Kind::TimeOrNever { .. } => {
            json!({ "type": "string", "pattern": "^([0-9]+ *(ms|s|m|h)|never)$" })
        }
        Kind::Size { .. } => json!({ "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)$" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Words(words) => json!({ "type": "array", "uniqueItems": true, "items": { "enum": words } }),
        Kind::Addresses { max } => {
            json!({ "type": "array", "maxItems": max, "uniqueItems": true, "items": { "type": "string" } })
        }
        Kind::Names { max, .. } => {
            json!({ "type": "object", "maxProperties": max, "additionalProperties": { "type": "string" } })
        }
        Kind::Section(keys) => section(keys),
        Kind::Sections { keys, max } => json!({ "type": "array", "maxItems": max, "items": section(keys) }),
    }
}
