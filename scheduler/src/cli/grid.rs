//! A grid has a row for each stretch of time or each other value, and a cell for each partition, or for several when they do not fit.

use std::collections::BTreeMap;

use arcoflow_core::identity::partition_key::{PartitionKey, Value};
use arcoflow_core::wire::asset::{PartitionLine, PartitionState};

use crate::cli::screen::{Screen, Tone};
use crate::cli::words;

/// The mark of a state, which tells it apart without colour.
pub(crate) fn mark(state: PartitionState) -> (char, Tone) {
    match state {
        PartitionState::Missing => ('·', Tone::Quiet),
        PartitionState::Running => ('~', Tone::Busy),
        PartitionState::Succeeded => ('■', Tone::Good),
        PartitionState::Failed => ('×', Tone::Bad),
        PartitionState::Stale => ('▒', Tone::Careful),
    }
}

/// How much a state matters to a reader; of several partitions in a cell the one that matters most is shown.
fn weight(state: PartitionState) -> u8 {
    match state {
        PartitionState::Failed => 4,
        PartitionState::Running => 3,
        PartitionState::Stale => 2,
        PartitionState::Missing => 1,
        PartitionState::Succeeded => 0,
    }
}

/// Cells by row and column, both in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    rows: Vec<(String, BTreeMap<usize, PartitionState>)>,
    columns: Vec<String>,
    row_of: BTreeMap<String, usize>,
    column_of: BTreeMap<String, usize>,
}

impl Grid {
    /// The grid of some partitions in the order of their declaration.
    pub(crate) fn of(lines: &[PartitionLine]) -> Grid {
        let mut grid = Grid::default();
        if lines.iter().all(|line| line.partition_key.is_none()) {
            for line in lines {
                grid.set(String::new(), String::new(), line.state);
            }
            return grid;
        }
        let keys = lines.iter().filter_map(|line| line.partition_key.as_ref());
        // Days and hours have as many columns as a month or a day can have, whichever of them are there.
        for column in keys.clone().next().map(all_columns).unwrap_or_default() {
            grid.column(column);
        }
        for line in lines {
            if let Some(key) = &line.partition_key {
                let (row, column) = place(key);
                grid.set(row, column, line.state);
            }
        }
        grid
    }

    fn column(&mut self, column: String) -> usize {
        let next = self.columns.len();
        *self.column_of.entry(column).or_insert_with_key(|column| {
            self.columns.push(column.clone());
            next
        })
    }

    fn set(&mut self, row: String, column: String, state: PartitionState) {
        let column = self.column(column);
        let next = self.rows.len();
        let row = *self.row_of.entry(row).or_insert_with_key(|row| {
            self.rows.push((row.clone(), BTreeMap::new()));
            next
        });
        if let Some((_, cells)) = self.rows.get_mut(row) {
            cells.insert(column, state);
        }
    }

    /// Lines no wider than the screen.
    pub(crate) fn to_text(&self, screen: &Screen) -> String {
        let labels = self.rows.iter().map(|(row, _)| row.chars().count());
        let label = labels.max().unwrap_or(0);
        let room = screen.width.saturating_sub(label + 4).max(8);
        let each = self.columns.len().div_ceil(room).max(1);
        let mut text = String::new();
        if let Some(heading) = self.heading(each) {
            let heading = screen.paint(heading, Tone::Quiet);
            text.push_str(&format!("  {}  {heading}\n", " ".repeat(label)));
        }
        for (row, cells) in &self.rows {
            let pad = " ".repeat(label - row.chars().count());
            let mut line = format!("  {}{pad}  ", screen.paint(row, Tone::Quiet));
            let mut blanks = 0;
            for start in (0..self.columns.len()).step_by(each) {
                let here = cells.range(start..start + each).map(|(_, state)| *state);
                match here.max_by_key(|state| weight(*state)) {
                    Some(state) => {
                        line.push_str(&" ".repeat(std::mem::take(&mut blanks)));
                        let (mark, tone) = mark(state);
                        line.push_str(&screen.paint(mark.to_string(), tone));
                    }
                    None => blanks += 1,
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// What the columns are: the first and the last, and how many of them a cell is.
    fn heading(&self, each: usize) -> Option<String> {
        let (first, last) = (self.columns.first()?, self.columns.last()?);
        let several = (each > 1).then(|| format!(", {each} in a cell"));
        match self.columns.len() {
            0 | 1 => None,
            _ => Some(format!("{first} … {last}{}", several.unwrap_or_default())),
        }
    }
}

/// The row and the column of a partition: time goes from left to right, everything else from top to bottom.
fn place(key: &PartitionKey) -> (String, String) {
    let dimensions: Vec<(&str, Value)> = key.dimensions().collect();
    let is_time = |value: &Value| matches!(value, Value::Date(_) | Value::Timestamp(_));
    if let [(_, value)] = dimensions.as_slice() {
        return match is_time(value) {
            true => split_time(&words::value(value)),
            false => (String::new(), words::value(value)),
        };
    }
    let across = dimensions
        .iter()
        .position(|(_, value)| is_time(value))
        .unwrap_or(dimensions.len().saturating_sub(1));
    let mut row = Vec::new();
    let mut column = String::new();
    for (index, (_, value)) in dimensions.iter().enumerate() {
        if index == across {
            column = words::value(value);
        } else {
            row.push(words::value(value));
        }
    }
    (row.join(" "), column)
}

/// Days in rows of a month, hours in rows of a day.
fn split_time(text: &str) -> (String, String) {
    match text.split_once('T') {
        Some((day, hour)) => (day.to_string(), hour.get(..2).unwrap_or(hour).to_string()),
        None => match text.rsplit_once('-') {
            Some((month, day)) => (month.to_string(), day.to_string()),
            None => (String::new(), text.to_string()),
        },
    }
}

/// The columns of a single dimension of time.
fn all_columns(key: &PartitionKey) -> Vec<String> {
    let mut dimensions = key.dimensions();
    let range = match (dimensions.next(), dimensions.next()) {
        (Some((_, Value::Date(_))), None) => 1..=31,
        (Some((_, Value::Timestamp(_))), None) => 0..=23,
        _ => return Vec::new(),
    };
    range.map(|number| format!("{number:02}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: usize) -> Screen {
        Screen {
            json: true,
            is_live: false,
            width,
        }
    }

    fn line(key: &str, state: PartitionState) -> PartitionLine {
        PartitionLine {
            partition_key: (!key.is_empty()).then(|| PartitionKey::parse(key).expect("a key")),
            state,
        }
    }

    #[test]
    fn partitions_stand_where_a_reader_looks_for_them() {
        use PartitionState::{Failed, Missing, Running, Stale, Succeeded};
        let rows: &[(Vec<PartitionLine>, usize, &str)] = &[
            (vec![line("", Succeeded)], 60, "    ■\n"),
            (
                vec![
                    line("day=d:2012-01-30", Succeeded),
                    line("day=d:2012-01-31", Failed),
                    line("day=d:2012-02-01", Stale),
                    line("day=d:2012-02-02", Missing),
                ],
                60,
                "           01 … 31\n  2012-01                               ■×\n  2012-02  ▒·\n",
            ),
            (
                vec![
                    line("day=d:2012-01-01,store=s:bg", Succeeded),
                    line("day=d:2012-01-01,store=s:cw", Running),
                    line("day=d:2012-01-02,store=s:bg", Missing),
                    line("day=d:2012-01-02,store=s:cw", Missing),
                ],
                60,
                "     2012-01-01 … 2012-01-02\n  n  ■·\n  s  ~·\n",
            ),
        ];
        for (lines, width, expected) in rows {
            let text =
                console::strip_ansi_codes(&Grid::of(lines).to_text(&screen(*width))).into_owned();
            assert_eq!(text, *expected);
        }
    }

    #[test]
    fn of_several_partitions_in_a_cell_the_worst_is_shown() {
        let lines: Vec<PartitionLine> = (0..100)
            .map(|number| {
                let state = match number {
                    41 => PartitionState::Failed,
                    90.. => PartitionState::Missing,
                    _ => PartitionState::Succeeded,
                };
                line(&format!("part=i:{number}"), state)
            })
            .collect();
        let text = Grid::of(&lines).to_text(&screen(54));
        let text = console::strip_ansi_codes(&text).into_owned();
        let cells = text.lines().last().expect("a row").trim();
        assert_eq!(
            cells,
            format!("{}×{}{}", "■".repeat(20), "■".repeat(24), "·".repeat(5))
        );
        assert!(text.starts_with("    0 … 99, 2 in a cell\n"), "{text}");
    }
}
