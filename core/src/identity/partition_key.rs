//! A partition key is a sorted list of named, typed values with one spelling.

mod grammar;
pub(super) mod base64url;
mod civil;
mod value;
mod draft;
mod json;
pub mod range;

use alloc::string::String;
use core::borrow::Borrow;
use core::cmp::Ordering;

use self::draft::Draft;
use self::grammar::{Dimensions, Spelling};
use super::error::{Code, Error};
use super::keys::text_key;

/// Bytes of a key.
pub const MAX_BYTES: usize = 1_024;
/// Dimensions of a key.
pub const MAX_DIMENSIONS: usize = 16;
/// Bytes of a dimension's name.
pub const MAX_NAME_BYTES: usize = 64;
/// Bytes of a string value.
pub const MAX_TEXT_BYTES: usize = 256;

/// Names one partition of an asset, in canonical form.
///
/// Ordered and compared by the bytes of that form; [`PartitionKey::typed_cmp`] orders by value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionKey(String);

/// The value of a dimension.
///
/// The typed order is the order of the variants, then of the values; strings are ordered by their UTF-8 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// `n:null`
    Null,
    /// `b:true`, `b:false`
    Bool(bool),
    /// `i:42`
    Int(i64),
    /// `s:`, then base64url
    Str(Text),
    /// `d:2025-01-15`
    Date(Date),
    /// `t:2025-01-15T08:00:00.000000Z`
    Timestamp(Timestamp),
}

/// A string of at most 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(String);

/// A day of the years 0001 to 9999, proleptic Gregorian, as days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(i32);

/// A moment of the years 0001 to 9999 in UTC, as microseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl PartitionKey {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `partition.*`. A rule on a name stands at the byte that breaks it, a rule on a value at the value, a rule on the
    /// text of a value after the type's colon, and a rule on the order at the dimension.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::check(text)?;
        Ok(Self(String::from(text)))
    }

    /// The key of named values, in whatever order they come.
    ///
    /// # Errors
    /// `partition.empty`, `partition.too_many_dimensions`, `partition.name`, `partition.duplicate`, `partition.too_long`.
    pub fn from_dimensions<N: AsRef<str>>(
        dimensions: impl IntoIterator<Item = (N, impl Borrow<Value>)>,
    ) -> Result<Self, Error> {
        let dimensions = dimensions.into_iter();
        let mut draft = Draft::new(dimensions.size_hint().0);
        for (name, value) in dimensions {
            if draft.count() == MAX_DIMENSIONS {
                return Err(Error::new(Code::PartitionTooManyDimensions));
            }
            if !grammar::is_name(name.as_ref()) {
                return Err(Error::new(Code::PartitionName));
            }
            draft.push(name.as_ref(), value.borrow());
        }
        draft.finish()
    }

    /// The canonical key of a friendly text: dimensions in any order, timestamps with 0 to 6 fraction digits and any UTC
    /// offset.
    ///
    /// # Errors
    /// Those of [`PartitionKey::parse`] without `partition.unsorted`; `partition.too_long` holds for both texts.
    pub fn normalize(text: &str) -> Result<Self, Error> {
        let mut draft = Draft::new(2);
        for dimension in Dimensions::new(text, Spelling::Friendly)? {
            let dimension = dimension?;
            draft.push(dimension.name, &dimension.value()?);
        }
        draft.finish()
    }

    /// Whether the text is a key.
    pub(super) fn check(text: &str) -> Result<(), Error> {
        for dimension in Dimensions::new(text, Spelling::Canonical)? {
            dimension?.check()?;
        }
        Ok(())
    }

    /// Takes a text that has been checked.
    pub(super) fn checked(text: &str) -> Self {
        Self(String::from(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names and values, in the order of the names.
    pub fn dimensions(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.split(',').filter_map(|dimension| {
            let (name, value) = dimension.split_once('=')?;
            Some((name, Value::parse(value).ok()?))
        })
    }

    /// The value of a dimension.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.dimensions()
            .find(|dimension| dimension.0 == name)
            .map(|dimension| dimension.1)
    }

    /// Orders by the first dimension that differs: by its name, then by its value in the typed order.
    pub fn typed_cmp(&self, other: &Self) -> Ordering {
        self.dimensions().cmp(other.dimensions())
    }

    /// Reads the JSON form, `{"date":{"type":"date","value":"2025-01-15"}}`.
    ///
    /// # Errors
    /// `json.*` with an offset for the text; for the dimensions in the order of their names, without offset, those of
    /// [`PartitionKey::from_dimensions`] and `partition.json`, `partition.missing_type`, `partition.unknown_type` and the
    /// code of the value's type.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        json::read(json)
    }

    /// Writes the JSON form, canonically.
    pub fn to_json(&self) -> String {
        json::write(self)
    }
}

text_key!(
    PartitionKey,
    "a partition key",
    r"^[a-z][a-z0-9_]{0,63}=[a-z]:[A-Za-z0-9_:.-]*(,[a-z][a-z0-9_]{0,63}=[a-z]:[A-Za-z0-9_:.-]*){0,15}$"
);

#[cfg(test)]
mod tests;
