//! Every typed value is read out of JSON by one reader, which knows the place of whatever does not fit.
//!
//! A generic decoder is compiled once for each type, and the wasm of a door is paid by the byte: here a type is a table of its members,
//! and one loop reads the objects of them all. An object is read by its member names only, never by their places in an array.

mod table;
mod decode;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::ops::Deref;

pub use arcoflow_derive::Decode;
pub(crate) use decode::parsed;
pub use table::{Choice, Needed, Slot, Table, Trial};

/// What a text says that a type does not take, or that is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The byte at which the value or the member name stands.
    pub at: u64,
    /// What is wrong, lower case, without a period.
    pub sentence: String,
}

/// What can be read out of JSON. A derive of the same name goes by serde's attributes.
pub trait Decode: Sized {
    /// The next value, read to its end.
    ///
    /// # Errors
    /// [`Fault`], for the innermost value that does not fit.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault>;
}

/// The value in a JSON text. Floats fit nothing.
///
/// # Errors
/// [`Misfit`], for the innermost value that does not fit.
pub fn read<T: Decode>(json: &[u8]) -> Result<T, Misfit> {
    match core::str::from_utf8(json) {
        Ok(text) => read_text(text),
        Err(error) => Err(Misfit {
            at: error.valid_up_to() as u64,
            sentence: "the text is not UTF-8".to_string(),
        }),
    }
}

/// The same out of what is known to be text.
///
/// # Errors
/// Those of [`read`].
pub fn read_text<T: Decode>(text: &str) -> Result<T, Misfit> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let read = reader.value();
    match reader.end() {
        Err(fault) if read.is_ok() => Err(fault.into()),
        _ => read.map_err(Misfit::from),
    }
}

/// Levels that are entered, at most.
const DEEPEST: u32 = 128;

/// A text, and how far it is read.
pub struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u32,
}

/// A misfit on its way out: boxed, because every step of a decoder may carry one back.
#[derive(Debug)]
pub struct Fault(Box<Misfit>);

impl Fault {
    #[cold]
    #[inline(never)]
    fn new(at: usize, sentence: String) -> Fault {
        Fault(Box::new(Misfit {
            at: at as u64,
            sentence,
        }))
    }
}

impl From<Fault> for Misfit {
    fn from(fault: Fault) -> Misfit {
        *fault.0
    }
}

/// A string as it stands, or without its escapes.
pub(crate) enum Text<'de> {
    Plain(&'de str),
    Escaped(String),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Plain(text) => text,
            Text::Escaped(text) => text,
        }
    }
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

    #[cold]
    fn broken(&self, sentence: &str) -> Fault {
        Fault::new(self.at, sentence.to_owned())
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
        match unescaped(whole.get(1..whole.len() - 1).unwrap_or_default()) {
            Some(text) => Ok(Text::Escaped(text)),
            None => Err(Fault::new(start, "this is no JSON".to_owned())),
        }
    }

    #[inline(never)]
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
        number.ok_or_else(|| Fault::new(start, "a number is no integer of 64 bits".to_owned()))
    }

    /// The refusal of the next value, whatever it is.
    #[cold]
    #[inline(never)]
    fn misfit(&mut self, expected: &str) -> Fault {
        let first = self.peek();
        let start = self.at;
        let found = match first {
            b'"' => self.string().map(|text| format!("string {:?}", &*text)),
            b'{' => Ok("map".to_owned()),
            b'[' => Ok("sequence".to_owned()),
            b'n' => Ok("null".to_owned()),
            b't' => Ok("boolean `true`".to_owned()),
            b'f' => Ok("boolean `false`".to_owned()),
            b'-' | b'0'..=b'9' => self.number().map(|number| number.to_string()),
            _ => Err(self.broken("this is no JSON")),
        };
        match found {
            Ok(found) => Fault::new(start, format!("invalid type: {found}, expected {expected}")),
            Err(fault) => fault,
        }
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

    /// The next string.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn text(&mut self, expected: &str) -> Result<Text<'de>, Fault> {
        if self.peek() != b'"' {
            return Err(self.misfit(expected));
        }
        self.string()
    }

    /// The next integer as its low 64 bits, when it is within the bounds.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn integer(&mut self, expected: &str, least: i64, most: u64) -> Result<u64, Fault> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return Err(self.misfit(expected));
        }
        let start = self.at;
        match self.number()? {
            Number::Natural(value) if value <= most => Ok(value),
            Number::Negative(value) if value >= least => Ok(value as u64),
            number => {
                let sentence = format!("invalid value: {number}, expected {expected}");
                Err(Fault::new(start, sentence))
            }
        }
    }

    fn boolean(&mut self) -> Result<bool, Fault> {
        match self.peek() {
            b't' => self.word("true").map(|()| true),
            b'f' => self.word("false").map(|()| false),
            _ => Err(self.misfit("a boolean")),
        }
    }

    /// The items of an array, or the members of an object, each of which the function reads.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn each(
        &mut self,
        (open, close): (u8, u8),
        expected: &str,
        read: &mut dyn FnMut(&mut Reader<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.peek() != open {
            return Err(self.misfit(expected));
        }
        self.enter(open)?;
        let mut is_first = true;
        while self.goes_on(close, &mut is_first)? {
            read(self)?;
        }
        self.leave(close)
    }

    /// The next value.
    ///
    /// # Errors
    /// [`Fault`], for the innermost value that does not fit.
    pub fn value<T: Decode>(&mut self) -> Result<T, Fault> {
        self.peek();
        T::decode(self)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Natural(value) => write!(formatter, "integer `{value}`"),
            Number::Negative(value) => write!(formatter, "integer `{value}`"),
        }
    }
}

/// What a string with escapes means; `None` when one of them is none.
fn unescaped(text: &str) -> Option<String> {
    let mut meant = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        meant.push_str(plain);
        let letter = *escape.as_bytes().first()?;
        rest = escape.get(1..)?;
        meant.push(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut units = [hex4(&mut rest)?, 0];
                let mut count = 1;
                if let 0xd800..0xdc00 = units[0] {
                    rest = rest.strip_prefix("\\u")?;
                    units[1] = hex4(&mut rest)?;
                    count = 2;
                }
                let mut pair = char::decode_utf16(units.into_iter().take(count));
                pair.next()?.ok()?
            }
            _ => return None,
        });
    }
    meant.push_str(rest);
    let has_controls = text.bytes().any(|byte| byte < b' ');
    (!has_controls).then_some(meant)
}

/// Four hex digits off the front.
fn hex4(text: &mut &str) -> Option<u16> {
    let (digits, rest) = text.split_at_checked(4)?;
    *text = rest;
    let are_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| are_hex)
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
