//! Canonical text is read in place: no whitespace, no surprises, no tree.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::text::Unescaped;

/// A value in canonical text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer.
    Integer(i128),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An array, as it is written.
    Array(&'a str),
    /// An object, as it is written.
    Object(&'a str),
}

impl<'a> Node<'a> {
    /// Reads text that the canonicalizer wrote.
    pub(crate) fn of(canonical: &'a str) -> Self {
        match canonical.as_bytes().first() {
            Some(b'"') => Self::Text(unquoted(canonical)),
            Some(b'[') => Self::Array(canonical),
            Some(b'{') => Self::Object(canonical),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Integer(integer(canonical.as_bytes())),
        }
    }
}

/// The members of a canonical object: key, and value as it is written.
pub(crate) fn members(object: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    let mut values = Values {
        text: object,
        at: 1,
    };
    core::iter::from_fn(move || Some((unquoted(values.next()?), values.next()?)))
}

/// The value of a member, as it is written.
pub(crate) fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object)
        .find(|member| member.0 == key)
        .map(|member| member.1)
}

/// What stands between brackets, split at the commas and colons of this level.
struct Values<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut depth = 0_u32;
        let mut quoted = false;
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'\\' => at += 1,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 0 => depth -= 1,
                b',' | b':' if depth > 0 => {}
                b',' | b':' | b']' | b'}' => break,
                _ => {}
            }
            at += 1;
        }
        self.at = at + 1;
        self.text.get(start..at).filter(|value| !value.is_empty())
    }
}

fn unquoted(quoted: &str) -> Cow<'_, str> {
    let spelling = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    if !spelling.contains('\\') {
        return Cow::Borrowed(spelling);
    }
    let bytes: Vec<u8> = Unescaped::new(spelling.as_bytes()).collect();
    Cow::Owned(String::from_utf8(bytes).unwrap_or_default())
}

fn integer(text: &[u8]) -> i128 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let magnitude = digits
        .iter()
        .fold(0_i128, |value, digit| value * 10 + i128::from(digit & 15));
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_are_told_apart_at_their_level() {
        let text = r#"{"a":[1,{"x":"],"}],"b\"":"\u0001é","c":{},"d":-18446744073709551615}"#;
        let found: Vec<_> = members(text)
            .map(|(key, value)| (key.into_owned(), value))
            .collect();
        let wanted = [
            ("a", r#"[1,{"x":"],"}]"#),
            ("b\"", r#""\u0001é""#),
            ("c", "{}"),
            ("d", "-18446744073709551615"),
        ];
        assert_eq!(found, wanted.map(|(key, value)| (String::from(key), value)));
        assert_eq!(Node::of(found[1].1), Node::Text("\u{1}é".into()));
        assert_eq!(
            Node::of(found[3].1),
            Node::Integer(-18_446_744_073_709_551_615)
        );
    }
}
