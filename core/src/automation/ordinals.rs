//! A set of ordinals is written as its runs, or as its bits where that is shorter: never more than a bit for each.

use alloc::vec::Vec;

use roaring::RoaringBitmap;

/// Ordinals of one stretch; a set is kept in stretches so that a change rewrites little.
pub const STRETCH: u32 = 16_384;
/// Bytes of a stretch written bit by bit.
const BITS: usize = STRETCH as usize / 8;

/// The first byte says how the rest is read.
const RUNS: u8 = 0;
const BITMAP: u8 = 1;

/// A set of places within a stretch, as bytes; nothing for an empty set.
#[must_use]
pub fn write(places: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut ranges = places.iter();
    let mut at = 0;
    while let Some(range) = ranges.next_range() {
        if bytes.is_empty() {
            bytes.push(RUNS);
        }
        let (start, end) = (*range.start(), *range.end());
        push_number(&mut bytes, start.saturating_sub(at));
        push_number(&mut bytes, end.saturating_sub(start));
        at = end.saturating_add(1);
        if bytes.len() > BITS {
            return write_bits(places);
        }
    }
    bytes
}

fn write_bits(places: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = alloc::vec![0; BITS + 1];
    if let Some(first) = bytes.first_mut() {
        *first = BITMAP;
    }
    for place in places {
        if let Some(byte) = bytes.get_mut(1 + place as usize / 8) {
            *byte |= 1 << (place % 8);
        }
    }
    bytes
}

/// Adds the set that `bytes` say, moved up by `offset`. What nobody wrote reads as far as it can be understood.
pub fn read_into(set: &mut RoaringBitmap, offset: u32, bytes: &[u8]) {
    match bytes.split_first() {
        Some((&RUNS, rest)) => read_runs(set, offset, rest),
        Some((&BITMAP, rest)) => {
            let rest = rest.get(..BITS).unwrap_or(rest);
            *set |= RoaringBitmap::from_lsb0_bytes(offset, rest);
        }
        _ => {}
    }
}

fn read_runs(set: &mut RoaringBitmap, offset: u32, mut bytes: &[u8]) {
    let mut at = 0u32;
    while let (Some(gap), Some(length)) = (take_number(&mut bytes), take_number(&mut bytes)) {
        let start = at.saturating_add(gap);
        let end = start.saturating_add(length);
        if end >= STRETCH {
            return;
        }
        set.insert_range(offset.saturating_add(start)..=offset.saturating_add(end));
        at = end + 1;
    }
}

/// Seven bits a byte, the lowest first (LEB128).
fn push_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0u32;
    for shift in [0, 7, 14] {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> RoaringBitmap {
        let mut set = RoaringBitmap::new();
        read_into(&mut set, 0, bytes);
        set
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            ranges in proptest::collection::vec((0..STRETCH, 0..900u32), 0..60),
            dense in any::<bool>(),
        ) {
            let mut set: RoaringBitmap = ranges
                .iter()
                .flat_map(|(start, length)| *start..(start + length).min(STRETCH))
                .collect();
            if dense {
                set |= (0..STRETCH).step_by(3).collect::<RoaringBitmap>();
            }
            let bytes = write(&set);
            prop_assert!(bytes.len() <= BITS + 1);
            prop_assert_eq!(&read(&bytes), &set);
            let mut moved = RoaringBitmap::new();
            read_into(&mut moved, 3 * STRETCH, &bytes);
            prop_assert_eq!(moved, set.iter().map(|place| place + 3 * STRETCH).collect::<RoaringBitmap>());
        }

        #[test]
        fn bytes_that_nobody_wrote_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(read(&bytes).iter().all(|place| place < STRETCH));
        }
    }

    #[test]
    fn small_sets_are_small() {
        let rows: &[(RoaringBitmap, usize)] = &[
            (RoaringBitmap::new(), 0),
            ((0..1).collect(), 3),
            ((0..STRETCH).collect(), 4),
            ((5..4_000).collect(), 4),
            ((0..STRETCH).step_by(2).collect(), BITS + 1),
        ];
        for (set, bytes) in rows {
            assert_eq!(write(set).len(), *bytes, "{} places", set.len());
        }
    }
}
