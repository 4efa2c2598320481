//! The README's tables from the description of the keys.

use board_configs::key::{Key, Kind, Need};

/// One table for the top of the file and one for each section.
pub(crate) fn text(keys: &[Key]) -> String {
    let mut text = table(keys);
    for key in keys {
        let heading = match key.kind {
            Kind::Section(_) => format!("[{}]", key.name),
            Kind::Sections { .. } => format!("[[{}]]", key.name),
            Kind::Text(_)
            | Kind::Flag
            | Kind::Whole { .. }
            | Kind::Time { .. }
            | Kind::TimeOrNever { .. }
            | Kind::Size { .. }
            | Kind::Word(_)
            | Kind::Words(_)
            | Kind::Addresses { .. }
            | Kind::Names { .. } => continue,
        };
        text.push_str(&format!("\n### `{heading}`\n\n{}\n\n{}", key.about, table(key.kind.keys())));
    }
    text
}

/// The README with the part between the marks of `name` replaced.
pub(crate) fn replaced(readme: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- keys of {name}: begin -->\n"), format!("<!-- keys of {name}: end -->"));
    let (before, rest) = readme.split_once(&begin).expect("the README has the mark of the beginning");
    let (_, after) = rest.split_once(&end).expect("the README has the mark of the end");
    format!("{before}{begin}\n{part}\n{end}{after}")
}

fn table(keys: &[Key]) -> String {
    let mut table = "| key | value | without it | meaning |\n|---|---|---|---|\n".to_owned();
    for key in keys {
        let without = match key.need {
            Need::Required => "refused".to_owned(),
            Need::Default(text) => format!("`{text}`"),
            Need::Without(words) => words.to_owned(),
        };
        let value = key.kind.expected().replace('|', "\\|");
        table.push_str(&format!("| `{}` | {value} | {without} | {} |\n", key.name, key.about));
    }
    table
}
