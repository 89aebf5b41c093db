//! Unsorted objects are put in order at the end, so that every byte is copied once however deep it stands.

use alloc::vec;
use alloc::vec::Vec;

use super::members::{Member, Object};

/// A short span is copied as one block of this many bytes, and what is too much is written over.
const BLOCK: usize = 32;

/// Puts the pieces of a compact text in order.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    /// Longer than what is written, so that blocks fit.
    buffer: Vec<u8>,
    written: usize,
    waiting: Vec<Span>,
}

/// What is left of a piece of text, and of the object that it is a member of.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    end: usize,
    /// The next of the objects that can stand in the span.
    object: usize,
    /// The members that follow, among the sorted ones.
    members: (usize, usize),
}

impl Emitter {
    /// The text that was put in order last.
    pub(super) fn output(&self) -> &[u8] {
        self.buffer.get(..self.written).unwrap_or_default()
    }

    /// That text, for good.
    pub(super) fn into_output(mut self) -> Vec<u8> {
        self.buffer.truncate(self.written);
        self.buffer
    }

    pub(super) fn emit(&mut self, text: &[u8], objects: &[Object], sorted: &[Member]) {
        self.written = 0;
        self.waiting.clear();
        let room = text.len() + BLOCK;
        if self.buffer.is_empty() {
            self.buffer = vec![0; room];
        } else if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let mut span = Span {
            end: text.len(),
            ..Span::default()
        };
        loop {
            if let Some(object) = next_object(&mut span, objects) {
                self.copy(text, span.start, object.start as usize + 1);
                span.start = object.end as usize;
                span.object = object.next as usize;
                self.waiting.push(span);
                span = Span {
                    members: (object.members.0 as usize, object.members.1 as usize),
                    ..Span::default()
                };
            } else {
                self.copy(text, span.start, span.end);
                if span.members.0 < span.members.1 {
                    self.push(b',');
                }
            }
            if self.members(text, &mut span, objects, sorted) {
                continue;
            }
            match self.waiting.pop() {
                Some(outer) => span = outer,
                None => return,
            }
        }
    }

    /// Copies members up to the first with an object inside that is to be put in order, which becomes the span.
    fn members(
        &mut self,
        text: &[u8],
        span: &mut Span,
        objects: &[Object],
        sorted: &[Member],
    ) -> bool {
        let (next, end) = span.members;
        for (index, member) in sorted.get(next..end).unwrap_or_default().iter().enumerate() {
            let inside = objects
                .get(member.object as usize)
                .is_some_and(|object| object.start < member.end);
            if inside {
                *span = Span {
                    start: member.start as usize,
                    end: member.end as usize,
                    object: member.object as usize,
                    members: (next + index + 1, end),
                };
                return true;
            }
            // The byte after a member is a comma or a brace; it is copied and written over.
            self.copy(text, member.start as usize, member.end as usize + 1);
            if let Some(last) = self.buffer.get_mut(self.written.wrapping_sub(1)) {
                *last = b',';
            }
        }
        if next < end {
            self.written -= 1;
        }
        false
    }

    #[inline]
    fn copy(&mut self, text: &[u8], start: usize, end: usize) {
        let length = end - start;
        let from = text.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>);
        let to = self
            .buffer
            .get_mut(self.written..)
            .and_then(<[u8]>::first_chunk_mut::<BLOCK>);
        match (from, to) {
            (Some(from), Some(to)) if length <= BLOCK => *to = *from,
            _ => self.copy_long(text, start, end),
        }
        self.written += length;
    }

    fn copy_long(&mut self, text: &[u8], start: usize, end: usize) {
        let to = self
            .buffer
            .get_mut(self.written..self.written + (end - start));
        if let (Some(from), Some(to)) = (text.get(start..end), to) {
            to.copy_from_slice(from);
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.buffer.get_mut(self.written) {
            *slot = byte;
            self.written += 1;
        }
    }

    /// Takes a text that needs no order, and gives the old buffer back.
    pub(super) fn exchange(&mut self, text: &mut Vec<u8>) {
        core::mem::swap(&mut self.buffer, text);
        self.written = self.buffer.len();
    }
}

fn next_object<'a>(span: &mut Span, objects: &'a [Object]) -> Option<&'a Object> {
    loop {
        let object = objects
            .get(span.object)
            .filter(|object| (object.start as usize) < span.end)?;
        if object.members.0 < object.members.1 {
            return Some(object);
        }
        span.object += 1;
    }
}
