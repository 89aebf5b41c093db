//! A string has one canonical spelling, and keys are ordered by what they say, not by how they are spelled.

use alloc::string::String;
use core::cmp::Ordering;

use super::strings::plain_end;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The canonical spelling of one code point: its escape, or nothing when it is written raw.
pub(super) fn escape(byte: u8, unicode: &mut [u8; 6]) -> Option<&[u8]> {
    Some(match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        0x08 => b"\\b",
        b'\t' => b"\\t",
        b'\n' => b"\\n",
        0x0c => b"\\f",
        b'\r' => b"\\r",
        0..0x20 => {
            *unicode = [
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ];
            unicode
        }
        _ => return None,
    })
}

/// Hands out the canonical spelling of a string, quotes included, piece by piece.
#[inline]
pub(super) fn spell(string: &str, mut write: impl FnMut(&str)) {
    let bytes = string.as_bytes();
    write("\"");
    let mut start = 0;
    loop {
        let end = plain_end(bytes, start);
        write(string.get(start..end).unwrap_or_default());
        let Some(&byte) = bytes.get(end) else {
            break;
        };
        let mut unicode = [0; 6];
        let escaped = escape(byte, &mut unicode).unwrap_or_default();
        write(core::str::from_utf8(escaped).unwrap_or_default());
        start = end + 1;
    }
    write("\"");
}

pub(super) fn push_string(out: &mut String, string: &str) {
    spell(string, |piece| out.push_str(piece));
}

pub(super) fn push_integer(out: &mut String, integer: i64) {
    if integer < 0 {
        out.push('-');
    }
    push_magnitude(out, integer.unsigned_abs());
}

pub(super) fn push_magnitude(out: &mut String, magnitude: u64) {
    out.push_str(core::str::from_utf8(decimal(magnitude, &mut [0; 20])).unwrap_or_default());
}

/// The shortest decimal of a magnitude.
pub(super) fn decimal(mut magnitude: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    while start > 0 {
        start -= 1;
        digits[start] = b'0' + (magnitude % 10) as u8;
        magnitude /= 10;
        if magnitude == 0 {
            break;
        }
    }
    &digits[start..]
}

/// The bytes that a valid string's spelling stands for, one after another.
pub(super) struct Unescaped<'a> {
    spelling: &'a [u8],
    pending: [u8; 4],
    left: u8,
}

impl<'a> Unescaped<'a> {
    pub(super) fn new(spelling: &'a [u8]) -> Self {
        Self {
            spelling,
            pending: [0; 4],
            left: 0,
        }
    }

    fn queue(&mut self, code: u32) -> Option<u8> {
        let mut buffer = [0; 4];
        let bytes = char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes();
        let (first, rest) = bytes.split_first()?;
        self.left = rest.len() as u8;
        self.pending = [0; 4];
        for (slot, byte) in self.pending.iter_mut().zip(rest.iter().rev()) {
            *slot = *byte;
        }
        Some(*first)
    }
}

impl Iterator for Unescaped<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.left > 0 {
            self.left -= 1;
            return self.pending.get(usize::from(self.left)).copied();
        }
        let (&byte, rest) = self.spelling.split_first()?;
        self.spelling = rest;
        if byte != b'\\' {
            return Some(byte);
        }
        let (&kind, rest) = self.spelling.split_first()?;
        self.spelling = rest;
        match kind {
            b'b' => Some(0x08),
            b't' => Some(b'\t'),
            b'n' => Some(b'\n'),
            b'f' => Some(0x0c),
            b'r' => Some(b'\r'),
            b'u' => {
                let high = hex4(self.spelling)?;
                self.spelling = self.spelling.get(4..)?;
                if high & 0xfc00 != 0xd800 {
                    return self.queue(high);
                }
                let low = hex4(self.spelling.get(2..)?)?;
                self.spelling = self.spelling.get(6..)?;
                self.queue(join_surrogates(high, low))
            }
            other => Some(other),
        }
    }
}

/// The number that four hex digits of either case stand for.
pub(super) fn hex4(digits: &[u8]) -> Option<u32> {
    let digits = digits.first_chunk::<4>()?;
    let mut value = 0;
    for &digit in digits {
        value = value << 4 | char::from(digit).to_digit(16)?;
    }
    Some(value)
}

pub(super) const fn join_surrogates(high: u32, low: u32) -> u32 {
    0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff)
}

/// The first eight unescaped bytes as a number, so that most keys are ordered by one comparison.
///
/// The spelling is the first `length` bytes of `rest`, which goes on to the end of the text.
#[inline]
pub(super) fn prefix(rest: &[u8], length: usize, escaped: bool) -> u64 {
    match rest.first_chunk::<8>() {
        Some(chunk) if !escaped => {
            let bits = u64::from_be_bytes(*chunk);
            match length {
                0 => 0,
                1..8 => bits & (u64::MAX << (64 - 8 * length)),
                _ => bits,
            }
        }
        _ => {
            let spelling = rest.get(..length).unwrap_or_default();
            let mut bytes = [0; 8];
            for (slot, byte) in bytes.iter_mut().zip(Unescaped::new(spelling)) {
                *slot = byte;
            }
            u64::from_be_bytes(bytes)
        }
    }
}

/// Orders two keys by the UTF-8 bytes of what they say.
pub(super) fn compare(left: (&[u8], bool), right: (&[u8], bool)) -> Ordering {
    if left.1 || right.1 {
        Unescaped::new(left.0).cmp(Unescaped::new(right.0))
    } else {
        left.0.cmp(right.0)
    }
}
