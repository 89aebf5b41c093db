//! Every typed value is read out of JSON by one reader, which knows the place of whatever does not fit.
//!
//! A generic decoder is compiled once for each value and each way of reading it, and the wasm of a door is paid by the byte: this
//! one has a single way, and there its parts are not inlined. An object is read by its member names only, never by their places in an array.

mod decode;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::de::{self, Expected, Unexpected, Visitor};

use self::decode::{Items, Members};

/// What a text says that a type does not take, or that is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The byte at which the value or the member name stands.
    pub at: u64,
    /// What is wrong, lower case, without a period.
    pub sentence: String,
}

/// The value in a JSON text. Floats fit nothing.
///
/// # Errors
/// [`Misfit`], for the innermost value that does not fit.
pub fn read<'de, T: de::Deserialize<'de>>(json: &'de [u8]) -> Result<T, Misfit> {
    let text = core::str::from_utf8(json).map_err(|error| Misfit {
        at: error.valid_up_to() as u64,
        sentence: "the text is not UTF-8".to_string(),
    })?;
    read_text(text)
}

/// The same out of what is known to be text.
///
/// # Errors
/// Those of [`read`].
pub fn read_text<'de, T: de::Deserialize<'de>>(text: &'de str) -> Result<T, Misfit> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let read = and_then(T::deserialize(&mut reader), || reader.end());
    read.map_err(|fault| Misfit {
        at: fault.0.at.unwrap_or(0) as u64,
        sentence: fault.0.sentence,
    })
}

/// Levels that are entered, at most.
const DEEPEST: u32 = 128;

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u32,
}

/// Boxed, because every step of a decoder may carry one back.
#[derive(Debug)]
struct Fault(Box<Found>);

#[derive(Debug)]
struct Found {
    at: Option<usize>,
    sentence: String,
}

impl Fault {
    #[inline(never)]
    fn new(at: Option<usize>, sentence: String) -> Fault {
        Fault(Box::new(Found { at, sentence }))
    }

    /// Says where it is, unless a place further in is known.
    #[inline(never)]
    fn place(&mut self, at: usize) {
        self.0.at.get_or_insert(at);
    }

    /// The same at a place, unless a place further in is known.
    fn at(mut self, at: usize) -> Fault {
        self.place(at);
        self
    }
}

/// What was read, or its refusal at a place. A large value is built where the caller wants it: a result that is taken apart and
/// put together again is copied each time.
fn placed<T>(mut read: Result<T, Fault>, at: usize) -> Result<T, Fault> {
    if let Err(fault) = &mut read {
        fault.place(at);
    }
    read
}

/// What was read, when what has to come after it comes.
fn and_then<T>(
    mut read: Result<T, Fault>,
    next: impl FnOnce() -> Result<(), Fault>,
) -> Result<T, Fault> {
    if read.is_ok()
        && let Err(fault) = next()
    {
        read = Err(fault);
    }
    read
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.sentence)
    }
}

impl core::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(sentence: T) -> Fault {
        Fault::new(None, sentence.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::new(
            None,
            format!("invalid type: {}, expected {expected}", Named(found)),
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::new(
            None,
            format!("invalid value: {}, expected {expected}", Named(found)),
        )
    }
}

/// What was found, in the words of JSON. No float is ever found, and what would write one is large.
struct Named<'a>(Unexpected<'a>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Bool(value) => write!(formatter, "boolean `{value}`"),
            Unexpected::Unsigned(value) => write!(formatter, "integer `{value}`"),
            Unexpected::Signed(value) => write!(formatter, "integer `{value}`"),
            Unexpected::Str(text) => write!(formatter, "string {text:?}"),
            Unexpected::Seq => formatter.write_str("sequence"),
            Unexpected::Map => formatter.write_str("map"),
            Unexpected::UnitVariant => formatter.write_str("unit variant"),
            Unexpected::Unit => formatter.write_str("null"),
            Unexpected::Other(other) => formatter.write_str(other),
            _ => formatter.write_str("something else"),
        }
    }
}

/// A string as it stands, or without its escapes.
enum Text<'de> {
    Plain(&'de str),
    Escaped(String),
}

enum Number {
    Natural(u64),
    Negative(i64),
}

impl<'de> Reader<'de> {
    /// The first byte of the next token; 0 at the end.
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return *byte,
            }
        }
        0
    }

    fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            0 if self.at == self.text.len() => Ok(()),
            _ => Err(self.broken("trailing characters")),
        }
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn take(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(self.broken("this is no JSON"))
        }
    }

    fn broken(&self, sentence: &str) -> Fault {
        Fault::new(Some(self.at), sentence.to_owned())
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        match self.text.get(self.at..) {
            Some(rest) if rest.starts_with(word) => {
                self.at += word.len();
                Ok(())
            }
            _ => Err(self.broken("this is no JSON")),
        }
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn string(&mut self) -> Result<Text<'de>, Fault> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let length = quote_or_escape(rest);
        let end = start + length;
        match self.text.get(start..end) {
            Some(plain) if rest.get(length) == Some(&b'"') => {
                self.at = end + 1;
                Ok(Text::Plain(plain))
            }
            _ => self.escaped(length),
        }
    }

    /// A string whose first escape, if it has one, stands so many bytes after the opening quote.
    #[cold]
    #[inline(never)]
    fn escaped(&mut self, mut end: usize) -> Result<Text<'de>, Fault> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start + 1..).unwrap_or_default();
        while rest.get(end) == Some(&b'\\') {
            end += 2;
            end += quote_or_escape(rest.get(end..).unwrap_or_default());
        }
        // `end` is the place of the closing quote, counted after the opening one.
        let whole = self.text.get(start..start + end + 2);
        let Some(whole) = whole.filter(|whole| whole.len() > 1 && whole.ends_with('"')) else {
            return Err(self.broken("a string has no end"));
        };
        self.at = start + whole.len();
        match serde_json::from_str(whole) {
            Ok(text) => Ok(Text::Escaped(text)),
            Err(_) => Err(self.broken("this is no JSON").at(start)),
        }
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn number(&mut self) -> Result<Number, Fault> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let is_negative = bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(is_negative);
        let mut digits = 0u32;
        let mut value: Option<u64> = Some(0);
        while let Some(digit) = bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            value = value
                .and_then(|value| value.checked_mul(10))
                .and_then(|value| value.checked_add(u64::from(digit - b'0')));
            digits += 1;
            self.at += 1;
        }
        let is_whole = digits > 0 && !matches!(bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        let number = match value.filter(|_| is_whole) {
            Some(value) if is_negative => 0i64.checked_sub_unsigned(value).map(Number::Negative),
            Some(value) => Some(Number::Natural(value)),
            None => None,
        };
        number.ok_or_else(|| {
            let sentence = "a number is no integer of 64 bits".to_string();
            Fault::new(Some(start), sentence)
        })
    }

    /// The refusal of the next value, whatever it is.
    #[inline(never)]
    fn misfit(&mut self, expected: &dyn Expected) -> Fault {
        let start = self.at;
        let fault = match self.peek() {
            b'"' => match self.string() {
                Ok(Text::Plain(text)) => de::Error::invalid_type(Unexpected::Str(text), expected),
                Ok(Text::Escaped(text)) => {
                    de::Error::invalid_type(Unexpected::Str(&text), expected)
                }
                Err(fault) => fault,
            },
            b'{' => de::Error::invalid_type(Unexpected::Map, expected),
            b'[' => de::Error::invalid_type(Unexpected::Seq, expected),
            b'n' => de::Error::invalid_type(Unexpected::Unit, expected),
            b't' => de::Error::invalid_type(Unexpected::Bool(true), expected),
            b'f' => de::Error::invalid_type(Unexpected::Bool(false), expected),
            b'-' | b'0'..=b'9' => match self.number() {
                Ok(Number::Natural(value)) => {
                    de::Error::invalid_type(Unexpected::Unsigned(value), expected)
                }
                Ok(Number::Negative(value)) => {
                    de::Error::invalid_type(Unexpected::Signed(value), expected)
                }
                Err(fault) => fault,
            },
            _ => self.broken("this is no JSON"),
        };
        fault.at(start)
    }

    /// Goes past a value.
    fn skip(&mut self) -> Result<(), Fault> {
        let mut depth = 0u32;
        loop {
            match self.peek() {
                b'"' => self.string().map(|_| ())?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                b'n' => self.word("null")?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'-' | b'0'..=b'9' => self.number().map(|_| ())?,
                _ => return Err(self.broken("this is no JSON")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn enter(&mut self, open: u8) -> Result<(), Fault> {
        self.take(open)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.broken("the text is nested too deep"));
        }
        Ok(())
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn leave(&mut self, close: u8) -> Result<(), Fault> {
        self.depth -= 1;
        self.take(close)
    }

    /// Whether one more item comes before `close`, with the reader before it.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn goes_on(&mut self, close: u8, is_first: &mut bool) -> Result<bool, Fault> {
        if self.peek() == close {
            return Ok(false);
        }
        if !core::mem::replace(is_first, false) {
            self.take(b',')?;
        }
        self.peek();
        Ok(true)
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        if self.peek() != b'"' {
            return Err(self.misfit(&visitor));
        }
        let start = self.at;
        let read = match self.string()? {
            Text::Plain(text) => visitor.visit_borrowed_str(text),
            Text::Escaped(text) => visitor.visit_string(text),
        };
        placed(read, start)
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return Err(self.misfit(&visitor));
        }
        let start = self.at;
        let read = match self.number()? {
            Number::Natural(value) => visitor.visit_u64(value),
            Number::Negative(value) => visitor.visit_i64(value),
        };
        placed(read, start)
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        if self.peek() != b'[' {
            return Err(self.misfit(&visitor));
        }
        let start = self.at;
        self.enter(b'[')?;
        let items = Items {
            reader: self,
            is_first: true,
        };
        let read = placed(visitor.visit_seq(items), start);
        and_then(read, || self.leave(b']'))
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        if self.peek() != b'{' {
            return Err(self.misfit(&visitor));
        }
        let start = self.at;
        self.enter(b'{')?;
        let members = Members {
            reader: self,
            is_first: true,
        };
        let read = placed(visitor.visit_map(members), start);
        and_then(read, || self.leave(b'}'))
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn boolean<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        match self.peek() {
            b't' => {
                self.word("true")?;
                visitor.visit_bool(true)
            }
            b'f' => {
                self.word("false")?;
                visitor.visit_bool(false)
            }
            _ => Err(self.misfit(&visitor)),
        }
    }
}

/// How far the first quote or backslash is; the length when there is none. Eight bytes are looked at together.
fn quote_or_escape(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, _) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = zero_bytes(word ^ (ONES * 0x22)) | zero_bytes(word ^ (ONES * 0x5c));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    at + found.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
