//! The scanner walks once over the input, refuses at the first broken rule, and notes what has to move.

use super::Canonicalizer;
use super::members::{Member, Object, first_repeated, sort};
use super::text;
use crate::identity::error::{Code, Error};

/// An array or object that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    array: bool,
    /// Whether the keys so far stand in order, none twice.
    ordered: bool,
    /// The first of its members.
    members: u32,
    /// Its entry among the objects.
    object: u32,
}

/// Scans a whole text, and returns the offset after the value.
pub(super) fn scan(context: &mut Canonicalizer, json: &[u8]) -> Result<usize, Error> {
    if json.starts_with(b"\xef\xbb\xbf") {
        return Err(Error::at(Code::JsonBom, 0));
    }
    let (valid, cut) = match core::str::from_utf8(json) {
        Ok(_) => (json, false),
        Err(error) => (json.get(..error.valid_up_to()).unwrap_or_default(), true),
    };
    let mut scanner = Scanner {
        context,
        json: valid,
        at: 0,
    };
    let scanned = scanner.document().and_then(|end| {
        if cut {
            Err(Error::at(Code::JsonUtf8, valid.len()))
        } else {
            Ok(end)
        }
    });
    scanned.map_err(|error| {
        let error = scanner.earlier_repetition(error);
        match error.offset {
            Some(offset) if cut && offset as usize == valid.len() => {
                Error::at(Code::JsonUtf8, valid.len())
            }
            _ => error,
        }
    })
}

struct Scanner<'a> {
    context: &'a mut Canonicalizer,
    json: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<usize, Error> {
        self.space();
        let end = loop {
            self.value()?;
            if let Some(end) = self.after_value()? {
                break end;
            }
        };
        self.skip_space();
        if self.at < self.json.len() {
            // A digit goes on where no number can, so it is the number that is wrong.
            let code = match self.json.get(end - 1..=end) {
                Some([b'0', b'0'..=b'9']) => Code::JsonSyntax,
                _ => Code::JsonTrailing,
            };
            return Err(Error::at(code, self.at));
        }
        Ok(end)
    }

    /// Reads one scalar or an empty array or object, or opens containers up to the first of those.
    fn value(&mut self) -> Result<(), Error> {
        loop {
            match self.peek() {
                Some(b'"') => return self.string().map(|_| ()),
                Some(b'{') => {
                    self.open(false)?;
                    if self.peek() == Some(b'}') {
                        self.close()?;
                        return Ok(());
                    }
                    self.key()?;
                }
                Some(b'[') => {
                    self.open(true)?;
                    if self.peek() == Some(b']') {
                        self.close()?;
                        return Ok(());
                    }
                }
                Some(b'-' | b'0'..=b'9') => return self.number(),
                Some(b't') => return self.literal(b"true"),
                Some(b'f') => return self.literal(b"false"),
                Some(b'n') => return self.literal(b"null"),
                _ => return Err(self.syntax()),
            }
        }
    }

    /// Closes what ends after a value, and stands at the next value; or returns the end of the document.
    fn after_value(&mut self) -> Result<Option<usize>, Error> {
        loop {
            let Some(frame) = self.context.frames.last() else {
                return Ok(Some(self.at));
            };
            let array = frame.array;
            self.space();
            match (self.peek(), array) {
                (Some(b','), true) => {
                    self.at += 1;
                    self.space();
                    return Ok(None);
                }
                (Some(b','), false) => {
                    self.end_member();
                    self.at += 1;
                    self.space();
                    self.key()?;
                    return Ok(None);
                }
                (Some(b']'), true) => self.close()?,
                (Some(b'}'), false) => {
                    self.end_member();
                    self.close()?;
                }
                _ => return Err(self.syntax()),
            }
        }
    }

    fn open(&mut self, array: bool) -> Result<(), Error> {
        if self.context.frames.len() >= self.context.limits.max_depth as usize {
            return Err(Error::at(Code::JsonDepth, self.at));
        }
        let object = self.context.objects.len() as u32;
        if !array {
            let start = self.place() as u32;
            self.context.objects.push(Object {
                start,
                ..Object::default()
            });
        }
        let members = self.context.members.len() as u32;
        self.context.frames.push(Frame {
            array,
            ordered: true,
            members,
            object,
        });
        self.at += 1;
        self.space();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let end = self.place();
        self.at += 1;
        let Some(frame) = self.context.frames.pop() else {
            return Ok(());
        };
        if frame.array {
            return Ok(());
        }
        let entry = frame.object as usize;
        let first = frame.members as usize;
        if frame.ordered && self.context.objects.len() == entry + 1 {
            self.context.objects.truncate(entry);
        } else {
            let mut members = (0, 0);
            if !frame.ordered {
                let Canonicalizer {
                    members: open,
                    scratch,
                    ..
                } = &mut *self.context;
                let unsorted = open.get_mut(first..).unwrap_or_default();
                if sort(unsorted, scratch, self.json) {
                    let offset = first_repeated(unsorted, scratch, self.json).unwrap_or_default();
                    open.truncate(first);
                    return Err(Error::at(Code::JsonDuplicateKey, offset));
                }
                members.0 = self.context.sorted.len() as u32;
                let unsorted = self.context.members.get(first..).unwrap_or_default();
                self.context.sorted.extend_from_slice(unsorted);
                members.1 = self.context.sorted.len() as u32;
            }
            let next = self.context.objects.len() as u32;
            if let Some(object) = self.context.objects.get_mut(entry) {
                *object = Object {
                    end: end as u32,
                    members,
                    next,
                    ..*object
                };
            }
        }
        self.context.members.truncate(first);
        Ok(())
    }

    fn key(&mut self) -> Result<(), Error> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax());
        }
        let start = self.place();
        let key = self.at + 1;
        let escaped = self.string()?;
        let length = self.at - 1 - key;
        let member = Member::new(
            self.json,
            key,
            length,
            escaped,
            start,
            self.context.objects.len(),
        );
        if let Some(frame) = self.context.frames.last_mut() {
            let earlier = self
                .context
                .members
                .get(frame.members as usize..)
                .and_then(<[Member]>::last);
            if earlier.is_some_and(|earlier| earlier.compare(&member, self.json).is_ge()) {
                frame.ordered = false;
            }
        }
        self.context.members.push(member);
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.syntax());
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn end_member(&mut self) {
        let end = self.place() as u32;
        if let Some(member) = self.context.members.last_mut() {
            member.end = end;
        }
    }

    /// Reads a string, and says whether its spelling has escapes.
    fn string(&mut self) -> Result<bool, Error> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = plain_end(self.json, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.syntax()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'/') => {
                self.at += 1;
                self.replace(start, b"/");
            }
            Some(b'u') => {
                self.at += 1;
                let code = self.unicode(start)?;
                self.replace_unicode(start, code);
            }
            _ => return Err(self.syntax()),
        }
        Ok(())
    }

    /// Reads the digits of a `\u` escape, and of the second half of a surrogate pair.
    fn unicode(&mut self, start: usize) -> Result<u32, Error> {
        let high = self.hex4()?;
        match high {
            0xdc00..=0xdfff => Err(Error::at(Code::JsonSurrogate, start)),
            0xd800..=0xdbff => {
                let rest = self.json.get(self.at..).unwrap_or_default();
                let low = rest.strip_prefix(b"\\u").and_then(text::hex4);
                match low {
                    Some(low @ 0xdc00..=0xdfff) => {
                        self.at += 6;
                        Ok(text::join_surrogates(high, low))
                    }
                    _ => Err(Error::at(Code::JsonSurrogate, start)),
                }
            }
            code => Ok(code),
        }
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.syntax());
            };
            value = value << 4 | digit;
            self.at += 1;
        }
        Ok(value)
    }

    fn replace_unicode(&mut self, start: usize, code: u32) {
        let mut unicode = [0; 6];
        let escaped = u8::try_from(code)
            .ok()
            .and_then(|byte| text::escape(byte, &mut unicode));
        if let Some(escaped) = escaped {
            if self.json.get(start..self.at) != Some(escaped) {
                let escaped = copy_of(escaped);
                self.replace(start, escaped.0.get(..escaped.1).unwrap_or_default());
            }
        } else if let Some(character) = char::from_u32(code) {
            self.replace(start, character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn number(&mut self) -> Result<(), Error> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let first = self.at;
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1;
            }
        }
        if self.at == first {
            return Err(self.syntax());
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(Error::at(Code::JsonFloat, start));
        }
        let digits = self.json.get(first..self.at).unwrap_or_default();
        if negative && digits == b"0" {
            return Err(Error::at(Code::JsonNegativeZero, start));
        }
        if digits.len() > 18 && !in_range(negative, digits) {
            return Err(Error::at(Code::JsonRange, start));
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Error> {
        for &byte in word {
            if self.peek() != Some(byte) {
                return Err(self.syntax());
            }
            self.at += 1;
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn syntax(&self) -> Error {
        Error::at(Code::JsonSyntax, self.at)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Leaves whitespace out of the compact text.
    fn space(&mut self) {
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            let start = self.at;
            self.skip_space();
            self.replace(start, b"");
        }
    }

    /// Lets other bytes stand in the compact text for what the input says from `start` on.
    fn replace(&mut self, start: usize, bytes: &[u8]) {
        let context = &mut *self.context;
        let run = self.json.get(context.copied..start).unwrap_or_default();
        if context.compact.is_empty() && !(run.is_empty() && bytes.is_empty()) {
            context.compact.reserve(self.json.len());
        }
        context.compact.extend_from_slice(run);
        context.compact.extend_from_slice(bytes);
        context.copied = self.at;
    }

    /// Where the next byte of the input stands in the compact text.
    fn place(&self) -> usize {
        self.context.compact.len() + (self.at - self.context.copied)
    }

    /// The refusal itself, or a repeated key of an open object that stands before it.
    #[cold]
    fn earlier_repetition(&mut self, error: Error) -> Error {
        let mut end = self.context.members.len();
        let mut first = error.offset.unwrap_or(0) as usize;
        let mut code = error.code;
        while let Some(frame) = self.context.frames.pop() {
            if frame.array {
                continue;
            }
            let start = frame.members as usize;
            let Canonicalizer {
                members, scratch, ..
            } = &mut *self.context;
            let members = members.get_mut(start..end).unwrap_or_default();
            end = start;
            if let Some(offset) = first_repeated(members, scratch, self.json)
                && offset < first
            {
                first = offset;
                code = Code::JsonDuplicateKey;
            }
        }
        Error::at(code, first)
    }
}

fn copy_of(bytes: &[u8]) -> ([u8; 6], usize) {
    let mut copy = [0; 6];
    for (slot, byte) in copy.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    (copy, bytes.len())
}

#[cold]
fn in_range(negative: bool, digits: &[u8]) -> bool {
    let mut magnitude = 0_u64;
    for digit in digits {
        let next = magnitude
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
        let Some(next) = next else { return false };
        magnitude = next;
    }
    !negative || magnitude <= i64::MIN.unsigned_abs()
}

/// The first byte from `start` on that ends the plain part of a string: a quote, a backslash or a control character.
fn plain_end(json: &[u8], start: usize) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES << 7;
    let mut at = start;
    while let Some(chunk) = json.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while json
        .get(at)
        .is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
    {
        at += 1;
    }
    at
}
