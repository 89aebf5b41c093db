//! Dimensions as a slow program sees them: every value written out.

use arcoflow_core::identity::partition_key::{Date, Timestamp, Value};

/// 2012-03-10T05:30:00Z.
pub(crate) const AS_OF_MS: u64 = 1_331_357_400_000;
const DAY_US: i64 = 86_400_000_000;
const HOUR_US: i64 = 3_600_000_000;

/// A dimension as the oracle sees it; times are microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Dim {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) values: Vec<Value>,
    pub(crate) unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Hour,
    Day,
    Week,
    Month,
    None,
}

pub(crate) fn date(text: &str) -> i64 {
    Date::parse(text).unwrap().midnight().micros()
}

pub(crate) fn next(at: i64, unit: Unit) -> i64 {
    match unit {
        Unit::Hour => at + HOUR_US,
        Unit::Day => at + DAY_US,
        Unit::Week => at + 7 * DAY_US,
        Unit::Month => day_of(at).add_months(1).unwrap().midnight().micros(),
        Unit::None => unreachable!(),
    }
}

fn day_of(at: i64) -> Date {
    Timestamp::from_micros(at).unwrap().date()
}

/// Every start of a unit from one time to before another.
pub(crate) fn starts(from: i64, to: i64, unit: Unit) -> Vec<i64> {
    std::iter::successors(Some(from), |at| Some(next(*at, unit)))
        .take_while(|at| *at < to)
        .collect()
}

fn value(at: i64, unit: Unit) -> Value {
    match unit {
        Unit::Hour => Value::Timestamp(Timestamp::from_micros(at).unwrap()),
        _ => Value::Date(day_of(at)),
    }
}

pub(crate) fn start_of(value: &Value) -> i64 {
    match value {
        Value::Timestamp(at) => at.micros(),
        Value::Date(day) => day.midnight().micros(),
        _ => unreachable!(),
    }
}

fn time(text: &'static str, start: &str, end: Option<&str>, unit: Unit) -> Dim {
    let now = AS_OF_MS as i64 * 1_000;
    let all = starts(date(start), date("2013-01-01"), unit).into_iter();
    let there: Vec<i64> = all
        .filter(|at| match end {
            Some(end) => *at < date(end),
            None => next(*at, unit) <= now,
        })
        .collect();
    Dim {
        name: "t",
        text,
        values: there.into_iter().map(|at| value(at, unit)).collect(),
        unit,
    }
}

fn list(text: &'static str, values: &[i64]) -> Dim {
    Dim {
        name: "s",
        text,
        values: values.iter().map(|value| Value::Int(*value)).collect(),
        unit: Unit::None,
    }
}

pub(crate) fn times() -> Vec<Dim> {
    vec![
        time(
            r#"{"name":"t","kind":"hourly","start":"2012-03-09"}"#,
            "2012-03-09",
            None,
            Unit::Hour,
        ),
        time(
            r#"{"name":"t","kind":"daily","start":"2012-02-20"}"#,
            "2012-02-20",
            None,
            Unit::Day,
        ),
        time(
            r#"{"name":"t","kind":"daily","start":"2012-03-05","end":"2012-03-14"}"#,
            "2012-03-05",
            Some("2012-03-14"),
            Unit::Day,
        ),
        time(
            r#"{"name":"t","kind":"weekly","start":"2012-01-30"}"#,
            "2012-01-30",
            None,
            Unit::Week,
        ),
        time(
            r#"{"name":"t","kind":"monthly","start":"2011-11-01"}"#,
            "2011-11-01",
            None,
            Unit::Month,
        ),
    ]
}

pub(crate) fn lists() -> Vec<Dim> {
    vec![
        list(
            r#"{"name":"s","kind":"static","values":[10,9,2]}"#,
            &[10, 9, 2],
        ),
        list(r#"{"name":"s","kind":"static","values":[2,10]}"#, &[2, 10]),
        list(
            r#"{"name":"s","kind":"static","values":[9,-1,2,100]}"#,
            &[9, -1, 2, 100],
        ),
    ]
}
