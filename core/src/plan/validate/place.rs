//! A place is written as a pointer only when there is a finding to report.

use alloc::string::{String, ToString};

use crate::wire::pointer;

/// A member or an element, within another.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    within: Option<&'a Place<'a>>,
    token: Token<'a>,
}

#[derive(Clone, Copy)]
enum Token<'a> {
    Member(&'a str),
    Element(usize),
}

impl<'a> Place<'a> {
    /// A member of the manifest itself.
    pub(super) fn top(member: &'a str) -> Place<'a> {
        Place {
            within: None,
            token: Token::Member(member),
        }
    }

    /// A member of this place.
    pub(super) fn member(&'a self, member: &'a str) -> Place<'a> {
        Place {
            within: Some(self),
            token: Token::Member(member),
        }
    }

    /// An element of this place.
    pub(super) fn at(&'a self, index: usize) -> Place<'a> {
        Place {
            within: Some(self),
            token: Token::Element(index),
        }
    }

    /// The pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut text = self.within.map_or_else(String::new, Place::pointer);
        match self.token {
            Token::Member(member) => pointer::push(&mut text, member),
            Token::Element(index) => pointer::push(&mut text, &index.to_string()),
        }
        text
    }
}

impl From<Place<'_>> for String {
    fn from(place: Place<'_>) -> String {
        place.pointer()
    }
}

impl From<&Place<'_>> for String {
    fn from(place: &Place<'_>) -> String {
        place.pointer()
    }
}
