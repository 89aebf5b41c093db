//! An axis is the part of a dimension that a plan covers, in the byte order of the values.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::identity::partition_key::Value;
use crate::plan::calendar::{self, Grain};
use crate::plan::catalog::DimensionLink;
use crate::plan::space::{StaticValues, TimeValues, Values};
use crate::plan::step::step;
use crate::plan::zone::Zone;

/// A list so many times longer than another is searched rather than walked.
const SEARCH_WHEN_LONGER: u32 = 16;

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

    fn rank(&self, position: u32) -> Option<u32> {
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

    /// The position of a static value by its canonical text.
    fn position_of_text(&self, text: &str) -> Option<u32> {
        match self {
            Axis::Static { values, ranks } => {
                let rank = values.rank_of_text(text)?;
                match ranks {
                    None => Some(rank),
                    Some(ranks) => position_of(ranks, rank),
                }
            }
            _ => None,
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
