//! The scanner walks once over the input, refuses at the first broken rule, and notes what has to move.

use super::Canonicalizer;
use super::members::{Member, Object, first_repeated, sort_into};
use super::{strings, text};
use crate::identity::error::{Code, Error};

/// What the scanner stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Document,
    Array,
    Object,
}

/// A document, array or object that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    kind: Kind,
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

/// Where the scanner stands is handed from step to step, so that it stays in a register.
pub(super) struct Scanner<'a> {
    context: &'a mut Canonicalizer,
    pub(super) json: &'a [u8],
    refusal: Error,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<usize, Refused> {
        let mut frame = Frame {
            kind: Kind::Document,
            ordered: true,
            members: 0,
            object: 0,
        };
        let end = match self.values(&mut frame) {
            Ok(end) => end,
            Err(refused) => {
                self.context.frames.push(frame);
                return Err(refused);
            }
        };
        let after = self.space_end(end);
        if after < self.json.len() {
            // A digit goes on where no number can, so it is the number that is wrong.
            let code = match self.json.get(end - 1..=end) {
                Some([b'0', b'0'..=b'9']) => Code::JsonSyntax,
                _ => Code::JsonTrailing,
            };
            return Err(self.refuse(code, after));
        }
        Ok(end)
    }

    /// Reads values and what stands between them, up to the end of the outermost one.
    #[inline(always)]
    fn values(&mut self, frame: &mut Frame) -> Result<usize, Refused> {
        let mut at = 0;
        loop {
            match self.byte(at) {
                b'"' => at = self.string(at)?,
                b'1'..=b'9' => at = self.number(at)?,
                b'{' => {
                    self.open(at, Kind::Object, frame)?;
                    at = self.after_space(at + 1);
                    if self.byte(at) != b'}' {
                        at = self.key(at, frame)?;
                        continue;
                    }
                    at = self.close(at, frame)?;
                }
                b'[' => {
                    self.open(at, Kind::Array, frame)?;
                    at = self.after_space(at + 1);
                    if self.byte(at) != b']' {
                        continue;
                    }
                    at = self.close(at, frame)?;
                }
                b't' => at = self.literal(at, b"true")?,
                b'f' => at = self.literal(at, b"false")?,
                b'n' => at = self.literal(at, b"null")?,
                b'-' | b'0' => at = self.any_number(at)?,
                b' ' | b'\t' | b'\n' | b'\r' => {
                    at = self.space(at);
                    continue;
                }
                _ => return Err(self.syntax(at)),
            }
            loop {
                match (frame.kind, self.byte(at)) {
                    (Kind::Document, _) => return Ok(at),
                    (Kind::Array, b',') => {
                        at += 1;
                        break;
                    }
                    (Kind::Object, b',') => {
                        self.end_member(at);
                        at = self.key(at + 1, frame)?;
                        break;
                    }
                    (Kind::Array, b']') => at = self.close(at, frame)?,
                    (Kind::Object, b'}') => {
                        self.end_member(at);
                        at = self.close(at, frame)?;
                    }
                    (_, b' ' | b'\t' | b'\n' | b'\r') => at = self.space(at),
                    _ => return Err(self.syntax(at)),
                }
            }
        }
    }

    #[inline]
    fn open(&mut self, at: usize, kind: Kind, frame: &mut Frame) -> Result<(), Refused> {
        if self.context.frames.len() >= self.context.limits.max_depth as usize {
            return Err(self.refuse(Code::JsonDepth, at));
        }
        let object = self.context.objects.len() as u32;
        if kind == Kind::Object {
            let start = self.place(at) as u32;
            self.context.objects.push(Object {
                start,
                ..Object::default()
            });
        }
        let members = self.context.members.len() as u32;
        self.context.frames.push(*frame);
        *frame = Frame {
            kind,
            ordered: true,
            members,
            object,
        };
        Ok(())
    }

    /// Closes the array or object that ends here, and returns the offset after it.
    #[inline]
    fn close(&mut self, at: usize, frame: &mut Frame) -> Result<usize, Refused> {
        let closed = *frame;
        if let Some(outer) = self.context.frames.pop() {
            *frame = outer;
        }
        if closed.kind == Kind::Object {
            self.close_object(at, closed)?;
        }
        Ok(at + 1)
    }

    fn close_object(&mut self, at: usize, frame: Frame) -> Result<(), Refused> {
        let end = self.place(at);
        let entry = frame.object as usize;
        let first = frame.members as usize;
        if frame.ordered && self.context.objects.len() == entry + 1 {
            self.context.objects.truncate(entry);
        } else {
            let mut members = (0, 0);
            if !frame.ordered {
                let Canonicalizer {
                    members: open,
                    sorted,
                    scratch,
                    ..
                } = &mut *self.context;
                let unsorted = open.get_mut(first..).unwrap_or_default();
                members.0 = sorted.len() as u32;
                if sort_into(sorted, unsorted, scratch, self.json) {
                    let offset = first_repeated(unsorted, scratch, self.json).unwrap_or_default();
                    open.truncate(first);
                    return Err(self.refuse(Code::JsonDuplicateKey, offset));
                }
                members.1 = sorted.len() as u32;
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

    /// Reads a key and its colon, and returns the offset after them.
    #[inline(always)]
    fn key(&mut self, at: usize, frame: &mut Frame) -> Result<usize, Refused> {
        let at = self.after_space(at);
        if self.byte(at) != b'"' {
            return Err(self.syntax(at));
        }
        let place = self.place(at);
        let (member, at) = match strings::short_key(self.json, at + 1) {
            Some((prefix, length)) => (
                Member::new(prefix, at + 1, length, place, self.context.objects.len()),
                at + length + 2,
            ),
            None => self.any_key(at, place)?,
        };
        let context = &mut *self.context;
        if frame.ordered
            && context.members.len() > frame.members as usize
            && let Some(earlier) = context.members.last()
        {
            frame.ordered = earlier.compare(&member, self.json).is_lt();
        }
        context.members.push(member);
        let at = self.after_space(at);
        if self.byte(at) != b':' {
            return Err(self.syntax(at));
        }
        Ok(at + 1)
    }

    /// Reads a key that is long, has escapes or stands at the end of the text.
    #[inline(never)]
    fn any_key(&mut self, at: usize, place: usize) -> Result<(Member, usize), Refused> {
        let end = self.string(at)?;
        let spelling = self.json.get(at + 1..end - 1).unwrap_or_default();
        let escaped = spelling.contains(&b'\\');
        let rest = self.json.get(at + 1..).unwrap_or_default();
        let prefix = text::prefix(rest, spelling.len(), escaped);
        let objects = self.context.objects.len();
        let member = Member::new(prefix, at + 1, spelling.len(), place, objects);
        Ok((member.escaped(escaped), end))
    }

    #[inline]
    fn end_member(&mut self, at: usize) {
        let end = self.place(at) as u32;
        if let Some(member) = self.context.members.last_mut() {
            member.end = end;
        }
    }

    #[inline]
    fn literal<const LENGTH: usize>(
        &mut self,
        at: usize,
        word: &[u8; LENGTH],
    ) -> Result<usize, Refused> {
        if self.json.get(at..).and_then(<[u8]>::first_chunk) == Some(word) {
            return Ok(at + LENGTH);
        }
        let rest = self.json.get(at..).unwrap_or_default();
        let alike = rest
            .iter()
            .zip(word)
            .take_while(|(left, right)| left == right)
            .count();
        Err(self.syntax(at + alike))
    }

    /// The byte here; at the end of the text zero, which stands nowhere in JSON.
    #[inline(always)]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.json.get(at).copied().unwrap_or(0)
    }

    /// The offset of the next byte that is no whitespace.
    #[inline(always)]
    fn after_space(&mut self, at: usize) -> usize {
        match self.byte(at) {
            b' ' | b'\t' | b'\n' | b'\r' => self.space(at),
            _ => at,
        }
    }

    #[cold]
    pub(super) fn refuse(&mut self, code: Code, offset: usize) -> Refused {
        self.refusal = Error::at(code, offset);
        Refused
    }

    #[cold]
    pub(super) fn syntax(&mut self, at: usize) -> Refused {
        self.refuse(Code::JsonSyntax, at)
    }

    #[inline]
    fn space_end(&self, start: usize) -> usize {
        let mut at = start;
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }

    /// Leaves whitespace out of the compact text, and returns the offset after it.
    fn space(&mut self, start: usize) -> usize {
        let end = self.space_end(start);
        self.replace(start, end, b"");
        end
    }

    /// Lets other bytes stand in the compact text for what the input says from `start` to `end`.
    pub(super) fn replace(&mut self, start: usize, end: usize, bytes: &[u8]) {
        let context = &mut *self.context;
        let run = self.json.get(context.copied..start).unwrap_or_default();
        if context.compact.is_empty() && !(run.is_empty() && bytes.is_empty()) {
            context.compact.reserve(self.json.len());
        }
        context.compact.extend_from_slice(run);
        context.compact.extend_from_slice(bytes);
        context.copied = end;
    }

    /// Where this byte of the input stands in the compact text.
    #[inline(always)]
    fn place(&self, at: usize) -> usize {
        self.context.compact.len() + (at - self.context.copied)
    }

    /// The refusal itself, or a repeated key of an open object that stands before it.
    #[cold]
    fn earlier_repetition(&mut self) -> Error {
        let mut end = self.context.members.len();
        let mut first = self.refusal.offset.unwrap_or(0) as usize;
        let mut code = self.refusal.code;
        while let Some(frame) = self.context.frames.pop() {
            if frame.kind != Kind::Object {
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
