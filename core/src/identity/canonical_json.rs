//! Every JSON text has one canonical byte string, and it is written in one pass.

mod scan;
mod strings;
mod numbers;
mod text;
mod members;
mod emit;
mod value;
pub(crate) mod read;

#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use self::emit::Emitter;
use self::members::{Member, Object};
use self::scan::Frame;
use super::error::{Code, Error};

/// What a JSON text may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text; 16 MiB by default.
    pub max_bytes: u32,
    /// Nested arrays and objects; 128 by default.
    pub max_depth: u32,
}

impl Limits {
    /// The limits of the specification.
    pub const DEFAULT: Self = Self {
        max_bytes: 16 << 20,
        max_depth: 128,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The canonical form of a JSON text.
///
/// # Errors
/// The codes `json.*`, with the offset of the byte that broke the rule.
pub fn canonicalize(json: &[u8]) -> Result<Vec<u8>, Error> {
    canonicalize_with(json, &Limits::DEFAULT)
}

/// The canonical form of a JSON text, under the caller's limits.
///
/// # Errors
/// Those of [`canonicalize`].
pub fn canonicalize_with(json: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut context = Canonicalizer::with_limits(*limits);
    if context.scan(json)? == Place::Input {
        return Ok(context.input_span(json).to_vec());
    }
    context.emit(json);
    Ok(context.emitter.into_output())
}

/// The canonical form of a value, with the output and the refusals of its text.
///
/// # Errors
/// The codes `json.*` without offsets; any float is `json.float`, an integer outside 64 bits is `json.range`, a map key
/// that is not a string `json.key`.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let text = value::write(value)?;
    canonicalize(&text).map_err(Error::placeless)
}

/// Those of [`to_vec`], as text.
///
/// # Errors
/// Those of [`to_vec`].
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let text = to_vec(value)?;
    // What is canonical is UTF-8.
    Ok(String::from_utf8(text).unwrap_or_default())
}

/// A context that is used again for one text after another, so that small texts allocate nothing.
#[derive(Debug, Default)]
pub struct Canonicalizer {
    limits: Limits,
    /// The text without whitespace and with canonical strings, as far as it differs from the input.
    compact: Vec<u8>,
    /// Where the input goes on that `compact` does not hold.
    copied: usize,
    end: usize,
    frames: Vec<Frame>,
    /// The members of the objects that are open.
    members: Vec<Member>,
    /// The objects that have to be put in order, before the objects inside them.
    objects: Vec<Object>,
    /// The members of `objects`, in order.
    sorted: Vec<Member>,
    scratch: Vec<Member>,
    emitter: Emitter,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The canonical form is a span of the input.
    Input,
    /// It has to be put together.
    Pieces,
}

impl Canonicalizer {
    /// A context with the limits of the specification.
    pub fn new() -> Self {
        Self::default()
    }

    /// A context with other limits.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// The canonical form, in the input itself when it stands there.
    ///
    /// # Errors
    /// Those of [`canonicalize`].
    pub fn canonicalize<'a>(&'a mut self, json: &'a [u8]) -> Result<&'a [u8], Error> {
        if self.scan(json)? == Place::Input {
            return Ok(self.input_span(json));
        }
        self.emit(json);
        Ok(self.emitter.output())
    }

    fn scan(&mut self, json: &[u8]) -> Result<Place, Error> {
        if json.len() as u64 > u64::from(self.limits.max_bytes) {
            return Err(Error::new(Code::JsonTooLong));
        }
        self.reset();
        self.end = scan::scan(self, json)?;
        if self.compact.is_empty() && self.objects.is_empty() {
            Ok(Place::Input)
        } else {
            Ok(Place::Pieces)
        }
    }

    fn reset(&mut self) {
        self.compact.clear();
        self.copied = 0;
        self.frames.clear();
        self.members.clear();
        self.objects.clear();
        self.sorted.clear();
    }

    fn input_span<'a>(&self, json: &'a [u8]) -> &'a [u8] {
        json.get(self.copied..self.end).unwrap_or_default()
    }

    fn emit(&mut self, json: &[u8]) {
        if self.compact.is_empty() {
            let text = json.get(self.copied..self.end).unwrap_or_default();
            self.emitter.emit(text, &self.objects, &self.sorted);
            return;
        }
        self.compact
            .extend_from_slice(json.get(self.copied..self.end).unwrap_or_default());
        if self.objects.is_empty() {
            self.emitter.exchange(&mut self.compact);
        } else {
            self.emitter
                .emit(&self.compact, &self.objects, &self.sorted);
        }
    }
}

/// Appends the canonical form of a string, quotes included.
pub(crate) fn push_string(out: &mut String, string: &str) {
    text::push_string(out, string);
}

/// Appends the canonical form of an integer.
pub(crate) fn push_integer(out: &mut String, integer: i64) {
    text::push_integer(out, integer);
}

/// Appends the canonical form of a string, quotes included, to text for a canonicalizer.
pub fn write_string(out: &mut Vec<u8>, string: &str) {
    text::spell(string, |piece| out.extend_from_slice(piece.as_bytes()));
}

/// Appends the canonical form of an integer to text for a canonicalizer.
pub fn write_integer(out: &mut Vec<u8>, integer: i64) {
    if integer < 0 {
        out.push(b'-');
    }
    write_magnitude(out, integer.unsigned_abs());
}

/// Appends the canonical form of an integer that is not negative to text for a canonicalizer.
pub fn write_magnitude(out: &mut Vec<u8>, magnitude: u64) {
    out.extend_from_slice(text::decimal(magnitude, &mut [0; 20]));
}
