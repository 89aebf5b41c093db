//! An axis is the part of a dimension that a plan covers, in the byte order of the values.

use alloc::string::{String, ToString};
use alloc::sync::Arc;

use crate::identity::partition_key::Value;
use crate::plan::calendar::{self, Grain};
use crate::plan::space::{StaticValues, TimeValues, Values};
use crate::plan::step::step;
use crate::plan::zone::Zone;

/// Some of a dimension's values; positions count from 0.
#[derive(Clone, Debug)]
pub(super) enum Axis {
    /// Consecutive time partitions.
    Time {
        grain: Grain,
        zone: Zone,
        first: i64,
        count: u32,
    },
    /// Ranks of a static list, ascending; all of them when none are given.
    Static {
        values: Arc<StaticValues>,
        ranks: Option<Arc<[u32]>>,
    },
    /// The one value that a trigger named.
    Dynamic { value: Value, text: Arc<str> },
}

impl Axis {
    /// The time partitions from `from` to before `to`; absent when there are more than 2^32 − 1.
    pub(super) fn time(time: &TimeValues, from: i64, to: i64) -> Option<Axis> {
        Some(Axis::Time {
            grain: time.grain,
            zone: time.zone.clone(),
            first: from,
            count: u32::try_from(to.saturating_sub(from).max(0)).ok()?,
        })
    }

    /// Everything a dimension has at `as_of_ms`; absent for a dynamic one.
    pub(super) fn whole(values: &Values, as_of_ms: u64) -> Option<Axis> {
        match values {
            Values::Time(time) => Axis::time(time, time.first, time.end_at(as_of_ms)),
            Values::Static(values) => Some(Axis::Static {
                values: values.clone(),
                ranks: None,
            }),
            Values::Dynamic(_) => None,
        }
    }

    /// One value of a dimension.
    pub(super) fn single(values: &Values, value: &Value) -> Option<Axis> {
        match values {
            Values::Time(time) => {
                let index = time.grain.index_of(value)?;
                Axis::time(time, index, index.checked_add(1)?)
            }
            Values::Static(values) => {
                let rank = values.rank_of(value)?;
                Some(Axis::Static {
                    values: values.clone(),
                    ranks: Some(Arc::from([rank])),
                })
            }
            Values::Dynamic(_) => Some(Axis::dynamic(value)),
        }
    }

    /// The one value of a dynamic dimension.
    pub(super) fn dynamic(value: &Value) -> Axis {
        Axis::Dynamic {
            text: Arc::from(value.to_string()),
            value: value.clone(),
        }
    }

    pub(super) fn len(&self) -> u32 {
        match self {
            Axis::Time { count, .. } => *count,
            Axis::Static {
                values,
                ranks: None,
            } => values.len(),
            Axis::Static {
                ranks: Some(ranks), ..
            } => u32::try_from(ranks.len()).unwrap_or(u32::MAX),
            Axis::Dynamic { .. } => 1,
        }
    }

    pub(super) fn rank(&self, position: u32) -> Option<u32> {
        match self {
            Axis::Static {
                ranks: None,
                values,
            } => (position < values.len()).then_some(position),
            Axis::Static {
                ranks: Some(ranks), ..
            } => ranks.get(position as usize).copied(),
            _ => None,
        }
    }

    /// The position of a value by its canonical text.
    pub(super) fn position_of_text(&self, text: &str) -> Option<u32> {
        match self {
            Axis::Time { .. } => self.position(&Value::parse(text).ok()?),
            Axis::Static { values, ranks } => {
                let rank = values.rank_of_text(text)?;
                match ranks {
                    None => Some(rank),
                    Some(ranks) => position_of(ranks, rank),
                }
            }
            Axis::Dynamic { text: only, .. } => (**only == *text).then_some(0),
        }
    }

    /// The value at a position.
    pub(super) fn value(&self, position: u32) -> Option<Value> {
        match self {
            Axis::Time {
                grain,
                first,
                count,
                ..
            } => (position < *count)
                .then(|| grain.value(first + i64::from(position)))
                .flatten(),
            Axis::Static { values, .. } => values.value(self.rank(position)?).cloned(),
            Axis::Dynamic { value, .. } => Some(value.clone()),
        }
    }

    /// The position of a value, if the axis has it.
    pub(super) fn position(&self, value: &Value) -> Option<u32> {
        match self {
            Axis::Time {
                grain,
                first,
                count,
                ..
            } => {
                let position = u32::try_from(grain.index_of(value)? - first).ok()?;
                (position < *count).then_some(position)
            }
            Axis::Static {
                values,
                ranks: None,
            } => values.rank_of(value),
            Axis::Static {
                values,
                ranks: Some(ranks),
            } => position_of(ranks, values.rank_of(value)?),
            Axis::Dynamic { value: only, .. } => (only == value).then_some(0),
        }
    }

    /// Writes the canonical text of the value at a position.
    pub(super) fn write(&self, position: u32, text: &mut String) {
        match self {
            Axis::Time { grain, first, .. } => {
                write_time(*grain, first + i64::from(position), text)
            }
            Axis::Static { values, .. } => {
                text.push_str(self.rank(position).map_or("", |rank| values.text(rank)));
            }
            Axis::Dynamic { text: only, .. } => text.push_str(only),
        }
    }

    /// The bytes that a dynamic value adds to a key.
    pub(super) fn dynamic_bytes(&self) -> usize {
        match self {
            Axis::Dynamic { text, .. } => text.len(),
            _ => 0,
        }
    }

    /// The bytes that the axis holds outside itself and does not share.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Axis::Static {
                ranks: Some(ranks), ..
            } => ranks.len() * 4,
            Axis::Dynamic { text, .. } => text.len(),
            _ => 0,
        }
    }
}

fn position_of(ranks: &[u32], rank: u32) -> Option<u32> {
    let found = ranks.binary_search_by(|other| {
        step();
        other.cmp(&rank)
    });
    u32::try_from(found.ok()?).ok()
}

fn write_time(grain: Grain, index: i64, text: &mut String) {
    let (year, month, day) = calendar::bounded(grain.first_day(index)).civil();
    text.push_str(if grain == Grain::Hour { "t:" } else { "d:" });
    let year = year.unsigned_abs();
    push_digits(text, year / 100);
    push_digits(text, year % 100);
    text.push('-');
    push_digits(text, u32::from(month));
    text.push('-');
    push_digits(text, u32::from(day));
    if grain == Grain::Hour {
        text.push('T');
        push_digits(text, u32::try_from(index.rem_euclid(24)).unwrap_or(0));
        text.push_str(":00:00.000000Z");
    }
}

/// Two digits.
fn push_digits(text: &mut String, number: u32) {
    for digit in [number / 10, number % 10] {
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}
