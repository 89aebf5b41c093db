//! Rows are put in order by one sort that is compiled once, whatever the rows are.
//!
//! The standard sorts are compiled for each type of row, and the wasm of a door is paid by the byte. Where rows are many, they
//! are plain numbers and the standard sort serves.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Sorts rows by a comparison; equal ones keep their places. At most 2^32 rows are sorted.
pub(crate) fn sort_by<T>(rows: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut from = order_of(rows.len(), &|one, other| match (
        rows.get(one as usize),
        rows.get(other as usize),
    ) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    // Each round of rows that change places among themselves is gone round once.
    for start in 0..from.len() {
        let mut at = start;
        while let Some(source) = next(&mut from, at).filter(|source| *source != start) {
            rows.swap(at, source);
            at = source;
        }
    }
}

/// A map that is filled row by row, without a sort of its own; of rows with one key, the last stays.
pub(crate) fn map_of<K: Ord, V>(rows: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(rows);
    map
}

/// The numbers of rows in the order of a comparison of two.
#[inline(never)]
fn order_of(rows: usize, compare: &dyn Fn(u32, u32) -> Ordering) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect();
    order.sort_unstable_by(|one, other| compare(*one, *other).then(one.cmp(other)));
    order
}

/// Where the row comes from that belongs to a place, which has it from then on.
#[inline(never)]
fn next(from: &mut [u32], place: usize) -> Option<usize> {
    let source = from.get_mut(place)?;
    Some(core::mem::replace(source, place as u32) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keys: &[u8]) {
        let numbered = || keys.iter().copied().zip(0usize..).collect::<Vec<_>>();
        let (mut ours, mut standard) = (numbered(), numbered());
        sort_by(&mut ours, |one, other| one.0.cmp(&other.0));
        standard.sort_by_key(|row| row.0);
        assert_eq!(ours, standard);
    }

    #[test]
    fn rows_stand_as_the_standard_stable_sort_puts_them() {
        for keys in [&[][..], &[1], &[2, 1], &[1, 1, 0], &[3, 1, 2, 3, 0, 1]] {
            check(keys);
        }
        let mut state = 7u32;
        for length in 0..200 {
            let mut draw = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 28) as u8
            };
            check(&(0..length).map(|_| draw()).collect::<Vec<u8>>());
        }
    }
}
