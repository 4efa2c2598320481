//! Links in Markdown lead somewhere, and the README's code map names every crate.

use super::Finding;
use super::graph::Graph;
use super::tree::{File, Tree};

/// The page with the code map.
const MAP: &str = "README.md";

/// The rule.
pub(super) fn check(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    let links = tree.ending(".md").flat_map(|file| judge_links(tree, file));
    links.chain(judge_map(tree, graph)).collect()
}

fn judge_links(tree: &Tree, file: &File) -> Vec<Finding> {
    let broken = prose(file).flat_map(|(number, line)| targets(line).map(move |t| (number, t)));
    let broken = broken.filter(|(_, target)| !leads_somewhere(tree, file, target));
    broken
        .map(|(number, target)| {
            Finding::new(file.at(number), format!("link to nowhere: {target}"), "Correct or remove it.")
        })
        .collect()
}

fn judge_map(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    let map = tree.file(MAP).map_or("", |f| f.text.as_str());
    let named = |folder: &str| {
        map.match_indices(folder).any(|(at, _)| {
            let next = map[at + folder.len()..].chars().next();
            next.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_')
        })
    };
    let missing = graph.ours().filter_map(|c| c.folder.as_deref()).filter(|folder| !named(folder));
    missing
        .map(|folder| Finding::new(MAP, format!("does not name {folder}"), "Add it to the code map."))
        .collect()
}

/// Lines outside of code blocks.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    file.lines().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

fn leads_somewhere(tree: &Tree, from: &File, target: &str) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (path, heading) = target.split_once('#').map_or((target, None), |(p, h)| (p, Some(h)));
    let Some(path) = (if path.is_empty() { Some(from.path.clone()) } else { resolve(&from.path, path) })
    else {
        return false;
    };
    let Some(heading) = heading.filter(|_| path.ends_with(".md")) else { return tree.holds(&path) };
    tree.file(&path).is_some_and(|file| prose(file).any(|(_, line)| anchor(line).as_deref() == Some(heading)))
}

/// A relative path as one from the root; `None` if it leaves the repository.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchor that forges make of a heading.
fn anchor(line: &str) -> Option<String> {
    let text = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?.trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::super::graph::graph;
    use super::super::tree::tree;
    use super::*;

    fn broken(text: &str) -> usize {
        let tree = tree(&[("docs/a.md", text), ("docs/b.md", "# A name: here\n"), ("hal/src/lib.rs", "")]);
        judge_links(&tree, &tree.files[0]).len()
    }

    #[test]
    fn links_that_lead_somewhere_are_left_alone() {
        let good =
            "[b](b.md) [up](../hal) [h](b.md#a-name-here) [web](https://example.org/x) [s](#own)\n# Own\n";
        assert_eq!(broken(good), 0);
    }

    #[test]
    fn links_to_nowhere_are_found() {
        assert_eq!(broken("[a](c.md) and [b](../../outside) and [c](b.md#other) and [d](#none)"), 4);
    }

    #[test]
    fn code_blocks_hold_no_links() {
        assert_eq!(broken("```\n[a](c.md)\n```\n"), 0);
    }

    #[test]
    fn a_crate_that_the_map_does_not_name_is_found() {
        let graph = graph(&[("hal", "hal", "", &[]), ("wan", "firmware/wan", "", &[])]);
        let map = |text| judge_map(&tree(&[(MAP, text)]), &graph).len();
        assert_eq!(map("`hal` and `firmware/wan`"), 0);
        assert_eq!(map("`hal/linux`, `firmware/wanting`"), 1);
        assert_eq!(judge_map(&tree(&[]), &graph).len(), 2);
    }
}
