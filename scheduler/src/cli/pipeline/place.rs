//! A place in a file is shown as its line with a mark under it.

use std::collections::BTreeMap;
use std::ops::Range;

use arcoflow_core::wire::finding::Finding;
use console::measure_text_width;
use serde_json::{Value, json};

use crate::cli::screen::{Screen, Tone};
use crate::cli::table::wrap;

/// From one byte of a text to another.
pub(crate) type Span = Range<usize>;

/// Where each member of a document stands in its text.
#[derive(Debug, Default)]
pub(crate) struct Places {
    by_pointer: BTreeMap<String, Span>,
}

impl Places {
    /// Notes where the value at a pointer stands.
    pub(crate) fn note(&mut self, pointer: &str, span: Span) {
        self.by_pointer.insert(pointer.to_string(), span);
    }

    /// Where the value at a pointer stands, or the nearest one around it.
    pub(crate) fn of(&self, pointer: &str) -> Span {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.by_pointer.get(pointer) {
                return span.clone();
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return 0..0,
            }
        }
    }
}

/// A finding with the line that it is about.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// The file.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column in characters, from 1.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) finding: Finding,
    shown: String,
    before: usize,
    marked: usize,
}

impl Placed {
    /// The finding at a span of a text.
    pub(crate) fn new(path: &str, text: &str, span: Span, finding: Finding) -> Placed {
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let marked_end = end.clamp(start, line_end.max(start));
        let show = |part: &str| part.replace('\t', "    ").replace('\r', "");
        Placed {
            path: path.to_string(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            finding,
            shown: show(&text[line_start..line_end]),
            before: measure_text_width(&show(&text[line_start..start])),
            marked: measure_text_width(&show(&text[start..marked_end])).max(1),
        }
    }

    /// The finding as JSON: that of the door, and its place in the file.
    pub(crate) fn to_json(&self) -> Value {
        let mut value = self.finding.to_json();
        if let Some(object) = value.as_object_mut() {
            object.insert("file".into(), json!(self.path));
            object.insert("line".into(), json!(self.line));
            object.insert("column".into(), json!(self.column));
        }
        value
    }

    /// The finding, the line with a mark under it, and what to do.
    pub(crate) fn to_text(&self, screen: &Screen) -> String {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let bar = screen.paint_note("│", Tone::Quiet);
        let (line, before) = self.window(screen.width.saturating_sub(number.len() + 4));
        let room = measure_text_width(&line).saturating_sub(before).max(1);
        let mark = "^".repeat(self.marked.min(room));
        let mut text = format!(
            "{}: {}\n",
            screen.paint_note("error", Tone::Bad),
            screen.paint_note(&self.finding.message, Tone::Strong)
        );
        let place = format!("{}:{}:{}", self.path, self.line, self.column);
        text.push_str(&format!(
            "{margin} {} {place}\n",
            screen.paint_note("╭─", Tone::Quiet)
        ));
        text.push_str(&format!(
            "{} {bar} {line}\n",
            screen.paint_note(&number, Tone::Quiet)
        ));
        let marks = screen.paint_note(&mark, Tone::Bad);
        text.push_str(&format!("{margin} {bar} {}{marks}\n", " ".repeat(before)));
        let hints = wrap(
            &self.finding.hint,
            screen.width.saturating_sub(margin.len() + 5),
        );
        for (index, hint) in hints.iter().enumerate() {
            let sign = if index == 0 {
                screen.paint_note("╰─ →", Tone::Quiet)
            } else {
                "    ".to_string()
            };
            text.push_str(&format!("{margin} {sign} {hint}\n"));
        }
        text
    }

    /// The line, or the part of a long line that holds the mark, and the columns before the mark in it.
    fn window(&self, width: usize) -> (String, usize) {
        if measure_text_width(&self.shown) <= width {
            return (self.shown.clone(), self.before);
        }
        let lead = width / 3;
        let from = self.before.saturating_sub(lead);
        let mut column = 0;
        let mut part = String::new();
        for character in self.shown.chars() {
            let next = column + measure_text_width(character.encode_utf8(&mut [0; 4]));
            if column >= from && next <= from + width.saturating_sub(2) {
                part.push(character);
            }
            column = next;
        }
        let head = if from > 0 { "…" } else { "" };
        let tail = if column > from + width { "…" } else { "" };
        let shift = usize::from(from > 0);
        (format!("{head}{part}{tail}"), self.before - from + shift)
    }
}

/// The nearest character boundary at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(text: &str, part: &str) -> Placed {
        let start = text.find(part).expect("the part stands in the text");
        let finding = Finding::new("a.code", "/a", "it is wrong", "do it right");
        Placed::new("file.toml", text, start..start + part.len(), finding)
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let rows = [
            ("abc", "abc", (1, 1)),
            ("a\nbc", "c", (2, 2)),
            ("a\r\n\r\nbc", "b", (3, 1)),
            ("é = \"ü\"", "\"ü\"", (1, 5)),
            ("\tx", "x", (1, 2)),
        ];
        for (text, part, expected) in rows {
            let placed = placed(text, part);
            assert_eq!((placed.line, placed.column), expected, "{text:?}");
        }
    }

    #[test]
    fn the_mark_stands_under_the_part() {
        let screen = Screen {
            json: false,
            is_live: false,
            width: 80,
        };
        let text = placed("first\n\tkey = 1.5 # a\nlast", "1.5").to_text(&screen);
        assert_eq!(
            text,
            "error: it is wrong\n  ╭─ file.toml:2:8\n2 │     key = 1.5 # a\n  │           ^^^\n  ╰─ → do it right\n"
        );
    }

    #[test]
    fn a_part_over_several_lines_is_marked_on_its_first() {
        let screen = Screen {
            json: false,
            is_live: false,
            width: 80,
        };
        let text = placed("a = [\n  1,\n]\n", "[\n  1,\n]").to_text(&screen);
        assert!(text.contains("1 │ a = [\n  │     ^\n"), "{text}");
    }

    #[test]
    fn a_long_line_is_shown_around_the_mark() {
        let screen = Screen {
            json: false,
            is_live: false,
            width: 60,
        };
        let text = format!("{}BAD{}", "x".repeat(200), "y".repeat(200));
        let shown = placed(&text, "BAD").to_text(&screen);
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines[2].chars().position(|character| character == 'B');
        assert_eq!(
            at,
            lines[3].chars().position(|character| character == '^'),
            "{shown}"
        );
        assert!(
            lines.iter().all(|line| measure_text_width(line) <= 60),
            "{shown}"
        );
    }

    #[test]
    fn a_pointer_without_a_place_stands_at_the_nearest_around_it() {
        let mut places = Places::default();
        places.note("", 0..9);
        places.note("/assets/1", 3..5);
        assert_eq!(places.of("/assets/1/run/command"), 3..5);
        assert_eq!(places.of("/queues"), 0..9);
    }
}
