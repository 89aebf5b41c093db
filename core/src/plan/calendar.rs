//! Time partitions are whole numbers: hours, days, weeks or months counted from 1970.

use core::ops::Range;

use crate::identity::partition_key::{Date, Timestamp, Value};
use crate::plan::zone::Zone;

const HOUR_S: i64 = 3_600;
const HOUR_US: i64 = HOUR_S * 1_000_000;
const DAYS_PER_WEEK: i64 = 7;
const MONTHS_PER_YEAR: i64 = 12;
/// 1970-01-05, the first Monday.
const FIRST_MONDAY: i64 = 4;

/// The day after 9999-12-31.
const END_DAY: i64 = Date::MAX.days() as i64 + 1;
const EPOCH_YEAR: i64 = 1970;

/// How long a time partition is; finer ones stand first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// An hour of universal time.
    Hour,
    /// A day of the zone.
    Day,
    /// A week of the zone, from Monday.
    Week,
    /// A month of the zone.
    Month,
}

/// A stretch of time as a value of a trigger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Hours of universal time, from the first to before the second.
    Hours(i64, i64),
    /// Days on the calendar, from the first to before the second, whatever the zone.
    Days(i64, i64),
}

impl Grain {
    /// Every grain, finest first.
    pub const ALL: [Grain; 4] = [Grain::Hour, Grain::Day, Grain::Week, Grain::Month];

    /// The index of the partition that starts at `value`, if one does.
    pub fn index_of(self, value: &Value) -> Option<i64> {
        match (self, value) {
            (Grain::Hour, Value::Timestamp(timestamp)) => {
                let micros = timestamp.micros();
                (micros.rem_euclid(HOUR_US) == 0).then(|| micros.div_euclid(HOUR_US))
            }
            (Grain::Hour, _) => None,
            (_, Value::Date(date)) => {
                let day = i64::from(date.days());
                let index = self.index_of_day(day);
                (self.first_day(index) == day).then_some(index)
            }
            _ => None,
        }
    }

    /// The value that names the partition; absent outside the years 1 to 9999.
    pub fn value(self, index: i64) -> Option<Value> {
        if self == Grain::Hour {
            let micros = index.checked_mul(HOUR_US)?;
            return Timestamp::from_micros(micros).ok().map(Value::Timestamp);
        }
        let day = i32::try_from(self.first_day(index)).ok()?;
        Date::from_days(day).ok().map(Value::Date)
    }

    /// The index of the partition that holds a day; for hours, the day's first.
    pub fn index_of_day(self, day: i64) -> i64 {
        match self {
            Grain::Hour => day.saturating_mul(24),
            Grain::Day => day,
            Grain::Week => (day - FIRST_MONDAY).div_euclid(DAYS_PER_WEEK),
            Grain::Month => month_of_day(day),
        }
    }

    /// The first day of a partition; for hours, the day of universal time that holds it.
    pub fn first_day(self, index: i64) -> i64 {
        match self {
            Grain::Hour => index.div_euclid(24),
            Grain::Day => index,
            Grain::Week => index
                .saturating_mul(DAYS_PER_WEEK)
                .saturating_add(FIRST_MONDAY),
            Grain::Month => first_day_of_month(index),
        }
    }

    /// The second of universal time at which a partition starts.
    pub fn start_s(self, index: i64, zone: &Zone) -> i64 {
        match self {
            Grain::Hour => index.saturating_mul(HOUR_S),
            _ => zone.start_of_day(self.first_day(index)),
        }
    }

    /// The stretch of time that a partition is.
    pub fn span(self, index: i64) -> Span {
        match self {
            Grain::Hour => Span::Hours(index, index.saturating_add(1)),
            _ => Span::Days(
                self.first_day(index),
                self.first_day(index.saturating_add(1)),
            ),
        }
    }

    /// The partitions that overlap a stretch of time; `zone` says which hours a day is.
    pub fn covering(self, span: Span, zone: &Zone) -> Range<i64> {
        match (self, span) {
            (Grain::Hour, Span::Hours(from, to)) => from..to,
            (Grain::Hour, Span::Days(from, to)) => {
                let start = zone.start_of_day(from).div_euclid(HOUR_S);
                let end = -(-zone.start_of_day(to)).div_euclid(HOUR_S);
                start..end
            }
            (_, Span::Days(from, to)) => self.index_of_day(from)..self.index_of_day(to - 1) + 1,
            (_, Span::Hours(from, to)) => {
                let first = local_day(from.saturating_mul(HOUR_S), zone);
                let last = local_day(to.saturating_mul(HOUR_S).saturating_sub(1), zone);
                self.index_of_day(first)..self.index_of_day(last) + 1
            }
        }
    }

    /// The index after the last partition that is over at `as_of_ms`.
    pub fn complete_end(self, as_of_ms: u64, zone: &Zone) -> i64 {
        let as_of_s = i64::try_from(as_of_ms / 1_000).unwrap_or(i64::MAX);
        match self {
            Grain::Hour => as_of_s.div_euclid(HOUR_S),
            _ => self.index_of_day(local_day(as_of_s, zone)),
        }
    }

    /// The index after the last partition of the year 9999.
    pub fn horizon(self) -> i64 {
        match self {
            Grain::Hour => END_DAY * 24,
            Grain::Day => END_DAY,
            Grain::Week => (END_DAY - FIRST_MONDAY).div_euclid(DAYS_PER_WEEK),
            Grain::Month => (10_000 - EPOCH_YEAR) * MONTHS_PER_YEAR,
        }
    }

    /// The plural, for sentences.
    pub fn plural(self) -> &'static str {
        match self {
            Grain::Hour => "hours",
            Grain::Day => "days",
            Grain::Week => "weeks",
            Grain::Month => "months",
        }
    }
}

/// The zone's calendar day at a second of universal time, in days since 1970-01-01.
pub fn local_day(utc_s: i64, zone: &Zone) -> i64 {
    utc_s
        .saturating_add(zone.offset_at(utc_s))
        .div_euclid(86_400)
}

/// Days beyond the calendar count as its first or its last.
fn month_of_day(day: i64) -> i64 {
    let (year, month, _) = bounded(day).civil();
    (i64::from(year) - EPOCH_YEAR) * MONTHS_PER_YEAR + i64::from(month) - 1
}

/// A month after the calendar starts on the day after its last.
fn first_day_of_month(index: i64) -> i64 {
    let year = EPOCH_YEAR.saturating_add(index.div_euclid(MONTHS_PER_YEAR));
    let month = index.rem_euclid(MONTHS_PER_YEAR) + 1;
    let first = match (i32::try_from(year), u8::try_from(month)) {
        (Ok(year), Ok(month)) => Date::from_civil(year, month, 1).ok(),
        _ => None,
    };
    match first {
        Some(date) => i64::from(date.days()),
        None if year < EPOCH_YEAR => i64::from(Date::MIN.days()),
        None => END_DAY,
    }
}

/// The calendar's day that is closest to a number of days since 1970-01-01.
pub fn bounded(day: i64) -> Date {
    let day = i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX });
    Date::from_days(day).unwrap_or(if day < 0 { Date::MIN } else { Date::MAX })
}
