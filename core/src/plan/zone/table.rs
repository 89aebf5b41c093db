//! The database is one byte string, and a zone is decoded from it when it is asked for.
//!
//! ```text
//! database   = version zones names
//! version    = length (1 byte), text
//! zones      = count, count × ( length, zone )
//! zone       = offset, count, count × ( seconds since the change before it or 1970, how much the offset grows ), rule
//! rule       = 0 | 1, standard offset, summer offset, 2 × ( month, week, weekday, signed second of the day )
//! names      = count, count × ( bytes shared with the name before it, length (1 byte each), text, number of the zone )
//! ```
//!
//! Numbers are LEB128, offsets and other signed ones zigzag. Neighbours change their clocks together and by as much, which a compressor
//! of the module finds. `core/tests/zones.rs` writes it and compares it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Transition;
use super::rule::{Day, Rule};

static DATABASE: &[u8] = include_bytes!("zones.bin");

/// A zone's changes, ascending, and the rule after the last of them; that one may change nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    name: String,
    first_s: i64,
    /// From when on, and the offset from then on.
    changes: Vec<(i64, i64)>,
    rule: Option<Rule>,
}

impl Table {
    /// The name that it was found by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn offset_at(&self, utc_s: i64) -> i64 {
        let after = self.changes.partition_point(|(at, _)| *at <= utc_s);
        match (&self.rule, after == self.changes.len()) {
            (Some(rule), true) => rule.offset_at(utc_s),
            _ => self.offset_after(after),
        }
    }

    /// The offset after so many changes.
    fn offset_after(&self, changes: usize) -> i64 {
        let last = changes
            .checked_sub(1)
            .and_then(|index| self.changes.get(index));
        last.map_or(self.first_s, |(_, offset)| *offset)
    }

    pub(super) fn next_transition(&self, utc_s: i64) -> Option<Transition> {
        let after = self.changes.partition_point(|(at, _)| *at <= utc_s);
        let listed = (after..self.changes.len()).find_map(|index| {
            let &(at, offset) = self.changes.get(index)?;
            let before = self.offset_after(index);
            (offset != before).then_some(Transition {
                utc_s: at,
                before_s: before,
                after_s: offset,
            })
        });
        if listed.is_some() {
            return listed;
        }
        let from = self.changes.last().map_or(utc_s, |(at, _)| utc_s.max(*at));
        self.rule.as_ref()?.next_transition(from)
    }
}

/// The version of the database.
pub(super) fn version() -> &'static str {
    let mut reader = Reader { rest: DATABASE };
    let length = usize::from(reader.byte());
    core::str::from_utf8(reader.take(length)).unwrap_or_default()
}

/// The zone with this name.
pub(super) fn find(name: &str) -> Option<Table> {
    let (zones, names) = parts();
    let number = Names::new(names).find(|row| row.0 == name)?.1;
    let mut reader = Reader { rest: zones };
    for _ in 0..number {
        let length = reader.number();
        reader.take(length);
    }
    let length = reader.number();
    let record = reader.take(length);
    Some(decode(name, record))
}

/// Every name, in order.
pub(super) fn names() -> impl Iterator<Item = String> {
    Names::new(parts().1).map(|row| row.0)
}

fn decode(name: &str, record: &[u8]) -> Table {
    let mut reader = Reader { rest: record };
    let first_s = reader.signed();
    let count = reader.number();
    let mut changes = Vec::with_capacity(count);
    let mut at: i64 = 0;
    let mut offset_s = first_s;
    for _ in 0..count {
        at = at.saturating_add_unsigned(reader.unsigned());
        offset_s = offset_s.saturating_add(reader.signed());
        changes.push((at, offset_s));
    }
    let rule = (reader.byte() == 1).then(|| Rule {
        standard_s: reader.signed(),
        summer_s: reader.signed(),
        start: reader.day(),
        end: reader.day(),
    });
    Table {
        name: name.to_string(),
        first_s,
        changes,
        rule,
    }
}

/// The records of the zones, and the names.
fn parts() -> (&'static [u8], &'static [u8]) {
    let mut reader = Reader { rest: DATABASE };
    let length = usize::from(reader.byte());
    reader.take(length);
    let count = reader.number();
    let zones = reader.rest;
    for _ in 0..count {
        let length = reader.number();
        reader.take(length);
    }
    (zones, reader.rest)
}

struct Names {
    reader: Reader<'static>,
    left: usize,
    text: String,
}

impl Names {
    fn new(rest: &'static [u8]) -> Names {
        let mut reader = Reader { rest };
        let left = reader.number();
        Names {
            reader,
            left,
            text: String::new(),
        }
    }
}

impl Iterator for Names {
    type Item = (String, usize);

    fn next(&mut self) -> Option<(String, usize)> {
        self.left = self.left.checked_sub(1)?;
        let shared = usize::from(self.reader.byte());
        let length = usize::from(self.reader.byte());
        self.text.truncate(shared);
        self.text
            .push_str(core::str::from_utf8(self.reader.take(length)).unwrap_or_default());
        Some((self.text.clone(), self.reader.number()))
    }
}

/// Reads what the generator wrote; beyond the end there are zeros.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn unsigned(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        number
    }

    fn number(&mut self) -> usize {
        usize::try_from(self.unsigned()).unwrap_or(0)
    }

    fn signed(&mut self) -> i64 {
        let number = self.unsigned();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    fn day(&mut self) -> Day {
        Day {
            month: self.byte(),
            week: self.byte(),
            weekday: self.byte(),
            second: self.signed(),
        }
    }
}
