//! What is made from a partition follows from the links backwards: of each dimension a stretch of values, and nothing is searched.

use alloc::vec::Vec;
use core::ops::Range;

use crate::identity::partition_key::{PartitionKey, Value};
use crate::plan::calendar::Grain;
use crate::plan::catalog::{AssetIndex, Catalog, DimensionLink, Link};
use crate::plan::space::{Space, SpaceDimension, Values};

/// The partitions of one asset that are made from one partition of another.
#[derive(Debug)]
pub struct Dependents<'a> {
    space: &'a Space,
    /// One for each dimension of the space.
    sides: Vec<Side>,
}

/// Which values of a dimension.
#[derive(Clone, Debug, PartialEq)]
enum Side {
    /// Whatever there are.
    Every,
    /// From one digit of the ordinal to before another.
    Digits(u64, u64),
    /// The value of a dimension whose values are not listed.
    Named(Value),
}

/// The partitions of `downstream` that need the partition of `link`'s upstream, as of `as_of_ms`.
///
/// Absent when none does. A partition is among them exactly when
/// [`upstream_partitions`](crate::plan::inputs::upstream_partitions) of it names `partition`.
pub fn dependents<'a>(
    catalog: &'a Catalog,
    downstream: AssetIndex,
    link: &Link,
    partition: Option<&PartitionKey>,
    as_of_ms: u64,
) -> Option<Dependents<'a>> {
    let space = catalog.space(downstream);
    let mut sides = alloc::vec![Side::Every; space.dimensions().len()];
    let upstreams = catalog.space(link.upstream).dimensions();
    for (dimension, link) in upstreams.iter().zip(catalog.dimension_links(link)) {
        let value = partition?.get(&dimension.name)?;
        let (place, side) = match (&dimension.values, *link) {
            (Values::Dynamic(_), _) => {
                let place = space.find(&dimension.name)?;
                (place, named(space.dimensions().get(place)?, value)?)
            }
            (_, DimensionLink::All) => continue,
            (values, DimensionLink::Latest) => {
                if is_latest(values, &value, as_of_ms) {
                    continue;
                }
                return None;
            }
            (values, DimensionLink::Identity { from }) => {
                let from = from as usize;
                (
                    from,
                    side_of(values, &value, 0, space.dimensions().get(from)?)?,
                )
            }
            (values, DimensionLink::Window { from, before }) => {
                let from = from as usize;
                let other = space.dimensions().get(from)?;
                (from, side_of(values, &value, before, other)?)
            }
        };
        *sides.get_mut(place)? = side;
    }
    Some(Dependents { space, sides })
}

/// A value of a dynamic dimension stands for itself.
fn named(dimension: &SpaceDimension, value: Value) -> Option<Side> {
    match &dimension.values {
        Values::Dynamic(_) => Some(Side::Named(value)),
        _ => None,
    }
}

fn is_latest(values: &Values, value: &Value, as_of_ms: u64) -> bool {
    match values {
        Values::Time(time) => {
            time.grain.index_of(value) == Some(time.end_at(as_of_ms).saturating_sub(1))
        }
        _ => false,
    }
}

/// The values of `own` that need `value`, when each needs the same and `before` earlier ones.
fn side_of(values: &Values, value: &Value, before: u32, own: &SpaceDimension) -> Option<Side> {
    match (values, &own.values) {
        (Values::Time(other), Values::Time(time)) => {
            let index = other.grain.index_of(value)?;
            let last = index.saturating_add(i64::from(before));
            let (from, to) = if other.grain == time.grain {
                (index, last.saturating_add(1))
            } else {
                // The side that counts in days says which hours they are.
                let zone = if time.grain == Grain::Hour {
                    &other.zone
                } else {
                    &time.zone
                };
                let covering = |index| time.grain.covering(other.grain.span(index), zone);
                (covering(index).start, covering(last).end)
            };
            let end = time.end.unwrap_or(i64::MAX);
            let digit = |index: i64| {
                u64::try_from(index.clamp(time.first, end.max(time.first)) - time.first)
            };
            let (from, to) = (digit(from).ok()?, digit(to).ok()?);
            (from < to).then_some(Side::Digits(from, to))
        }
        (Values::Static(_), Values::Static(values)) => {
            let digit = u64::from(values.position(values.rank_of(value)?)?);
            Some(Side::Digits(digit, digit + 1))
        }
        _ => None,
    }
}

impl Dependents<'_> {
    /// Whether a partition of the asset is one of them; for spaces without ordinals.
    #[must_use]
    pub fn holds(&self, partition: &PartitionKey) -> bool {
        let mut pairs = self.space.dimensions().iter().zip(&self.sides);
        pairs.all(|(dimension, side)| match side {
            Side::Every => true,
            Side::Named(value) => partition.get(&dimension.name).as_ref() == Some(value),
            Side::Digits(from, to) => partition
                .get(&dimension.name)
                .and_then(|value| dimension.values.digit_of(&value))
                .is_some_and(|digit| (*from..*to).contains(&digit)),
        })
    }

    /// Whether it is every partition of the asset.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.sides.iter().all(|side| *side == Side::Every)
    }

    /// Whether the ordinals end without anybody saying where the asset does.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let first = self.space.digits().first();
        first.is_none_or(|(place, _)| matches!(self.sides.get(*place), Some(Side::Digits(..))))
    }

    /// The partition, when it is one and its dimensions name it.
    #[must_use]
    pub fn only(&self) -> Option<PartitionKey> {
        let mut parts = Vec::with_capacity(self.sides.len());
        for (dimension, side) in self.space.dimensions().iter().zip(&self.sides) {
            let value = match side {
                Side::Named(value) => value.clone(),
                Side::Digits(from, to) if *to == from + 1 => dimension.values.value_of(*from)?,
                _ => return None,
            };
            parts.push((dimension.name.as_str(), value));
        }
        PartitionKey::from_dimensions(parts).ok()
    }

    /// Their ordinals below `total`, as ascending ranges without gaps inside.
    ///
    /// Of a space without ordinals there are none; of an unpartitioned asset there is the first.
    #[must_use]
    pub fn ordinals(&self, total: u64) -> Vec<Range<u64>> {
        let mut digits = Vec::with_capacity(self.sides.len());
        let mut parent = u64::MAX;
        for &(place, weight) in self.space.digits() {
            let side = self.sides.get(place).unwrap_or(&Side::Every);
            // The first digit counts as far as anybody asks, the others to the weight before them.
            let count = if parent == u64::MAX {
                total.div_ceil(weight.max(1))
            } else {
                parent / weight.max(1)
            };
            let (from, to) = match side {
                Side::Digits(from, to) => (*from, (*to).min(count)),
                _ => (0, count),
            };
            digits.push(Digit {
                from,
                to,
                weight,
                is_whole: from == 0 && to == count,
            });
            parent = weight;
        }
        if digits.len() != self.sides.len() {
            return Vec::new();
        }
        // Whole digits at the end make one stretch with the digit before them.
        while digits.len() > 1 && digits.last().is_some_and(|digit| digit.is_whole) {
            digits.pop();
        }
        let mut ranges = Vec::new();
        walk(
            &digits,
            0,
            total.max(u64::from(digits.is_empty())),
            &mut ranges,
        );
        ranges
    }
}

/// One digit of an ordinal, and which of its values are meant.
struct Digit {
    from: u64,
    to: u64,
    weight: u64,
    is_whole: bool,
}

fn walk(digits: &[Digit], base: u64, total: u64, ranges: &mut Vec<Range<u64>>) {
    match digits {
        [] => ranges.push(base..base + 1),
        [last] => {
            let at = |digit: u64| {
                base.saturating_add(digit.saturating_mul(last.weight))
                    .min(total)
            };
            let range = at(last.from)..at(last.to);
            match ranges.last_mut() {
                _ if range.is_empty() => {}
                Some(before) if before.end == range.start => before.end = range.end,
                _ => ranges.push(range),
            }
        }
        [first, rest @ ..] => {
            for digit in first.from..first.to {
                walk(rest, base + digit * first.weight, total, ranges);
            }
        }
    }
}
