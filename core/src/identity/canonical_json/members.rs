//! An object is put in order by sorting where its members stand, not by moving them.

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
    pub(super) fn new(
        input: &[u8],
        key: usize,
        length: usize,
        escaped: bool,
        start: usize,
        object: usize,
    ) -> Self {
        let spelling = input.get(key..key + length).unwrap_or_default();
        Self {
            prefix: text::prefix(spelling, escaped),
            key: key as u32,
            length: length as u32,
            escaped,
            start: start as u32,
            end: 0,
            object: object as u32,
        }
    }

    fn spelling<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        let start = self.key as usize;
        input
            .get(start..start + self.length as usize)
            .unwrap_or_default()
    }

    /// Orders by the bytes of the unescaped keys.
    pub(super) fn compare(&self, other: &Self, input: &[u8]) -> Ordering {
        self.prefix.cmp(&other.prefix).then_with(|| {
            text::compare(
                (self.spelling(input), self.escaped),
                (other.spelling(input), other.escaped),
            )
        })
    }

    /// The offset of the key's opening quote in the input.
    pub(super) fn offset(&self) -> usize {
        (self.key as usize).saturating_sub(1)
    }
}

/// Sorts the members of one object, and says where the first key stands that had stood before.
pub(super) fn sort(members: &mut [Member], input: &[u8]) -> Option<usize> {
    members.sort_unstable_by(|left, right| left.compare(right, input));
    let repeated = members.windows(2).any(|pair| match pair {
        [left, right] => left.compare(right, input) == Ordering::Equal,
        _ => false,
    });
    if repeated {
        first_repeated(members, input)
    } else {
        None
    }
}

/// The smallest offset of a key that had stood before; leaves the members sorted.
#[cold]
pub(super) fn first_repeated(members: &mut [Member], input: &[u8]) -> Option<usize> {
    members
        .sort_unstable_by(|left, right| left.compare(right, input).then(left.key.cmp(&right.key)));
    members
        .windows(2)
        .filter_map(|pair| match pair {
            [left, right] if left.compare(right, input) == Ordering::Equal => Some(right.offset()),
            _ => None,
        })
        .min()
}
