//! Columns as wide as their widest cell; colour does not count.

use crate::paint::{Paint, Tone};

/// A cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

/// Plain text.
pub(crate) fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), tone: Tone::Plain }
}

/// Text with a tone.
pub(crate) fn toned(tone: Tone, text: impl Into<String>) -> Cell {
    Cell { text: text.into(), tone }
}

/// The rows, each on its line; the last column is not padded.
pub(crate) fn table(rows: &[Vec<Cell>], paint: Paint) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<Cell>| {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(&paint.paint(cell.tone, &cell.text));
            if at + 1 < row.len() {
                let padding = width - cell.text.chars().count() + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows =
            [vec![cell("a"), cell("bb"), cell("c")], vec![cell("\u{e4}\u{e4}\u{e4}"), cell("b"), cell("")]];
        assert_eq!(table(&rows, Paint::plain()), "a    bb  c\n\u{e4}\u{e4}\u{e4}  b\n");
        assert_eq!(table(&[], Paint::plain()), "");
    }
}
