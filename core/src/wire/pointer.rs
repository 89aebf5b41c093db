//! A pointer (RFC 6901) says where in a JSON text a byte stands.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::wire::reader;

/// Appends one reference token to `pointer`, with `~` and `/` escaped.
pub fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// The pointer with one more reference token.
pub fn join(pointer: &str, token: &str) -> String {
    let mut joined = String::with_capacity(pointer.len() + token.len() + 1);
    joined.push_str(pointer);
    push(&mut joined, token);
    joined
}

struct Level {
    array: bool,
    index: u64,
    key: String,
    expects_key: bool,
}

/// The pointer of the value or member that holds the byte at `offset` of a JSON text.
///
/// The text need not be well formed: what stands before `offset` decides.
pub fn of_offset(text: &[u8], offset: usize) -> String {
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if at > offset {
            break;
        }
        match byte {
            b'{' | b'[' if at < offset => levels.push(Level {
                array: byte == b'[',
                index: 0,
                key: String::new(),
                expects_key: byte == b'{',
            }),
            b'}' | b']' if at < offset => {
                levels.pop();
            }
            b',' if at < offset => {
                if let Some(level) = levels.last_mut() {
                    level.index = level.index.saturating_add(1);
                    level.expects_key = !level.array;
                }
            }
            b'"' => {
                let end = end_of_string(text, at);
                if let Some(level) = levels.last_mut().filter(|level| level.expects_key) {
                    level.key = unescape(text.get(at..end).unwrap_or_default());
                    level.expects_key = false;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    let mut pointer = String::new();
    for level in &levels {
        if level.array {
            push(&mut pointer, &level.index.to_string());
        } else if !level.expects_key {
            push(&mut pointer, &level.key);
        }
    }
    pointer
}

fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn unescape(quoted: &[u8]) -> String {
    reader::read::<String>(quoted).unwrap_or_else(|_| String::from_utf8_lossy(quoted).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_becomes_the_pointer_of_its_place() {
        let rows: &[(&str, &str, &str)] = &[
            ("1", "1", ""),
            (r#"{"a":1.5}"#, "1.5", "/a"),
            (r#"{"a":{"b":[1,2,x]}}"#, "x", "/a/b/2"),
            (r#"{"a":1,"b":2,"a":3}"#, r#""a":3"#, "/a"),
            (r#"{"a/b":{"~":!}}"#, "!", "/a~1b/~0"),
            (r#"{"a":"}]\",","b":?}"#, "?", "/b"),
            (r#"{"a":1,?"#, "?", ""),
            (r#"[[1,2],[3,?"#, "?", "/1/1"),
            (r#"{"\u00e9":?"#, "?", "/é"),
        ];
        for (text, place, expected) in rows {
            let offset = text.rfind(place).expect("the place stands in the text");
            assert_eq!(&of_offset(text.as_bytes(), offset), expected, "{text}");
        }
    }
}
