//! A quantity is a number with a unit in which speed, size or reliability is told.

use std::fs;

use crate::pages::root;

/// Where limits are listed.
pub(crate) const LIMITS: &str = "tests/documents/limits.txt";

const UNITS: &[&str] = &[
    "ns",
    "µs",
    "us",
    "ms",
    "s",
    "second",
    "seconds",
    "min",
    "minute",
    "minutes",
    "h",
    "hour",
    "hours",
    "day",
    "days",
    "%",
    "×",
    "x",
    "times",
    "B",
    "byte",
    "bytes",
    "KB",
    "kB",
    "KiB",
    "MB",
    "MiB",
    "GB",
    "GiB",
    "records",
    "requests",
    "req",
    "tasks",
    "callbacks",
    "events",
    "steps",
    "seeds",
    "round",
];
/// Counts of things are figures of speed only beside a time.
const COUNTED: &[&str] = &[
    "records",
    "requests",
    "req",
    "tasks",
    "callbacks",
    "events",
    "steps",
];

/// The quantities of a text, each with its line.
pub(crate) fn quantities(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + start;
        let length = text[start..]
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))
            .unwrap_or(text.len() - start);
        let number = text[start..start + length].trim_end_matches(['.', ',']);
        let end = start + number.len();
        at = start + length;
        let before = text[..start].chars().next_back();
        let part_of_word = before.is_some_and(|c| c.is_alphanumeric() || "-_./=#&".contains(c));
        if part_of_word {
            continue;
        }
        let rest = &text[end..];
        let gap = rest.strip_prefix([' ', '\n', '\u{a0}']).unwrap_or(rest);
        let unit: String = gap
            .chars()
            .take_while(|c| c.is_alphabetic() || "%×".contains(*c))
            .collect();
        let then = &gap[unit.len()..];
        let ends = !then.starts_with(|c: char| c.is_ascii_digit() || c == '_' || c == '-');
        let a_time = [
            " a second",
            "/s",
            " per second",
            " a minute",
            "\na second",
            " a\nsecond",
        ];
        let is_rate = a_time.iter().any(|time| then.starts_with(time));
        let known =
            UNITS.contains(&unit.as_str()) && (!COUNTED.contains(&unit.as_str()) || is_rate);
        if known && ends {
            let space = if gap.len() < rest.len() { " " } else { "" };
            let line = 1 + text[..start].matches('\n').count();
            found.push((line, format!("{number}{space}{unit}")));
        }
    }
    found
}

/// A quantity that a page may name without measuring it.
pub(crate) struct Limit {
    /// The line that lists it.
    pub(crate) number: usize,
    pub(crate) page: String,
    pub(crate) quantity: String,
    source: String,
}

/// What is listed.
pub(crate) fn limits() -> Vec<Limit> {
    let text = fs::read_to_string(root().join(LIMITS)).expect("the limits");
    let lines = (1..).zip(text.lines());
    let limit = |(number, line): (usize, &str)| {
        let mut parts = line.splitn(3, " | ").map(str::to_owned);
        let (Some(page), Some(quantity), Some(source)) = (parts.next(), parts.next(), parts.next())
        else {
            panic!("{LIMITS}:{number}: it has three parts");
        };
        Limit {
            number,
            page,
            quantity,
            source,
        }
    };
    lines
        .filter(|(_, line)| !line.starts_with('#'))
        .map(limit)
        .collect()
}

impl Limit {
    /// What is wrong with the place that is said to set it.
    pub(crate) fn fault(&self) -> Option<String> {
        if ["platform", "data"].contains(&self.source.as_str()) {
            return None;
        }
        let (file, text) = self.source.split_once(' ')?;
        let there =
            fs::read_to_string(root().join(file)).is_ok_and(|content| content.contains(text));
        let fault = format!(
            "{LIMITS}:{}: `{text}` does not stand in {file}",
            self.number
        );
        (!there).then_some(fault)
    }
}
