//! A table has aligned columns, no lines, and fits the screen: the last column gives way.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

/// What stands between columns.
const GAP: &str = "  ";

/// Rows of cells that may be coloured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
    indent: usize,
    folds: bool,
}

impl Table {
    /// A table with a heading.
    pub(crate) fn new(heading: &[String]) -> Table {
        let mut table = Table::default();
        if !heading.is_empty() {
            table.rows.push(heading.to_vec());
        }
        table
    }

    /// Columns that hold numbers.
    pub(crate) fn right(mut self, columns: &[usize]) -> Table {
        self.right = columns.to_vec();
        self
    }

    /// Spaces before each row.
    pub(crate) fn indent(mut self, spaces: usize) -> Table {
        self.indent = spaces;
        self
    }

    /// A last column that is too long goes on below itself instead of being cut.
    pub(crate) fn folded(mut self) -> Table {
        self.folds = true;
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines, each no wider than `width`.
    pub(crate) fn to_text(&self, width: usize) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| measure_text_width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            self.push_row(&mut text, row, &widths, width);
        }
        text
    }

    fn push_row(&self, text: &mut String, row: &[String], widths: &[usize], width: usize) {
        let mut line = " ".repeat(self.indent);
        let last = widths.len().saturating_sub(1);
        for (column, cell) in row.iter().enumerate() {
            if column == last && self.folds {
                return self.push_folded(text, &line, cell, width);
            }
            let alignment = if self.right.contains(&column) {
                Alignment::Right
            } else {
                Alignment::Left
            };
            let cell_width = widths.get(column).copied().unwrap_or(0);
            line.push_str(&pad_str(cell, cell_width, alignment, None));
            if column < last {
                line.push_str(GAP);
            }
        }
        text.push_str(truncate_str(line.trim_end(), width, "…").trim_end());
        text.push('\n');
    }

    fn push_folded(&self, text: &mut String, line: &str, cell: &str, width: usize) {
        let start = measure_text_width(line);
        let room = width.saturating_sub(start).max(24);
        for (index, piece) in wrap(cell, room).iter().enumerate() {
            let before = if index == 0 {
                line.to_string()
            } else {
                " ".repeat(start)
            };
            text.push_str(format!("{before}{piece}").trim_end());
            text.push('\n');
        }
    }
}

/// A text in lines of at most `width` columns, broken at spaces where there are some.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = measure_text_width(word);
        let gap = usize::from(used > 0);
        if used > 0 && used + gap + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for character in word.chars() {
            let columns = measure_text_width(character.encode_utf8(&mut [0; 4]));
            if used + columns > width && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(character);
            used += columns;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(row: &[&str]) -> Vec<String> {
        row.iter().map(|cell| (*cell).to_string()).collect()
    }

    #[test]
    fn columns_are_aligned_and_lines_fit() {
        let mut table = Table::new(&cells(&["run", "tasks", "state"]))
            .right(&[1])
            .indent(2);
        table.row(cells(&["a", "7", "succeeded"]));
        table.row(cells(&[
            "bcd",
            "1,245",
            "failed, and a long sentence about why",
        ]));
        assert_eq!(
            table.to_text(32),
            "  run  tasks  state\n  a        7  succeeded\n  bcd  1,245  failed, and a lon…\n"
        );
    }

    #[test]
    fn a_folded_column_goes_on_below_itself() {
        let mut table = Table::new(&[]).folded();
        table.row(cells(&["1", "one two three four five six seven eight"]));
        assert_eq!(
            table.to_text(28),
            "1  one two three four five\n   six seven eight\n"
        );
    }

    #[test]
    fn text_is_broken_at_spaces_and_only_then_within_words() {
        let rows: &[(&str, usize, &[&str])] = &[
            ("", 10, &[""]),
            ("one two", 10, &["one two"]),
            ("one two three", 8, &["one two", "three"]),
            ("abcdefghijkl", 5, &["abcde", "fghij", "kl"]),
            ("a bcdefghij k", 4, &["a", "bcde", "fghi", "j k"]),
        ];
        for (text, width, expected) in rows {
            assert_eq!(&wrap(text, *width), expected, "{text}");
        }
    }
}
