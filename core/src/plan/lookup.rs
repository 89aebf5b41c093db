//! A key is found by its hash: a few comparisons, however many keys there are.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::plan::step::step;

/// The numbers of keys in buckets by their hash, about one in each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lookup {
    /// The rows of bucket `b` are `rows[starts[b]..starts[b + 1]]`.
    starts: Vec<u32>,
    /// The rest of the hash and the number of a key. Within a bucket they ascend, and the numbers follow the order of the keys.
    rows: Vec<(u32, u32)>,
}

impl Lookup {
    /// A lookup over keys in ascending order.
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Lookup {
        let hashes: Vec<u64> = keys.map(hash).collect();
        let mut lookup = Lookup {
            starts: vec![0; hashes.len().next_power_of_two() + 1],
            rows: vec![(0, 0); hashes.len()],
        };
        for &hash in &hashes {
            let bucket = lookup.bucket(hash);
            lookup.starts[bucket + 1] += 1;
        }
        for bucket in 1..lookup.starts.len() {
            lookup.starts[bucket] += lookup.starts[bucket - 1];
        }
        let mut slots = lookup.starts.clone();
        for (number, &hash) in (0u32..).zip(&hashes) {
            let slot = &mut slots[lookup.bucket(hash)];
            lookup.rows[*slot as usize] = (rest(hash), number);
            *slot += 1;
        }
        for bucket in 0..lookup.starts.len() - 1 {
            let rows = lookup.rows_of(bucket);
            lookup.rows[rows].sort_unstable();
        }
        lookup
    }

    /// The number of a key; `key` gives the key of a number.
    ///
    /// Keys that share a hash stand in their own order, so that choosing them badly costs nobody more than a search.
    pub(super) fn find<'a>(&self, wanted: &str, key: impl Fn(u32) -> &'a str) -> Option<u32> {
        if self.rows.is_empty() {
            return None;
        }
        let hash = hash(wanted);
        let rows = &self.rows[self.rows_of(self.bucket(hash))];
        let found = rows.binary_search_by(|row| {
            step();
            let order = row.0.cmp(&rest(hash));
            order.then_with(|| key(row.1).cmp(wanted))
        });
        rows.get(found.ok()?).map(|row| row.1)
    }

    /// The upper half of a hash chooses; there is a power of two of buckets.
    fn bucket(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.starts.len() - 2)
    }

    fn rows_of(&self, bucket: usize) -> Range<usize> {
        self.starts[bucket] as usize..self.starts[bucket + 1] as usize
    }
}

/// What the bucket does not say of a hash.
fn rest(hash: u64) -> u32 {
    hash as u32
}

/// Eight bytes after another, each mixed in by a product of which both halves are kept. It leaves no process, and no order follows from it.
fn hash(text: &str) -> u64 {
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
    let (words, end) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..end.len()].copy_from_slice(end);
    let words = words.iter().chain([&last]);
    words.fold(text.len() as u64, |hash, word| {
        let product =
            u128::from(hash.rotate_left(29) ^ u64::from_le_bytes(*word) ^ 0x243f_6a88_85a3_08d3)
                * FACTOR;
        (product >> 64) as u64 ^ product as u64
    })
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::plan::step;

    #[test]
    fn every_key_is_found_in_few_steps_and_no_other_is() {
        for count in [0, 1, 2, 3, 1_000, 100_000] {
            let mut keys: Vec<String> = (0..count)
                .map(|number| format!("mart/table_{number}"))
                .collect();
            keys.sort_unstable();
            let lookup = Lookup::new(keys.iter().map(String::as_str));
            let find = |text: &str| lookup.find(text, |number| keys[number as usize].as_str());
            let ((), steps) = step::during(|| {
                for (number, key) in (0u32..).zip(&keys) {
                    assert_eq!(find(key), Some(number));
                    assert_eq!(find(&key[1..]), None);
                }
            });
            assert!(steps <= 4 * count, "{steps} steps for {count} keys");
        }
    }

    #[test]
    fn keys_that_share_a_hash_are_told_apart() {
        let keys: Vec<String> = (0..100).map(|number| format!("k{number:02}")).collect();
        let lookup = Lookup {
            starts: vec![0, 100],
            rows: keys.iter().map(|_| rest(hash("k07"))).zip(0..).collect(),
        };
        let find = |text: &str| lookup.find(text, |number| keys[number as usize].as_str());
        assert_eq!(find("k07"), Some(7));
    }
}
