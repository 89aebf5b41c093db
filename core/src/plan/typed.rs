//! A literal takes its type from a declaration; what does not fit is refused, never read as text.

use alloc::format;
use alloc::string::{String, ToString};
use core::mem::discriminant;

use crate::identity::partition_key::{Date, PartitionKey, Value};
use crate::plan::calendar::Grain;
use crate::wire::finding::Finding;
use crate::wire::literal::Literal;
use crate::wire::manifest::partition::ValueType;

/// The date (`2012-01-01`) or timestamp (`2012-01-01T05:00:00Z`) that a text is.
pub(super) fn time(literal: &Literal) -> Option<Value> {
    let Literal::Text(text) = literal else {
        return None;
    };
    date(text).or_else(|| timestamp(text))
}

/// The day that a text is.
pub(super) fn date(text: &str) -> Option<Value> {
    Date::parse(text).ok().map(Value::Date)
}

/// The moment that a text is, with 0 to 6 digits of fraction and any offset.
fn timestamp(text: &str) -> Option<Value> {
    let key = PartitionKey::normalize(&format!("v=t:{text}")).ok()?;
    let value = key.get("v")?;
    (key.dimensions().count() == 1).then_some(value)
}

/// The literal as a value of the same type as `example`.
pub(super) fn like(
    name: &str,
    pointer: &str,
    literal: &Literal,
    example: &Value,
) -> Result<Value, Finding> {
    let value = match (example, literal) {
        (Value::Bool(_), Literal::Boolean(value)) => Some(Value::Bool(*value)),
        (Value::Bool(_), Literal::Text(text)) => text.parse().ok().map(Value::Bool),
        (Value::Int(_), Literal::Integer(value)) => Some(Value::Int(*value)),
        (Value::Int(_), Literal::Text(text)) => decimal(text).map(Value::Int),
        (Value::Str(_), Literal::Text(text)) => Value::text(text).ok(),
        _ => None,
    };
    value.ok_or_else(|| unfit(name, pointer, literal, type_name(example)))
}

/// A decimal as it is printed.
fn decimal(text: &str) -> Option<i64> {
    let value: i64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// Whether two values have the same type.
pub(super) fn same_type(a: &Value, b: &Value) -> bool {
    discriminant(a) == discriminant(b)
}

/// Any value of a declared type.
pub(super) fn example(value_type: ValueType) -> Value {
    match value_type {
        ValueType::String => Value::text("").unwrap_or(Value::Null),
        ValueType::Int64 => Value::Int(0),
        ValueType::Bool => Value::Bool(false),
    }
}

/// A value's type, for sentences.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Str(_) => "a string",
        Value::Date(_) => "a date",
        Value::Timestamp(_) => "a timestamp",
    }
}

/// A value as a person writes it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Str(text) => String::from(text.as_str()),
        other => {
            let text = other.to_string();
            text.split_once(':')
                .map_or_else(String::new, |(_, plain)| plain.to_string())
        }
    }
}

/// The refusal of a literal.
pub(super) fn unfit(name: &str, pointer: &str, literal: &Literal, expected: &str) -> Finding {
    let found = match literal {
        Literal::Boolean(_) => "the boolean",
        Literal::Integer(_) => "the integer",
        Literal::Text(_) => "the text",
    };
    type_finding(name, pointer, &format!("{found} `{literal}`"), expected)
}

/// The refusal of a typed value.
pub(super) fn unfit_value(name: &str, pointer: &str, value: &Value, expected: &str) -> Finding {
    let found = type_name(value)
        .split_once(' ')
        .map_or("null", |(_, name)| name);
    type_finding(
        name,
        pointer,
        &format!("the {found} `{}`", plain(value)),
        expected,
    )
}

fn type_finding(name: &str, pointer: &str, found: &str, expected: &str) -> Finding {
    Finding::new(
        "plan.partition_type",
        pointer,
        format!("{found} does not fit the dimension `{name}`"),
        format!("the manifest declares it as {expected}"),
    )
}

/// The refusal of a day or an hour at which no partition starts.
pub(super) fn not_a_start(name: &str, pointer: &str, value: &Value, grain: Grain) -> Finding {
    let start = match grain {
        Grain::Hour => "a whole hour",
        Grain::Day => "a day",
        Grain::Week => "the Monday of a week",
        Grain::Month => "the first day of a month",
    };
    Finding::new(
        "plan.partition_unknown",
        pointer,
        format!(
            "no partition of the dimension `{name}` starts at `{}`",
            plain(value)
        ),
        format!("name a partition by its start, {start}"),
    )
}

/// The refusal of a range that ends before it starts.
pub(super) fn disordered(name: &str, pointer: &str) -> Finding {
    Finding::new(
        "plan.range_order",
        pointer,
        format!("the range of the dimension `{name}` ends before it starts"),
        "both ends are of one type, and `from` is not after `to`",
    )
}

/// The refusal of a range over values that nobody has listed.
pub(super) fn no_range(name: &str, pointer: &str) -> Finding {
    Finding::new(
        "plan.range_dynamic",
        pointer,
        format!("the dimension `{name}` is dynamic and has no range"),
        "name one value of it with `partitionKey` or `partitions`",
    )
}
