//! The JSON form of a key is an object of typed values.

use alloc::string::String;

use super::draft::Draft;
use super::value::read_integer;
use super::{Date, MAX_DIMENSIONS, PartitionKey, Timestamp, Value, grammar};
use crate::identity::canonical_json::read::{Node, member, members};
use crate::identity::canonical_json::{self, push_string};
use crate::identity::error::{Code, Error};

pub(super) fn read(json: &[u8]) -> Result<PartitionKey, Error> {
    let mut context = canonical_json::Canonicalizer::new();
    let canonical = context.canonicalize(json)?;
    read_canonical(core::str::from_utf8(canonical).unwrap_or_default())
}

fn read_canonical(canonical: &str) -> Result<PartitionKey, Error> {
    let Node::Object(object) = Node::of(canonical) else {
        return Err(Error::new(Code::PartitionJson));
    };
    let mut draft = Draft::new(2);
    if members(object).count() > MAX_DIMENSIONS {
        return Err(Error::new(Code::PartitionTooManyDimensions));
    }
    for (name, value) in members(object) {
        if !grammar::is_name(&name) {
            return Err(Error::new(Code::PartitionName));
        }
        draft.push(&name, &read_value(value).map_err(Error::new)?);
    }
    draft.finish()
}

fn read_value(canonical: &str) -> Result<Value, Code> {
    let Node::Object(object) = Node::of(canonical) else {
        return Err(Code::PartitionJson);
    };
    let Some(kind) = member(object, "type") else {
        return Err(Code::PartitionMissingType);
    };
    let value = member(object, "value").map(Node::of);
    let known = 1 + usize::from(value.is_some());
    let Node::Text(kind) = Node::of(kind) else {
        return Err(Code::PartitionUnknownType);
    };
    let read = match (&*kind, value) {
        ("string", Some(Node::Text(text))) => Value::text(&text).map_err(|error| error.code)?,
        ("string", _) => return Err(Code::PartitionString),
        ("int64", value) => Value::Int(read_int64(value).ok_or(Code::PartitionInteger)?),
        ("bool", Some(Node::Bool(value))) => Value::Bool(value),
        ("bool", _) => return Err(Code::PartitionBoolean),
        ("date", Some(Node::Text(text))) => {
            Value::Date(Date::parse(&text).map_err(|error| error.code)?)
        }
        ("date", _) => return Err(Code::PartitionDate),
        ("timestamp", Some(Node::Text(text))) => {
            Value::Timestamp(Timestamp::parse(&text).map_err(|error| error.code)?)
        }
        ("timestamp", _) => return Err(Code::PartitionTimestamp),
        ("null", None) => Value::Null,
        ("null", Some(_)) => return Err(Code::PartitionNull),
        _ => return Err(Code::PartitionUnknownType),
    };
    if members(object).count() > known {
        Err(Code::PartitionJson)
    } else {
        Ok(read)
    }
}

fn read_int64(value: Option<Node<'_>>) -> Option<i64> {
    match value? {
        Node::Text(text) => read_integer(text.as_bytes()),
        Node::Integer(integer) => i64::try_from(integer).ok(),
        _ => None,
    }
}

pub(super) fn write(key: &PartitionKey) -> String {
    let mut out = String::with_capacity(key.as_str().len() * 2);
    let mut separator = '{';
    for (name, value) in key.dimensions() {
        out.push(separator);
        separator = ',';
        push_string(&mut out, name);
        out.push_str(":{\"type\":\"");
        out.push_str(kind(&value));
        out.push('"');
        write_value(&value, &mut out);
        out.push('}');
    }
    out.push('}');
    out
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Str(_) => "string",
        Value::Date(_) => "date",
        Value::Timestamp(_) => "timestamp",
    }
}

fn write_value(value: &Value, out: &mut String) {
    if *value == Value::Null {
        return;
    }
    out.push_str(",\"value\":");
    match value {
        Value::Null => {}
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Str(text) => push_string(out, text.as_str()),
        Value::Int(_) | Value::Date(_) | Value::Timestamp(_) => {
            out.push('"');
            out.push_str(value.canonical().get(2..).unwrap_or_default());
            out.push('"');
        }
    }
}
