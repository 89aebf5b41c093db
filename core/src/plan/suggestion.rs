//! A wrong name is answered with the names that were probably meant.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::plan::order::sort_by;

const MAX_SUGGESTIONS: usize = 3;
/// Longer names are compared by their first bytes, so a hint costs little whatever was sent.
const MAX_BYTES: usize = 64;

/// A sentence that names the closest of `names`, or `otherwise` when none is close.
pub(super) fn hint<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    let close = closest(wanted, names);
    if close.is_empty() {
        return String::from(otherwise);
    }
    let mut text = String::from("did you mean ");
    for (index, name) in close.iter().enumerate() {
        if index > 0 {
            text.push_str(if index + 1 == close.len() {
                " or "
            } else {
                ", "
            });
        }
        text.push('`');
        text.push_str(name);
        text.push('`');
    }
    text.push('?');
    text
}

/// The names within a third of the wanted one's length, closest first.
fn closest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let bound = (wanted.len().min(MAX_BYTES) / 3).max(1);
    let mut best: Vec<(usize, &str)> = Vec::new();
    for name in names {
        let distance = if name.rsplit('/').next() == Some(wanted) {
            0
        } else if name.len().abs_diff(wanted.len()) > bound {
            continue;
        } else {
            distance(wanted.as_bytes(), name.as_bytes())
        };
        if distance <= bound {
            best.push((distance, name));
            sort_by(&mut best, Ord::cmp);
            best.dedup();
            best.truncate(MAX_SUGGESTIONS);
        }
    }
    best.into_iter().map(|(_, name)| name).collect()
}

/// Levenshtein's distance over the first bytes.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let a = a.get(..MAX_BYTES).unwrap_or(a);
    let b = b.get(..MAX_BYTES).unwrap_or(b);
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut next = vec![0; row.len()];
    for (i, x) in a.iter().enumerate() {
        next[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = row[j] + usize::from(x != y);
            next[j + 1] = replace.min(row[j + 1] + 1).min(next[j] + 1);
        }
        core::mem::swap(&mut row, &mut next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_offered_and_far_ones_are_not() {
        let names = ["mart/report", "mart/reports", "raw/events", "staging/daily"];
        let rows = [
            (
                "mart/raport",
                "did you mean `mart/report` or `mart/reports`?",
            ),
            ("daily", "did you mean `staging/daily`?"),
            ("zzz/nothing", "none"),
            ("", "none"),
        ];
        for (wanted, expected) in rows {
            assert_eq!(
                hint(wanted, names.into_iter(), "none"),
                expected,
                "{wanted}"
            );
        }
    }
}
