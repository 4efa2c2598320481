//! A file fits one sitting, a function fits a screen.
//!
//! Functions are measured by indentation: rustfmt, which runs before this, puts the closing brace of
//! a function below its first letter.

use super::Finding;
use super::graph::Graph;
use super::tree::{File, Tree};

/// Lines of a Rust file.
const MAX_FILE: usize = 400;
/// Lines of a function, signature and braces included.
const MAX_FUNCTION: usize = 60;

/// The rule.
pub(super) fn check(tree: &Tree, _: &Graph) -> Vec<Finding> {
    tree.ending(".rs").flat_map(|file| judge_file(file).into_iter().chain(judge_functions(file))).collect()
}

fn judge_file(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > MAX_FILE).then(|| {
        let what = format!("has {lines} lines, more than {MAX_FILE}");
        Finding::new(&file.path, what, "Split it by what it speaks of.")
    })
}

fn judge_functions(file: &File) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let starts = lines.iter().enumerate().filter_map(|(i, line)| Some((i, name_of_function(line)?)));
    let long = starts.filter_map(|(start, name)| {
        let length = length_of_function(&lines[start..])?;
        (length > MAX_FUNCTION).then(|| {
            let what = format!("fn {name} has {length} lines, more than {MAX_FUNCTION}");
            Finding::new(file.at(start + 1), what, "Give its parts names of their own.")
        })
    });
    long.collect()
}

fn name_of_function(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    if let Some(visible) = rest.strip_prefix("pub") {
        rest = visible.trim_start();
        rest = rest.strip_prefix('(').and_then(|r| r.split_once(')')).map_or(rest, |(_, r)| r.trim_start());
    }
    for word in ["default ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (end > 0).then(|| &name[..end])
}

/// `None` for a declaration without a body.
fn length_of_function(lines: &[&str]) -> Option<usize> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(lines.first()?);
    for (i, line) in lines.iter().enumerate() {
        let code = line.trim();
        let outer = indent(line) == own && !code.is_empty();
        if outer && (code.ends_with(';') && !code.starts_with('}')) {
            return None;
        }
        let closed = i > 0 && code.starts_with('}') || i == 0 && code.ends_with('}');
        if outer && closed {
            return Some(i + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        check(&tree(&[("a.rs", text)]), &graph(&[])).iter().map(ToString::to_string).collect()
    }

    fn function(head: &str, lines: usize) -> String {
        format!("{head} {{\n{}}}\n", "    work();\n".repeat(lines - 2))
    }

    #[test]
    fn a_file_of_401_lines_is_found() {
        assert!(findings(&"//\n".repeat(400)).is_empty());
        assert!(findings(&"//\n".repeat(401))[0].contains("401 lines"));
    }

    #[test]
    fn a_function_of_61_lines_is_found_by_name_and_line() {
        assert!(findings(&function("fn a()", 60)).is_empty());
        let found = findings(&format!("\n{}", function("pub(crate) async fn long_one<T>(a: T)", 61)));
        assert!(found[0].starts_with("a.rs:2: fn long_one has 61 lines"), "{found:?}");
    }

    #[test]
    fn the_signature_and_the_where_clause_belong_to_the_function() {
        let head = "    fn a<T>(\n        b: T,\n    ) -> u8\n    where\n        T: Copy,\n    {\n";
        let text = format!("{head}{}    }}\n", "        work();\n".repeat(54));
        assert_eq!(findings(&text).len(), 1);
    }

    #[test]
    fn declarations_and_neighbours_are_not_counted_in() {
        let text = format!("trait T {{\n    fn a();\n}}\nfn empty() {{}}\n{}", function("fn b()", 60));
        assert!(findings(&text).is_empty());
    }

    #[test]
    fn only_functions_are_functions() {
        assert_eq!(name_of_function("    pub const unsafe fn a_b(x: u8) {"), Some("a_b"));
        for line in ["// fn a() {", "let f: fn (u8) = x;", "type F = fn(u8);", "pub fnord: u8,"] {
            assert_eq!(name_of_function(line), None, "{line}");
        }
    }
}
