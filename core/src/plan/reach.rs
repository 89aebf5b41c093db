//! What a partition needs of an upstream axis is always consecutive, so a range says it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::plan::axis::Axis;
use crate::plan::calendar::Grain;
use crate::plan::catalog::DimensionLink;
use crate::plan::step::step;

/// A list so many times longer than another is searched rather than walked.
const SEARCH_WHEN_LONGER: u32 = 16;

/// Which positions of an upstream axis a downstream partition needs: always consecutive ones.
#[derive(Debug)]
pub(super) enum Reach {
    /// The same for every partition.
    Fixed(u32, u32),
    /// Position `x` of a downstream axis needs `x + delta` and `before` earlier ones, as far as they exist.
    Slide {
        from: u32,
        delta: i64,
        before: u32,
        length: u32,
    },
    /// Position `x` of a downstream axis needs the range in row `x`.
    Table { from: u32, rows: Vec<(u32, u32)> },
}

impl Reach {
    /// What `link` says between the axes of a downstream and an axis of its upstream.
    ///
    /// `latest` is the position of the greatest value that there is, if the axis covers it.
    pub(super) fn new(
        link: DimensionLink,
        downstream: &[Axis],
        upstream: &Axis,
        latest: impl FnOnce() -> Option<u32>,
    ) -> Reach {
        let (from, before) = match link {
            DimensionLink::All => return Reach::Fixed(0, upstream.len()),
            DimensionLink::Latest => {
                return latest().map_or(Reach::Fixed(0, 0), |at| Reach::Fixed(at, at + 1));
            }
            DimensionLink::Identity { from } => (from, 0),
            DimensionLink::Window { from, before } => (from, before),
        };
        let Some(axis) = downstream.get(from as usize) else {
            return Reach::Fixed(0, 0);
        };
        match (axis, upstream) {
            (
                Axis::Time {
                    grain: a, first, ..
                },
                Axis::Time {
                    grain: b,
                    first: start,
                    count,
                    ..
                },
            ) if a == b => Reach::Slide {
                from,
                delta: first - start,
                before,
                length: *count,
            },
            (Axis::Time { .. }, Axis::Time { .. }) => Reach::Table {
                from,
                rows: overlaps(axis, upstream, before),
            },
            (
                Axis::Static {
                    values: a,
                    ranks: None,
                },
                Axis::Static {
                    values: b,
                    ranks: None,
                },
            ) if Arc::ptr_eq(a, b) => Reach::Slide {
                from,
                delta: 0,
                before: 0,
                length: upstream.len(),
            },
            (Axis::Static { .. }, Axis::Static { .. }) => Reach::Table {
                from,
                rows: equals(axis, upstream),
            },
            (Axis::Dynamic { text: a, .. }, Axis::Dynamic { text: b, .. }) if a == b => {
                Reach::Fixed(0, 1)
            }
            _ => Reach::Fixed(0, 0),
        }
    }

    /// The positions for a downstream partition at these positions: from the first to before the second.
    pub(super) fn at(&self, positions: &[u32]) -> (u32, u32) {
        step();
        match self {
            Reach::Fixed(start, end) => (*start, *end),
            Reach::Slide {
                from,
                delta,
                before,
                length,
            } => {
                let at = i64::from(positions[*from as usize]) + delta;
                let clip = |at: i64| u32::try_from(at.clamp(0, i64::from(*length))).unwrap_or(0);
                (clip(at - i64::from(*before)), clip(at + 1))
            }
            Reach::Table { from, rows } => rows[positions[*from as usize] as usize],
        }
    }

    /// Whether every position needs something. What positions need moves on with them, so of a slide the first and the last can tell.
    pub(super) fn is_even(&self, downstream: &[Axis]) -> bool {
        let is_some = |(start, end): (u32, u32)| start < end;
        match self {
            Reach::Fixed(start, end) => is_some((*start, *end)),
            Reach::Slide { from, .. } => {
                let mut positions = [0; crate::wire::manifest::limit::MAX_DIMENSIONS];
                let first = is_some(self.at(&positions));
                let length = downstream.get(*from as usize).map_or(0, Axis::len);
                positions[*from as usize] = length.saturating_sub(1);
                first && is_some(self.at(&positions))
            }
            Reach::Table { rows, .. } => rows.iter().all(|row| is_some(*row)),
        }
    }

    /// Whether each position of the same axis on both sides needs itself.
    pub(super) fn is_parallel(&self, axis: u32) -> bool {
        matches!(self, Reach::Slide { from, delta: 0, before: 0, .. } if *from == axis)
    }

    /// The downstream axis that decides, if one does.
    pub(super) fn from(&self) -> Option<u32> {
        match self {
            Reach::Fixed(..) => None,
            Reach::Slide { from, .. } | Reach::Table { from, .. } => Some(*from),
        }
    }
}

/// For each partition of a time axis, the partitions of another grain that overlap it and `before` earlier ones.
fn overlaps(downstream: &Axis, upstream: &Axis, before: u32) -> Vec<(u32, u32)> {
    let (
        Axis::Time {
            grain,
            zone,
            first,
            count,
        },
        Axis::Time {
            grain: finer,
            zone: other,
            first: start,
            count: length,
        },
    ) = (downstream, upstream)
    else {
        return Vec::new();
    };
    // The side that counts in days says which hours they are.
    let zone = if *grain == Grain::Hour { other } else { zone };
    let clip =
        |index: i64| u32::try_from((index - start).clamp(0, i64::from(*length))).unwrap_or(0);
    (0..i64::from(*count))
        .map(|position| {
            step();
            let covering = finer.covering(grain.span(first + position), zone);
            (clip(covering.start - i64::from(before)), clip(covering.end))
        })
        .collect()
}

/// For each value of a static axis, the same value of another list.
fn equals(downstream: &Axis, upstream: &Axis) -> Vec<(u32, u32)> {
    let (Axis::Static { values, .. }, Axis::Static { values: others, .. }) = (downstream, upstream)
    else {
        return Vec::new();
    };
    let rows = (0..downstream.len()).map(|position| downstream.rank(position).unwrap_or(u32::MAX));
    let one = |at: Option<u32>| at.map_or((0, 0), |at| (at, at + 1));
    // Both stand in byte order; a short list is looked up, long ones are walked side by side.
    if upstream.len() / SEARCH_WHEN_LONGER > downstream.len() {
        return rows
            .map(|rank| one(upstream.position_of_text(values.text(rank))))
            .collect();
    }
    let shared = Arc::ptr_eq(values, others);
    let mut at = 0;
    rows.map(|rank| {
        while at < upstream.len() {
            step();
            let other = upstream.rank(at).unwrap_or(u32::MAX);
            let order = if shared {
                other.cmp(&rank)
            } else {
                others.text(other).cmp(values.text(rank))
            };
            match order {
                Ordering::Less => at += 1,
                Ordering::Equal => return one(Some(at)),
                Ordering::Greater => break,
            }
        }
        (0, 0)
    })
    .collect()
}
