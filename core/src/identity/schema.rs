//! A name crosses serde as the string it is: written as it stands, read only in its canonical form.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{self, Deserializer, Visitor};

use super::error::Error;

struct Strict<T> {
    expected: &'static str,
    target: PhantomData<T>,
}

impl<T: FromStr<Err = Error>> Visitor<'_> for Strict<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse()
            .map_err(|error: Error| E::custom(sentence(error)))
    }
}

/// A name that is read out of a string in its canonical form only.
pub trait Name: FromStr<Err = Error> {
    /// The thing, for a refusal of what is no string.
    const EXPECTED: &'static str;
}

/// Why a string is no such name.
pub(crate) fn sentence(error: Error) -> String {
    format!("{error} [{}]", error.code.as_str())
}

/// Reads a string and parses it strictly; `expected` names the thing in the refusal.
pub(super) fn deserialize<'de, T, D>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err = Error>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Strict {
        expected,
        target: PhantomData,
    })
}

/// Implements `Serialize`, `Deserialize`, `Name` and `JsonSchema` for a type that is a string on the wire.
///
/// The type has `FromStr<Err = Error>` and `Display`; `pattern` is what a schema can say of the grammar.
macro_rules! string_on_the_wire {
    ($type:ident, $expected:literal, $pattern:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::identity::schema::deserialize(deserializer, $expected)
            }
        }

        impl crate::identity::schema::Name for $type {
            const EXPECTED: &'static str = $expected;
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> alloc::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": $expected,
                    "pattern": $pattern,
                })
            }
        }
    };
}

pub(super) use string_on_the_wire;
