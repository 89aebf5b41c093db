//! A request body becomes a typed value in one strict way, and a refusal says where it stopped.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::identity::canonical_json::{self, Limits};
use crate::identity::error::{Code, Error};
use crate::wire::pointer;
use crate::wire::problem::{Problem, Slug};
use crate::wire::reader::{self, Decode};

/// What the JSON of a request may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Levels of arrays and objects.
    pub depth: u32,
    /// Values in all.
    pub values: u32,
    /// Bytes of a key.
    pub key_bytes: usize,
}

/// The shape of callbacks and triggers.
pub const SMALL: Shape = Shape {
    depth: 32,
    values: 10_000,
    key_bytes: 256,
};
/// The shape of manifests and of the scheduler's proposals.
pub const LARGE: Shape = Shape {
    depth: 32,
    values: 4_000_000,
    key_bytes: 1_024,
};

/// The canonical form of a body and the value in it.
///
/// # Errors
/// `malformed-json`, `duplicate-key`, `json-limit-exceeded` (400) and `validation-failed` (422), each with its place.
pub fn parse<T: Decode>(body: &[u8], shape: Shape) -> Result<(Vec<u8>, T), Problem> {
    let canonical = canonical(body, shape)?;
    let value = typed(&canonical)?;
    Ok((canonical, value))
}

/// The canonical form of a body.
///
/// # Errors
/// As [`parse`].
pub fn canonical(body: &[u8], shape: Shape) -> Result<Vec<u8>, Problem> {
    let limits = Limits {
        max_bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
        max_depth: shape.depth,
    };
    let canonical = canonical_json::canonicalize_with(body, &limits)
        .map_err(|error| refuse_json(body, &error, shape))?;
    check_shape(&canonical, shape)?;
    Ok(canonical)
}

/// The value in a canonical body.
///
/// # Errors
/// `validation-failed` (422) with a pointer.
pub fn typed<T: Decode>(canonical: &[u8]) -> Result<T, Problem> {
    reader::read(canonical).map_err(|misfit| refuse_shape(canonical, misfit.at, &misfit.sentence))
}

fn refuse_shape(canonical: &[u8], at: u64, sentence: &str) -> Problem {
    let sentence: String = sentence.chars().take(200).collect();
    Problem::validation(&pointer::of_offset(canonical, at as usize), &sentence)
}

fn refuse_json(body: &[u8], error: &Error, shape: Shape) -> Problem {
    let offset = error.offset.unwrap_or(0);
    match error.code {
        Code::JsonDuplicateKey => {
            Problem::new(Slug::DuplicateKey, "an object names a member twice")
                .with("pointer", pointer::of_offset(body, offset as usize))
        }
        Code::JsonDepth => Problem::new(
            Slug::JsonLimitExceeded,
            format!("the body is nested deeper than {} levels", shape.depth),
        )
        .with("limit", shape.depth),
        Code::JsonFloat | Code::JsonNegativeZero | Code::JsonRange => Problem::validation(
            &pointer::of_offset(body, offset as usize),
            &format!("{error}: numbers are integers of 64 bits"),
        ),
        _ => Problem::new(Slug::MalformedJson, error.to_string()).with("offset", offset),
    }
}

/// Counts values and measures keys in canonical JSON, where no white space stands between them.
fn check_shape(canonical: &[u8], shape: Shape) -> Result<(), Problem> {
    let mut values: u32 = 1;
    let mut at = 0;
    while let Some(&byte) = canonical.get(at) {
        match byte {
            b'"' => {
                let end = string_end(canonical, at);
                let is_key = canonical.get(end) == Some(&b':');
                if is_key && end - at - 2 > shape.key_bytes {
                    return Err(limit("a key is too long", shape.key_bytes as u64));
                }
                at = end;
                continue;
            }
            b',' => values += 1,
            b'[' | b'{' if !matches!(canonical.get(at + 1), Some(b']' | b'}')) => values += 1,
            _ => {}
        }
        at += 1;
    }
    if values > shape.values {
        return Err(limit(
            "the body holds too many values",
            u64::from(shape.values),
        ));
    }
    Ok(())
}

fn limit(sentence: &str, limit: u64) -> Problem {
    Problem::new(Slug::JsonLimitExceeded, sentence).with("limit", limit)
}

/// The index after the closing quote of the string that opens at `at`.
fn string_end(text: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}
