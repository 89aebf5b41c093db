//! The grammar of a partition key is walked once, from left to right.

use super::value::{Kind, check_body, read_body};
use super::{MAX_BYTES, MAX_DIMENSIONS, MAX_NAME_BYTES, Value};
use crate::identity::error::{Code, Error};

/// How strictly a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As the formatter prints it.
    Canonical,
    /// Dimensions in any order, timestamps with any offset.
    Friendly,
}

/// A dimension whose name and type are known.
pub(super) struct Dimension<'a> {
    pub(super) name: &'a str,
    kind: Kind,
    body: &'a [u8],
    body_start: usize,
    spelling: Spelling,
}

impl Dimension<'_> {
    #[inline]
    pub(super) fn check(&self) -> Result<(), Error> {
        check_body(self.kind, self.body).map_err(|code| Error::at(code, self.body_start))
    }

    pub(super) fn value(&self) -> Result<Value, Error> {
        read_body(self.kind, self.body, self.spelling)
            .map_err(|code| Error::at(code, self.body_start))
    }
}

/// The dimensions of a text, one after another; nothing follows a refusal.
pub(super) struct Dimensions<'a> {
    text: &'a str,
    spelling: Spelling,
    /// Where the next dimension starts; after the end when there is none.
    at: usize,
    count: usize,
    /// The greatest name so far.
    last_name: &'a str,
}

impl<'a> Dimensions<'a> {
    pub(super) fn new(text: &'a str, spelling: Spelling) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::new(Code::PartitionTooLong));
        }
        if text.is_empty() {
            return Err(Error::at(Code::PartitionEmpty, 0));
        }
        Ok(Self {
            text,
            spelling,
            at: 0,
            count: 0,
            last_name: "",
        })
    }

    #[inline]
    fn read(&mut self) -> Result<Dimension<'a>, Error> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.count += 1;
        if self.count > MAX_DIMENSIONS {
            return Err(Error::at(Code::PartitionTooManyDimensions, start));
        }
        let equals = name_end(bytes, start);
        match bytes.get(equals) {
            None | Some(b',') => return Err(Error::at(Code::PartitionMissingEquals, equals)),
            Some(b'=') if equals > start => {}
            Some(_) => return Err(Error::at(Code::PartitionName, equals)),
        }
        let name = self.text.get(start..equals).unwrap_or_default();
        if name > self.last_name {
            self.last_name = name;
        } else {
            self.misplaced(name, start)?;
        }
        let value_start = equals + 1;
        let rest = bytes.get(value_start..).unwrap_or_default();
        let (kind, tag_length) = match rest {
            [tag, b':', ..] if tag.is_ascii_alphabetic() => (Kind::of(*tag), 1),
            _ => (None, tag_length(rest)),
        };
        if tag_length == 0 {
            return Err(Error::at(Code::PartitionMissingType, value_start));
        }
        let kind = kind.ok_or(Error::at(Code::PartitionUnknownType, value_start))?;
        let body_start = value_start + 2;
        let body_bytes = bytes.get(body_start..).unwrap_or_default();
        let length = body_bytes
            .iter()
            .position(|&byte| byte == b',')
            .unwrap_or(body_bytes.len());
        let body = body_bytes.get(..length).unwrap_or_default();
        self.at = body_start + length + 1;
        Ok(Dimension {
            name,
            kind,
            body,
            body_start,
            spelling: self.spelling,
        })
    }

    /// A name that does not come after the last one stood before, or stands out of order.
    #[cold]
    fn misplaced(&self, name: &str, start: usize) -> Result<(), Error> {
        let before = self.text.get(..start).unwrap_or_default();
        if before.split(',').any(|dimension| {
            dimension
                .split_once('=')
                .is_some_and(|(earlier, _)| earlier == name)
        }) {
            return Err(Error::at(Code::PartitionDuplicate, start));
        }
        match self.spelling {
            Spelling::Canonical => Err(Error::at(Code::PartitionUnsorted, start)),
            Spelling::Friendly => Ok(()),
        }
    }
}

impl<'a> Iterator for Dimensions<'a> {
    type Item = Result<Dimension<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at > self.text.len() {
            return None;
        }
        let dimension = self.read();
        if dimension.is_err() {
            self.at = self.text.len() + 1;
        }
        Some(dimension)
    }
}

/// Whether the text is a dimension's name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && name_end(text.as_bytes(), 0) == text.len()
}

/// Where the longest name ends that starts here.
#[inline]
fn name_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    if !rest.first().is_some_and(u8::is_ascii_lowercase) {
        return start;
    }
    let rest = rest.get(..MAX_NAME_BYTES).unwrap_or(rest);
    let length = rest
        .iter()
        .position(|&byte| !IN_NAMES[usize::from(byte)])
        .unwrap_or(rest.len());
    start + length
}

/// What a name is made of after its first letter.
const IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'_');
        byte += 1;
    }
    table
};

/// How many letters stand before a colon; 0 when no type is written.
pub(super) fn tag_length(value: &[u8]) -> usize {
    let letters = value
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    if value.get(letters) == Some(&b':') {
        letters
    } else {
        0
    }
}
