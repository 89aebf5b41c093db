//! An object is put in order by sorting where its members stand, not by moving them.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::text;

/// One member of an object: where its key is spelled in the input, and where it stands in the compact text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    prefix: u64,
    /// After the opening quote, in the input.
    key: u32,
    length: u32,
    escaped: bool,
    /// The opening quote, in the compact text.
    pub(super) start: u32,
    /// After the value, in the compact text.
    pub(super) end: u32,
    /// The first entry of the objects to be put in order that can stand in this member.
    pub(super) object: u32,
}

/// An object whose members stand in the wrong order, or that has such objects inside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Object {
    /// The opening brace, in the compact text.
    pub(super) start: u32,
    /// The closing brace, in the compact text.
    pub(super) end: u32,
    /// Its members among the sorted ones; none when they already stand in order.
    pub(super) members: (u32, u32),
    /// The entry after all objects inside.
    pub(super) next: u32,
}

impl Member {
    /// A member whose key is spelled without escapes; `prefix` is what [`text::prefix`] says of it.
    #[inline(always)]
    pub(super) fn new(prefix: u64, key: usize, length: usize, start: usize, object: usize) -> Self {
        Self {
            prefix,
            key: key as u32,
            length: length as u32,
            escaped: false,
            start: start as u32,
            end: 0,
            object: object as u32,
        }
    }

    /// The member with a key that has escapes, or has none.
    pub(super) fn escaped(self, escaped: bool) -> Self {
        Self { escaped, ..self }
    }

    fn spelling<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        let start = self.key as usize;
        input
            .get(start..start + self.length as usize)
            .unwrap_or_default()
    }

    /// Orders by the bytes of the unescaped keys.
    #[inline(always)]
    pub(super) fn compare(&self, other: &Self, input: &[u8]) -> Ordering {
        if self.prefix == other.prefix {
            self.compare_spelling(other, input)
        } else {
            self.prefix.cmp(&other.prefix)
        }
    }

    #[inline(never)]
    fn compare_spelling(&self, other: &Self, input: &[u8]) -> Ordering {
        text::compare(
            (self.spelling(input), self.escaped),
            (other.spelling(input), other.escaped),
        )
    }

    /// The offset of the key's opening quote in the input.
    pub(super) fn offset(&self) -> usize {
        (self.key as usize).saturating_sub(1)
    }
}

/// Appends the members of one object in order, and says whether a key stands twice; then they are in order in place.
pub(super) fn sort_into(
    sorted: &mut Vec<Member>,
    members: &mut [Member],
    scratch: &mut Vec<Member>,
    input: &[u8],
) -> bool {
    if place_by_rank(sorted, members) {
        return false;
    }
    if sort(members, scratch, input) {
        return true;
    }
    sorted.extend_from_slice(members);
    false
}

/// Few members that differ in their prefixes: each stands after as many as it is greater than.
///
/// Every two are compared and nothing is guessed, which in short lists is faster than moving what is out of place.
#[inline]
fn place_by_rank(sorted: &mut Vec<Member>, members: &[Member]) -> bool {
    let mut ranks = [0_u8; RUN];
    let Some(ranks) = ranks.get_mut(..members.len()) else {
        return false;
    };
    let mut equal = false;
    for (index, member) in members.iter().enumerate() {
        let mut rank = 0;
        for (earlier, other) in ranks.iter_mut().zip(members).take(index) {
            let after = other.prefix > member.prefix;
            equal |= other.prefix == member.prefix;
            *earlier += u8::from(after);
            rank += u8::from(!after);
        }
        if let Some(own) = ranks.get_mut(index) {
            *own = rank;
        }
    }
    if equal {
        return false;
    }
    let first = sorted.len();
    sorted.extend_from_slice(members);
    let placed = sorted.get_mut(first..).unwrap_or_default();
    for (member, rank) in members.iter().zip(ranks) {
        if let Some(slot) = placed.get_mut(usize::from(*rank)) {
            *slot = *member;
        }
    }
    true
}

/// Sorts the members of one object, and says whether a key stands twice.
fn sort(members: &mut [Member], scratch: &mut Vec<Member>, input: &[u8]) -> bool {
    if members.len() > RUN {
        skip_common_prefix(members, input);
    }
    for run in members.chunks_mut(RUN) {
        insert(run, input);
    }
    if members.len() > RUN {
        merge_runs(members, scratch, input);
    }
    members.windows(2).any(|pair| match pair {
        [left, right] => left.compare(right, input) == Ordering::Equal,
        _ => false,
    })
}

/// Runs of this many members are sorted by insertion before they are merged.
const RUN: usize = 16;

fn insert(run: &mut [Member], input: &[u8]) {
    for next in 1..run.len() {
        let mut place = next;
        while let Some([left, right]) = run
            .get_mut(..=place)
            .and_then(<[Member]>::last_chunk_mut::<2>)
        {
            if left.compare(right, input).is_le() {
                break;
            }
            core::mem::swap(left, right);
            place -= 1;
        }
    }
}

/// Keys that all start alike are told apart by what comes after: `member_1` and `member_2` by their ninth byte.
fn skip_common_prefix(members: &mut [Member], input: &[u8]) {
    let Some((first, others)) = members.split_first() else {
        return;
    };
    let mut common = first.spelling(input);
    for other in others {
        let alike = common
            .iter()
            .zip(other.spelling(input))
            .take_while(|(left, right)| left == right)
            .count();
        common = common.get(..alike).unwrap_or_default();
    }
    if common.is_empty() || members.iter().any(|member| member.escaped) {
        return;
    }
    let skipped = common.len();
    for member in members {
        let rest = input
            .get(member.key as usize + skipped..)
            .unwrap_or_default();
        member.prefix = text::prefix(rest, member.length as usize - skipped, false);
    }
}

/// A merge sort of our own, because the library's is thirty times its size in a module that a browser loads.
fn merge_runs(members: &mut [Member], scratch: &mut Vec<Member>, input: &[u8]) {
    scratch.clear();
    scratch.extend_from_slice(members);
    let (mut from, mut to) = (&mut *members, scratch.as_mut_slice());
    let mut width = RUN;
    let mut moved = false;
    while width < from.len() {
        for (source, target) in from.chunks(2 * width).zip(to.chunks_mut(2 * width)) {
            let (left, right) = source.split_at(width.min(source.len()));
            merge(left, right, target, input);
        }
        core::mem::swap(&mut from, &mut to);
        moved = !moved;
        width *= 2;
    }
    if moved {
        to.copy_from_slice(from);
    }
}

fn merge<'a>(mut left: &'a [Member], mut right: &'a [Member], target: &mut [Member], input: &[u8]) {
    for slot in target {
        let side = match (left.first(), right.first()) {
            (Some(first), Some(second)) if second.compare(first, input).is_lt() => &mut right,
            (Some(_), _) => &mut left,
            _ => &mut right,
        };
        if let Some((member, rest)) = side.split_first() {
            *slot = *member;
            *side = rest;
        }
    }
}

/// The smallest offset of a key that had stood before, among the members of one object; leaves them sorted.
#[cold]
pub(super) fn first_repeated(
    members: &mut [Member],
    scratch: &mut Vec<Member>,
    input: &[u8],
) -> Option<usize> {
    sort(members, scratch, input);
    // The sort is stable, so the second of equal keys is the second in the text.
    members
        .windows(2)
        .filter_map(|pair| match pair {
            [left, right] if left.compare(right, input) == Ordering::Equal => Some(right.offset()),
            _ => None,
        })
        .min()
}
