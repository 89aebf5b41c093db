//! The scanner walks once over the input, refuses at the first broken rule, and notes what has to move.

use super::Canonicalizer;
use super::members::{Member, Object, first_repeated, sort};
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
    let refusal = Error::at(Code::JsonUtf8, valid.len());
    let mut scanner = Scanner {
        context,
        json: valid,
        at: 0,
        refusal,
    };
    match scanner.document() {
        Ok(end) if !cut => return Ok(end),
        Ok(_) => return Err(refusal),
        Err(Refused) => {}
    }
    let error = scanner.earlier_repetition();
    // Where the text is cut something is always missing; what is wrong there is the byte.
    if cut && error.offset == refusal.offset {
        Err(refusal)
    } else {
        Err(error)
    }
}

/// A refusal is on its way; it stands in the scanner, so that what nearly always succeeds returns in a register.
pub(super) struct Refused;

pub(super) struct Scanner<'a> {
    context: &'a mut Canonicalizer,
    pub(super) json: &'a [u8],
    pub(super) at: usize,
    refusal: Error,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<usize, Refused> {
        let end = loop {
            self.value()?;
            if self.after_value()? {
                break self.at;
            }
        };
        self.skip_space();
        if self.at < self.json.len() {
            // A digit goes on where no number can, so it is the number that is wrong.
            let code = match self.json.get(end - 1..=end) {
                Some([b'0', b'0'..=b'9']) => Code::JsonSyntax,
                _ => Code::JsonTrailing,
            };
            return Err(self.refuse(code, self.at));
        }
        Ok(end)
    }

    /// Reads one scalar or an empty array or object, or opens containers up to the first of those.
    #[inline]
    fn value(&mut self) -> Result<(), Refused> {
        loop {
            match self.peek() {
                Some(b'"') => return self.string().map(|_| ()),
                Some(b'-' | b'0'..=b'9') => return self.number(),
                Some(b'{') => {
                    self.open(false)?;
                    if self.after_space() == Some(b'}') {
                        return self.close();
                    }
                    self.key()?;
                }
                Some(b'[') => {
                    self.open(true)?;
                    if self.after_space() == Some(b']') {
                        return self.close();
                    }
                }
                Some(b't') => return self.literal(b"true"),
                Some(b'f') => return self.literal(b"false"),
                Some(b'n') => return self.literal(b"null"),
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.space(),
                _ => return Err(self.syntax()),
            }
        }
    }

    /// Closes what ends after a value, and stands at the next value; or says that the document ends.
    #[inline]
    fn after_value(&mut self) -> Result<bool, Refused> {
        loop {
            let Some(frame) = self.context.frames.last() else {
                return Ok(true);
            };
            let array = frame.array;
            match (self.peek(), array) {
                (Some(b','), true) => {
                    self.at += 1;
                    return Ok(false);
                }
                (Some(b','), false) => {
                    self.end_member();
                    self.at += 1;
                    self.key()?;
                    return Ok(false);
                }
                (Some(b']'), true) => self.close()?,
                (Some(b'}'), false) => {
                    self.end_member();
                    self.close()?;
                }
                (Some(b' ' | b'\t' | b'\n' | b'\r'), _) => self.space(),
                _ => return Err(self.syntax()),
            }
        }
    }

    /// The next byte that is no whitespace.
    #[inline]
    fn after_space(&mut self) -> Option<u8> {
        match self.peek() {
            Some(b' ' | b'\t' | b'\n' | b'\r') => {
                self.space();
                self.peek()
            }
            byte => byte,
        }
    }

    fn open(&mut self, array: bool) -> Result<(), Refused> {
        if self.context.frames.len() >= self.context.limits.max_depth as usize {
            return Err(self.refuse(Code::JsonDepth, self.at));
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
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refused> {
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
                    return Err(self.refuse(Code::JsonDuplicateKey, offset));
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

    #[inline]
    fn key(&mut self) -> Result<(), Refused> {
        if self.after_space() != Some(b'"') {
            return Err(self.syntax());
        }
        let start = self.place();
        let key = self.at + 1;
        let escaped = self.string()?;
        let length = self.at - 1 - key;
        let context = &mut *self.context;
        let member = Member::new(
            self.json,
            key,
            length,
            escaped,
            start,
            context.objects.len(),
        );
        if let Some(frame) = context.frames.last_mut()
            && frame.ordered
            && context.members.len() > frame.members as usize
            && let Some(earlier) = context.members.last()
        {
            frame.ordered = earlier.compare(&member, self.json).is_lt();
        }
        context.members.push(member);
        if self.after_space() != Some(b':') {
            return Err(self.syntax());
        }
        self.at += 1;
        Ok(())
    }

    fn end_member(&mut self) {
        let end = self.place() as u32;
        if let Some(member) = self.context.members.last_mut() {
            member.end = end;
        }
    }

    fn number(&mut self) -> Result<(), Refused> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let first = self.at;
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            let rest = self.json.get(first..).unwrap_or_default();
            self.at += rest
                .iter()
                .position(|byte| !byte.is_ascii_digit())
                .unwrap_or(rest.len());
        }
        if self.at == first {
            return Err(self.syntax());
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(self.refuse(Code::JsonFloat, start));
        }
        let digits = self.json.get(first..self.at).unwrap_or_default();
        if negative && digits == b"0" {
            return Err(self.refuse(Code::JsonNegativeZero, start));
        }
        if digits.len() > 18 && !in_range(negative, digits) {
            return Err(self.refuse(Code::JsonRange, start));
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Refused> {
        for &byte in word {
            if self.peek() != Some(byte) {
                return Err(self.syntax());
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    #[cold]
    pub(super) fn refuse(&mut self, code: Code, offset: usize) -> Refused {
        self.refusal = Error::at(code, offset);
        Refused
    }

    #[cold]
    pub(super) fn syntax(&mut self) -> Refused {
        self.refuse(Code::JsonSyntax, self.at)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Leaves whitespace out of the compact text.
    fn space(&mut self) {
        let start = self.at;
        self.skip_space();
        self.replace(start, b"");
    }

    /// Lets other bytes stand in the compact text for what the input says from `start` on.
    pub(super) fn replace(&mut self, start: usize, bytes: &[u8]) {
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
    fn earlier_repetition(&mut self) -> Error {
        let mut end = self.context.members.len();
        let mut first = self.refusal.offset.unwrap_or(0) as usize;
        let mut code = self.refusal.code;
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
