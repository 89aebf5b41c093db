//! A key is found by its hash, so that a search over many keys touches little memory.

use alloc::vec::Vec;
use core::ops::Range;

use crate::plan::step::step;

/// Hash and number of each key, ascending; the numbers follow the order of the keys.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    rows: Vec<(u64, u32)>,
}

impl Lookup {
    /// A lookup over keys in ascending order.
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Lookup {
        let mut rows: Vec<(u64, u32)> =
            (0u32..).zip(keys).map(|row| (hash(row.1), row.0)).collect();
        rows.sort_unstable();
        Lookup { rows }
    }

    /// The number of a key; `key` gives the key of a number.
    ///
    /// Keys that share a hash stand in their own order, so that choosing them badly costs nobody more than a search.
    pub(super) fn find<'a>(&self, wanted: &str, key: impl Fn(u32) -> &'a str) -> Option<u32> {
        let same = &self.rows[self.of_hash(hash(wanted))];
        let found = same
            .binary_search_by(|row| {
                step();
                key(row.1).cmp(wanted)
            })
            .ok()?;
        same.get(found).map(|row| row.1)
    }

    fn of_hash(&self, hash: u64) -> Range<usize> {
        let start = self.rows.partition_point(|row| row.0 < hash);
        let length = self.rows[start..].partition_point(|row| row.0 == hash);
        start..start + length
    }
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
