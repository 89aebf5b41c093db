//! Unsorted objects are put in order at the end, so that every byte is copied once however deep it stands.

use alloc::vec::Vec;

use super::members::{Member, Object};

/// Puts the pieces of a compact text in order.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    pub(super) output: Vec<u8>,
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
    pub(super) fn emit(&mut self, text: &[u8], objects: &[Object], sorted: &[Member]) {
        self.output.clear();
        self.output.reserve(text.len());
        self.waiting.clear();
        let mut span = Span {
            end: text.len(),
            ..Span::default()
        };
        loop {
            if let Some(object) = next_object(&mut span, objects) {
                let opened = object.start as usize + 1;
                self.copy(text, span.start, opened);
                span.start = object.end as usize;
                span.object = object.next as usize;
                self.waiting.push(span);
                span = Span {
                    members: (object.members.0 as usize, object.members.1 as usize),
                    ..Span::default()
                };
                next_member(&mut span, sorted);
                continue;
            }
            self.copy(text, span.start, span.end);
            if next_member(&mut span, sorted) {
                self.output.push(b',');
            } else if let Some(outer) = self.waiting.pop() {
                span = outer;
            } else {
                return;
            }
        }
    }

    fn copy(&mut self, text: &[u8], start: usize, end: usize) {
        self.output
            .extend_from_slice(text.get(start..end).unwrap_or_default());
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

fn next_member(span: &mut Span, sorted: &[Member]) -> bool {
    let (next, end) = span.members;
    if next >= end {
        return false;
    }
    let Some(member) = sorted.get(next) else {
        return false;
    };
    *span = Span {
        start: member.start as usize,
        end: member.end as usize,
        object: member.object as usize,
        members: (next + 1, end),
    };
    true
}
