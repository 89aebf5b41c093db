//! A range of values is walked in the typed order, and several ranges make every combination.

use alloc::vec::Vec;

use super::{Date, PartitionKey, Timestamp, Value};
use crate::identity::error::{Code, Error};

/// How far one value of a range is from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Days, for dates.
    Days(u32),
    /// Months, for dates; a day that a month does not have is its last day.
    Months(u32),
    /// Microseconds, for timestamps.
    Micros(u64),
    /// For integers.
    By(u64),
}

/// Values from a first to a last one, both included, of one type: dates, timestamps or integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    first: Value,
    last: Value,
    step: Step,
}

impl Range {
    /// A range.
    ///
    /// # Errors
    /// `partition.range` when the types differ, the step is of another type or zero, or the last comes before the first.
    pub fn new(first: Value, last: Value, step: Step) -> Result<Self, Error> {
        let fits = match (&first, &last, step) {
            (Value::Date(_), Value::Date(_), Step::Days(step) | Step::Months(step)) => step > 0,
            (Value::Timestamp(_), Value::Timestamp(_), Step::Micros(step)) => step > 0,
            (Value::Int(_), Value::Int(_), Step::By(step)) => step > 0,
            _ => false,
        };
        if !fits || first > last {
            return Err(Error::new(Code::PartitionRange));
        }
        Ok(Self { first, last, step })
    }

    /// The values, in order.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        (0..).map_while(|index| self.at(index))
    }

    /// The value after so many steps from the first; none after the last.
    fn at(&self, index: u64) -> Option<Value> {
        let value = match (&self.first, self.step) {
            (Value::Date(first), Step::Days(step)) => {
                let days = index.checked_mul(u64::from(step))?;
                Value::Date(first.add_days(i32::try_from(days).ok()?)?)
            }
            (Value::Date(first), Step::Months(step)) => {
                let months = index.checked_mul(u64::from(step))?;
                Value::Date(Date::add_months(*first, i32::try_from(months).ok()?)?)
            }
            (Value::Timestamp(first), Step::Micros(step)) => {
                let micros = i64::try_from(index.checked_mul(step)?).ok()?;
                Value::Timestamp(Timestamp::add_micros(*first, micros)?)
            }
            (Value::Int(first), Step::By(step)) => {
                Value::Int(first.checked_add_unsigned(index.checked_mul(step)?)?)
            }
            _ => return None,
        };
        (value <= self.last).then_some(value)
    }
}

/// The keys of every combination of the dimensions' values, the last dimension changing fastest.
///
/// # Errors
/// `partition.range_too_large` beyond `max_keys`, before anything is made; those of [`PartitionKey::from_dimensions`].
pub fn expand(dimensions: &[(&str, Range)], max_keys: u32) -> Result<Vec<PartitionKey>, Error> {
    let too_large = Error::new(Code::PartitionRangeTooLarge);
    let mut lists = Vec::with_capacity(dimensions.len());
    let mut total = 1_u64;
    for (_, range) in dimensions {
        let values: Vec<Value> = range.values().take(max_keys as usize + 1).collect();
        total = total
            .checked_mul(values.len() as u64)
            .filter(|total| *total <= u64::from(max_keys))
            .ok_or(too_large)?;
        lists.push(values);
    }
    let mut keys = Vec::with_capacity(total as usize);
    for index in 0..total {
        let mut rest = index;
        let mut chosen = Vec::with_capacity(dimensions.len());
        for ((name, _), values) in dimensions.iter().zip(&lists).rev() {
            let length = values.len() as u64;
            if let Some(value) = values.get((rest % length) as usize) {
                chosen.push((*name, value.clone()));
            }
            rest /= length;
        }
        chosen.reverse();
        keys.push(PartitionKey::from_dimensions(chosen)?);
    }
    Ok(keys)
}
