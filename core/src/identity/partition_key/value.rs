//! A value has a type, and its text one spelling.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::grammar::{Spelling, tag_length};
use super::{Date, MAX_TEXT_BYTES, Text, Timestamp, Value, base64url};
use crate::identity::canonical_json;
use crate::identity::error::{Code, Error};

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Str,
    Int,
    Bool,
    Date,
    Timestamp,
    Null,
}

impl Kind {
    pub(super) const fn of(tag: u8) -> Option<Self> {
        Some(match tag {
            b's' => Self::Str,
            b'i' => Self::Int,
            b'b' => Self::Bool,
            b'd' => Self::Date,
            b't' => Self::Timestamp,
            b'n' => Self::Null,
            _ => return None,
        })
    }
}

/// Whether the text after the type is canonical.
#[inline]
pub(super) fn check_body(kind: Kind, body: &[u8]) -> Result<(), Code> {
    match kind {
        Kind::Str => base64url::check(body),
        _ => read_body(kind, body, Spelling::Canonical).map(drop),
    }
}

/// Reads the text after the type.
#[inline]
pub(super) fn read_body(kind: Kind, body: &[u8], spelling: Spelling) -> Result<Value, Code> {
    match kind {
        Kind::Str => base64url::read(body).map(|text| Value::Str(Text(text))),
        Kind::Int => read_integer(body)
            .map(Value::Int)
            .ok_or(Code::PartitionInteger),
        Kind::Bool => match body {
            b"true" => Ok(Value::Bool(true)),
            b"false" => Ok(Value::Bool(false)),
            _ => Err(Code::PartitionBoolean),
        },
        Kind::Date => Date::read(body).map(Value::Date).ok_or(Code::PartitionDate),
        Kind::Timestamp => {
            let timestamp = match spelling {
                Spelling::Canonical => Timestamp::read(body),
                Spelling::Friendly => Timestamp::read_friendly(body),
            };
            timestamp
                .map(Value::Timestamp)
                .ok_or(Code::PartitionTimestamp)
        }
        Kind::Null => match body {
            b"null" => Ok(Value::Null),
            _ => Err(Code::PartitionNull),
        },
    }
}

/// Reads a signed 64-bit decimal without leading zeros, `+` or `-0`.
pub(super) fn read_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    let mut integer = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = i64::from(digit - b'0');
        integer = integer
            .checked_mul(10)?
            .checked_add(if negative { -digit } else { digit })?;
    }
    Some(integer)
}

impl Value {
    /// Reads the canonical text with its type, as in `d:2025-01-15`.
    ///
    /// # Errors
    /// `partition.missing_type`, `partition.unknown_type`, and the code of the type at offset 2.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (kind, body): (_, &[u8]) = match text.as_bytes() {
            [tag, b':', body @ ..] if tag.is_ascii_alphabetic() => (Kind::of(*tag), body),
            bytes if tag_length(bytes) > 0 => (None, b""),
            _ => return Err(Error::at(Code::PartitionMissingType, 0)),
        };
        let kind = kind.ok_or(Error::at(Code::PartitionUnknownType, 0))?;
        read_body(kind, body, Spelling::Canonical).map_err(|code| Error::at(code, 2))
    }

    /// A string value.
    ///
    /// # Errors
    /// `partition.value_too_long` over 256 bytes.
    pub fn text(text: &str) -> Result<Self, Error> {
        Text::new(text).map(Self::Str)
    }

    /// Appends the canonical text with its type.
    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"n:null"),
            Self::Bool(true) => out.extend_from_slice(b"b:true"),
            Self::Bool(false) => out.extend_from_slice(b"b:false"),
            Self::Int(integer) => {
                out.extend_from_slice(b"i:");
                canonical_json::write_integer(out, *integer);
            }
            Self::Str(text) => {
                out.extend_from_slice(b"s:");
                base64url::write(text.0.as_bytes(), out);
            }
            Self::Date(date) => {
                out.extend_from_slice(b"d:");
                out.extend_from_slice(&date.write());
            }
            Self::Timestamp(timestamp) => {
                out.extend_from_slice(b"t:");
                out.extend_from_slice(&timestamp.write());
            }
        }
    }

    /// The canonical text with its type.
    pub(super) fn canonical(&self) -> String {
        let mut text = Vec::new();
        self.write(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.canonical())
    }
}

impl FromStr for Value {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl Text {
    /// A string of at most 256 bytes.
    ///
    /// # Errors
    /// `partition.value_too_long`.
    pub fn new(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error::new(Code::PartitionValueTooLong));
        }
        Ok(Self(String::from(text)))
    }

    /// The string itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
