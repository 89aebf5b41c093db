//! What has no table of its own: text, numbers, lists, maps, and what is parsed out of a string.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{
    AssetId, AttemptId, BackfillId, EventId, ManifestId, MaterializationId, RunId, TaskId,
};
use crate::identity::keys::{AssetKey, RunKey, TaskKey, TenantId, WorkspaceId};
use crate::identity::partition_id::PartitionId;
use crate::identity::partition_key::PartitionKey;
use crate::identity::schema::{self, Name};
use crate::wire::literal::Literal;

use super::{Decode, Fault, Number, Reader, Text};

impl Decode for String {
    #[inline(never)]
    fn decode(reader: &mut Reader<'_>) -> Result<String, Fault> {
        Ok(match reader.text("a string")? {
            Text::Plain(text) => text.to_string(),
            Text::Escaped(text) => text,
        })
    }
}

impl Decode for bool {
    fn decode(reader: &mut Reader<'_>) -> Result<bool, Fault> {
        reader.boolean()
    }
}

macro_rules! integers {
    ($($kind:ident)*) => {
        $(impl Decode for $kind {
            fn decode(reader: &mut Reader<'_>) -> Result<$kind, Fault> {
                let value = reader.integer(stringify!($kind), $kind::MIN as i64, $kind::MAX as u64)?;
                Ok(value as $kind)
            }
        })*
    };
}

integers!(u8 u32 u64 i32 i64);

impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Option<T>, Fault> {
        if reader.peek() == b'n' {
            reader.word("null")?;
            return Ok(None);
        }
        T::decode(reader).map(Some)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Vec<T>, Fault> {
        let mut items = Vec::new();
        reader.each((b'[', b']'), "a sequence", &mut |reader| {
            items.push(T::decode(reader)?);
            Ok(())
        })?;
        Ok(items)
    }
}

impl Decode for (String, String) {
    fn decode(reader: &mut Reader<'_>) -> Result<(String, String), Fault> {
        reader.peek();
        let start = reader.at;
        match <[String; 2]>::try_from(Vec::<String>::decode(reader)?) {
            Ok([one, other]) => Ok((one, other)),
            Err(items) => {
                let count = items.len();
                let sentence = format!("invalid length {count}, expected a tuple of size 2");
                Err(Fault::new(start, sentence))
            }
        }
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(reader: &mut Reader<'_>) -> Result<BTreeMap<String, T>, Fault> {
        let mut members = BTreeMap::new();
        each_member(reader, &mut |name, value| drop(members.insert(name, value)))?;
        Ok(members)
    }
}

impl Decode for Map<String, Value> {
    fn decode(reader: &mut Reader<'_>) -> Result<Map<String, Value>, Fault> {
        let mut members = Map::new();
        each_member(reader, &mut |name, value| drop(members.insert(name, value)))?;
        Ok(members)
    }
}

/// Reads an object whose names are not known; of one name twice, the last stays.
fn each_member<T: Decode>(
    reader: &mut Reader<'_>,
    put: &mut dyn FnMut(String, T),
) -> Result<(), Fault> {
    reader.each((b'{', b'}'), "a map", &mut |reader| {
        let name = reader.value()?;
        reader.take(b':')?;
        put(name, reader.value()?);
        Ok(())
    })
}

impl Decode for Value {
    fn decode(reader: &mut Reader<'_>) -> Result<Value, Fault> {
        Ok(match reader.peek() {
            b'"' => Value::String(reader.value()?),
            b'{' => Value::Object(reader.value()?),
            b'[' => Value::Array(reader.value()?),
            b't' | b'f' => Value::Bool(reader.boolean()?),
            b'n' => {
                reader.word("null")?;
                Value::Null
            }
            b'-' | b'0'..=b'9' => match reader.number()? {
                Number::Natural(value) => Value::from(value),
                Number::Negative(value) => Value::from(value),
            },
            _ => return Err(reader.misfit("any valid JSON value")),
        })
    }
}

impl Decode for Literal {
    fn decode(reader: &mut Reader<'_>) -> Result<Literal, Fault> {
        let first = reader.peek();
        let start = reader.at;
        Ok(match first {
            b'"' => Literal::Text(reader.value()?),
            b't' | b'f' => Literal::Boolean(reader.boolean()?),
            b'-' | b'0'..=b'9' => match reader.number()? {
                Number::Negative(value) => Literal::Integer(value),
                Number::Natural(value) => Literal::Integer(i64::try_from(value).map_err(|_| {
                    let sentence = "an integer beyond 64 bits with sign";
                    Fault::new(start, sentence.to_string())
                })?),
            },
            _ => return Err(reader.misfit("a string, an integer or a boolean")),
        })
    }
}

/// A part of the text as it stands.
impl Decode for Box<RawValue> {
    fn decode(reader: &mut Reader<'_>) -> Result<Box<RawValue>, Fault> {
        reader.peek();
        let start = reader.at;
        reader.skip()?;
        let text = reader.text.get(start..reader.at).unwrap_or_default();
        RawValue::from_string(text.to_string())
            .map_err(|_| Fault::new(start, "this is no JSON".to_string()))
    }
}

macro_rules! names {
    ($($kind:ty,)*) => {
        $(impl Decode for $kind {
            fn decode(reader: &mut Reader<'_>) -> Result<$kind, Fault> {
                parsed(reader, <$kind>::EXPECTED, |text| text.parse().map_err(schema::sentence))
            }
        })*
    };
}

names! {
    Sha256Digest, PartitionId, PartitionKey,
    AssetKey, TaskKey, TenantId, WorkspaceId, RunKey,
    AssetId, AttemptId, BackfillId, EventId, ManifestId, MaterializationId, RunId, TaskId,
}

/// A string, made something of by a function that says why not.
pub(crate) fn parsed<T>(
    reader: &mut Reader<'_>,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Fault> {
    reader.peek();
    let start = reader.at;
    let text = reader.text(expected)?;
    parse(&text).map_err(|sentence| Fault::new(start, sentence))
}
