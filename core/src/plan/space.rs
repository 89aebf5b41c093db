//! A partition space is a product of dimensions, and each of its partitions has an ordinal that does not move.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::identity::partition_key::{PartitionKey, Value};
use crate::plan::calendar::Grain;
use crate::plan::lookup::Lookup;
use crate::plan::order::sort_by;
use crate::plan::zone::Zone;
use crate::wire::manifest::partition::ValueType;

/// The partitions of an asset; its dimensions are sorted by name, as in a partition key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Space {
    dimensions: Vec<SpaceDimension>,
    /// Dimensions from the most significant digit of an ordinal to the least, with the weight of each.
    digits: Vec<(usize, u64)>,
}

/// One dimension of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceDimension {
    /// Its name.
    pub name: String,
    /// Where it stands in the manifest's list.
    pub declared: usize,
    /// Its values.
    pub values: Values,
}

/// The values of a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Stretches of time.
    Time(TimeValues),
    /// A declared list, shared by every dimension that declares the same.
    Static(Arc<StaticValues>),
    /// Whatever a trigger names, of one type.
    Dynamic(ValueType),
}

/// The partitions of a time dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeValues {
    /// How long each is.
    pub grain: Grain,
    /// The index of the first.
    pub first: i64,
    /// The index after the last; open when absent.
    pub end: Option<i64>,
    /// The zone whose days they are.
    pub zone: Zone,
}

/// The values of a static dimension, in the byte order of their canonical text.
///
/// A *rank* is a place in that order; a *position* is a place in the manifest's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticValues {
    values: Vec<Value>,
    texts: Vec<String>,
    position_of_rank: Vec<u32>,
    rank_of_position: Vec<u32>,
    lookup: Lookup,
    widest: usize,
}

impl StaticValues {
    /// The values of a declared list; absent when a value stands twice.
    pub fn new(declared: &[Value]) -> Option<StaticValues> {
        let mut rows = Vec::with_capacity(declared.len());
        for (position, value) in declared.iter().enumerate() {
            rows.push((value.to_string(), u32::try_from(position).ok()?));
        }
        sort_by(&mut rows, Ord::cmp);
        if rows
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.0 == b.0))
        {
            return None;
        }
        let mut rank_of_position = alloc::vec![0; rows.len()];
        let mut values = Vec::with_capacity(rows.len());
        for (rank, (_, position)) in (0u32..).zip(&rows) {
            *rank_of_position.get_mut(*position as usize)? = rank;
            values.push(declared.get(*position as usize)?.clone());
        }
        let position_of_rank = rows.iter().map(|row| row.1).collect();
        let texts: Vec<String> = rows.into_iter().map(|row| row.0).collect();
        Some(StaticValues {
            widest: texts.iter().map(String::len).max().unwrap_or(0),
            lookup: Lookup::new(texts.iter().map(String::as_str)),
            values,
            texts,
            position_of_rank,
            rank_of_position,
        })
    }

    /// How many values there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.values.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is none; a validated dimension has at least one.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of a rank.
    pub fn value(&self, rank: u32) -> Option<&Value> {
        self.values.get(rank as usize)
    }

    /// The canonical text of a rank's value, with its type.
    pub fn text(&self, rank: u32) -> &str {
        self.texts.get(rank as usize).map_or("", String::as_str)
    }

    /// The rank of a value, if it was declared.
    pub fn rank_of(&self, value: &Value) -> Option<u32> {
        self.rank_of_text(&value.to_string())
    }

    /// The rank of a canonical text, if its value was declared.
    pub fn rank_of_text(&self, text: &str) -> Option<u32> {
        self.lookup.find(text, |rank| self.text(rank))
    }

    /// The place in the manifest's list of a rank's value.
    pub fn position(&self, rank: u32) -> Option<u32> {
        self.position_of_rank.get(rank as usize).copied()
    }

    /// The rank of the value at a place in the manifest's list.
    pub fn rank(&self, position: u32) -> Option<u32> {
        self.rank_of_position.get(position as usize).copied()
    }

    /// Whether a value is in both lists.
    pub fn meets(&self, other: &StaticValues) -> bool {
        let (fewer, more) = if self.len() < other.len() {
            (self, other)
        } else {
            (other, self)
        };
        fewer
            .texts
            .iter()
            .any(|text| more.rank_of_text(text).is_some())
    }

    /// The values in the byte order of their texts.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

impl TimeValues {
    /// The index after the last partition that is there at `as_of_ms`.
    ///
    /// An open dimension ends at the last partition that is complete.
    pub fn end_at(&self, as_of_ms: u64) -> i64 {
        self.end.unwrap_or_else(|| {
            self.grain
                .complete_end(as_of_ms, &self.zone)
                .clamp(self.first, self.grain.horizon())
        })
    }
}

impl Values {
    /// How many values there are at `as_of_ms`; absent when a declaration does not say.
    pub fn count(&self, as_of_ms: u64) -> Option<u64> {
        match self {
            Values::Time(time) => u64::try_from(time.end_at(as_of_ms) - time.first).ok(),
            Values::Static(values) => Some(u64::from(values.len())),
            Values::Dynamic(_) => None,
        }
    }

    /// How many values there can ever be; absent when nothing bounds them.
    fn capacity(&self) -> Option<u64> {
        match self {
            Values::Time(time) => u64::try_from(time.end? - time.first).ok(),
            Values::Static(values) => Some(u64::from(values.len())),
            Values::Dynamic(_) => None,
        }
    }

    /// The digit of a value in an ordinal; absent for what is not declared.
    pub(super) fn digit_of(&self, value: &Value) -> Option<u64> {
        match self {
            Values::Time(time) => {
                let index = time.grain.index_of(value)?;
                if index < time.first || time.end.is_some_and(|end| index >= end) {
                    return None;
                }
                u64::try_from(index - time.first).ok()
            }
            Values::Static(values) => values.position(values.rank_of(value)?).map(u64::from),
            Values::Dynamic(_) => None,
        }
    }

    /// The value of a digit; absent beyond the declaration.
    pub(super) fn value_of(&self, digit: u64) -> Option<Value> {
        match self {
            Values::Time(time) => {
                let index = time.first.checked_add(i64::try_from(digit).ok()?)?;
                if time.end.is_some_and(|end| index >= end) {
                    return None;
                }
                time.grain.value(index)
            }
            Values::Static(values) => values
                .value(values.rank(u32::try_from(digit).ok()?)?)
                .cloned(),
            Values::Dynamic(_) => None,
        }
    }
}

impl Space {
    /// The space of these dimensions, which are sorted by name here.
    ///
    /// Absent when a name stands twice, when two dimensions are open at the end, or when the ordinals
    /// of the others do not fit 64 bits.
    pub fn new(mut dimensions: Vec<SpaceDimension>) -> Option<Space> {
        sort_by(&mut dimensions, |a, b| a.name.cmp(&b.name));
        if dimensions
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.name == b.name))
        {
            return None;
        }
        let dynamic = |d: &SpaceDimension| matches!(d.values, Values::Dynamic(_));
        if dimensions.iter().any(dynamic) {
            return Some(Space {
                dimensions,
                digits: Vec::new(),
            });
        }
        let mut digits = Vec::with_capacity(dimensions.len());
        let mut open = None;
        let mut weight: u64 = 1;
        for (index, dimension) in dimensions.iter().enumerate().rev() {
            match dimension.values.capacity() {
                Some(capacity) => {
                    digits.push((index, weight));
                    weight = weight.checked_mul(capacity)?;
                }
                None if open.is_some() => return None,
                None => open = Some(index),
            }
        }
        if let Some(index) = open {
            digits.push((index, weight));
        }
        digits.reverse();
        Some(Space { dimensions, digits })
    }

    /// The most bytes of a partition key, without what a dynamic dimension's values add.
    pub fn fixed_key_bytes(&self) -> usize {
        let dimensions = self.dimensions.iter().map(|dimension| {
            let value = match &dimension.values {
                Values::Time(time) if time.grain == Grain::Hour => {
                    "t:2012-01-01T00:00:00.000000Z".len()
                }
                Values::Time(_) => "d:2012-01-01".len(),
                Values::Static(values) => values.widest,
                Values::Dynamic(_) => 0,
            };
            dimension.name.len() + "=,".len() + value
        });
        dimensions.sum::<usize>().saturating_sub(1)
    }

    /// Whether the asset has no partitions.
    pub fn is_unpartitioned(&self) -> bool {
        self.dimensions.is_empty()
    }

    /// The dimensions, sorted by name.
    pub fn dimensions(&self) -> &[SpaceDimension] {
        &self.dimensions
    }

    /// The place of a dimension in [`Space::dimensions`].
    pub fn find(&self, name: &str) -> Option<usize> {
        self.dimensions
            .binary_search_by(|dimension| dimension.name.as_str().cmp(name))
            .ok()
    }

    /// How many partitions there are at `as_of_ms`: one for an unpartitioned asset, absent for a dynamic one.
    pub fn count(&self, as_of_ms: u64) -> Option<u64> {
        self.dimensions.iter().try_fold(1u64, |count, dimension| {
            count.checked_mul(dimension.values.count(as_of_ms)?)
        })
    }

    /// The ordinal of a partition: what a bitmap over the asset's partitions counts by.
    ///
    /// It follows the declaration (time from its start, static values as listed), with a dimension that is
    /// open at the end as the most significant digit, so that it stays as time goes on. Absent for a key that
    /// is not in the space, and for spaces with a dynamic dimension.
    pub fn ordinal_of(&self, partition: &PartitionKey) -> Option<u64> {
        if self.digits.len() != self.dimensions.len()
            || partition.dimensions().count() != self.digits.len()
        {
            return None;
        }
        self.digits
            .iter()
            .try_fold(0u64, |ordinal, &(index, weight)| {
                let dimension = self.dimensions.get(index)?;
                let digit = dimension
                    .values
                    .digit_of(&partition.get(&dimension.name)?)?;
                ordinal.checked_add(digit.checked_mul(weight)?)
            })
    }

    /// Dimensions from the most significant digit of an ordinal to the least, with the weight of each; none for a space without ordinals.
    pub(super) fn digits(&self) -> &[(usize, u64)] {
        &self.digits
    }

    /// Whether the partitions have names only, because a dimension is dynamic.
    pub fn is_dynamic(&self) -> bool {
        self.digits.len() != self.dimensions.len()
    }

    /// The partition with this ordinal; absent beyond a closed space, and for an unpartitioned asset.
    pub fn partition_of(&self, ordinal: u64) -> Option<PartitionKey> {
        if self.digits.is_empty() {
            return None;
        }
        let mut rest = ordinal;
        let mut parts = Vec::with_capacity(self.digits.len());
        for &(index, weight) in &self.digits {
            let dimension = self.dimensions.get(index)?;
            let digit = rest.checked_div(weight)?;
            rest = rest.checked_rem(weight)?;
            parts.push((dimension.name.as_str(), dimension.values.value_of(digit)?));
        }
        PartitionKey::from_dimensions(parts).ok()
    }
}
