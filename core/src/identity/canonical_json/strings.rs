//! Strings are checked where they stand, and only what is spelled otherwise is replaced.

use super::scan::{Refused, Scanner};
use super::text;
use crate::identity::error::Code;

impl Scanner<'_> {
    /// Reads a string, and returns the offset after it.
    #[inline(always)]
    pub(super) fn string(&mut self, start: usize) -> Result<usize, Refused> {
        let at = plain_end(self.json, start + 1);
        if self.byte(at) == b'"' {
            Ok(at + 1)
        } else {
            self.escaped_string(at)
        }
    }

    #[inline(never)]
    fn escaped_string(&mut self, mut at: usize) -> Result<usize, Refused> {
        loop {
            match self.byte(at) {
                b'"' => return Ok(at + 1),
                b'\\' => at = plain_end(self.json, self.escape(at)?),
                _ => return Err(self.syntax(at)),
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<usize, Refused> {
        let at = start + 2;
        match self.byte(start + 1) {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at),
            b'/' => {
                self.replace(start, at, b"/");
                Ok(at)
            }
            b'u' => {
                let (code, end) = self.unicode(start)?;
                self.replace_unicode(start, end, code);
                Ok(end)
            }
            _ => Err(self.syntax(start + 1)),
        }
    }

    /// Reads a `\u` escape, and the second half of a surrogate pair.
    fn unicode(&mut self, start: usize) -> Result<(u32, usize), Refused> {
        let digits = start + 2;
        let high = self.hex4(digits)?;
        match high {
            0xdc00..=0xdfff => Err(self.refuse(Code::JsonSurrogate, start)),
            0xd800..=0xdbff => {
                let rest = self.json.get(digits + 4..).unwrap_or_default();
                let low = rest.strip_prefix(b"\\u").and_then(text::hex4);
                match low {
                    Some(low @ 0xdc00..=0xdfff) => {
                        Ok((text::join_surrogates(high, low), digits + 10))
                    }
                    _ => Err(self.refuse(Code::JsonSurrogate, start)),
                }
            }
            code => Ok((code, digits + 4)),
        }
    }

    fn hex4(&mut self, start: usize) -> Result<u32, Refused> {
        let mut value = 0;
        for at in start..start + 4 {
            let Some(digit) = char::from(self.byte(at)).to_digit(16) else {
                return Err(self.syntax(at));
            };
            value = value << 4 | digit;
        }
        Ok(value)
    }

    fn replace_unicode(&mut self, start: usize, end: usize, code: u32) {
        let mut unicode = [0; 6];
        let escaped = u8::try_from(code)
            .ok()
            .and_then(|byte| text::escape(byte, &mut unicode));
        if let Some(escaped) = escaped {
            if self.json.get(start..end) != Some(escaped) {
                self.replace(start, end, escaped);
            }
        } else if let Some(character) = char::from_u32(code) {
            let mut raw = [0; 4];
            self.replace(start, end, character.encode_utf8(&mut raw).as_bytes());
        }
    }
}

/// One in each byte of a word.
pub(super) const ONES: u64 = u64::MAX / 0xff;
/// The high bit of each byte of a word.
pub(super) const HIGHS: u64 = ONES << 7;

/// Eight bytes of the text, the first the least significant; none where it ends before.
#[inline(always)]
pub(super) fn word(json: &[u8], at: usize) -> Option<u64> {
    let chunk = json.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*chunk))
}

/// The high bit of the first byte that is a quote, a backslash or a control character; bits above it mean nothing.
#[inline(always)]
const fn marks(word: u64) -> u64 {
    // Two bits aside, the quote follows the control characters, and the space does not.
    let low = word ^ (ONES * 0x02);
    let backslash = word ^ (ONES * b'\\' as u64);
    (low.wrapping_sub(ONES * 0x21) | backslash.wrapping_sub(ONES)) & !word & HIGHS
}

/// The first byte from `start` on that ends the plain part of a string: a quote, a backslash or a control character.
#[inline(always)]
pub(super) fn plain_end(json: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(word) = word(json, at) {
        let found = marks(word);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    plain_end_of_rest(json, at)
}

#[inline(never)]
fn plain_end_of_rest(json: &[u8], start: usize) -> usize {
    let rest = json.get(start..).unwrap_or_default();
    let plain = rest
        .iter()
        .take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
        .count();
    start + plain
}

/// The first eight bytes of a key without escapes, as a number that orders them, and its length.
#[inline(always)]
pub(super) fn short_key(json: &[u8], start: usize) -> Option<(u64, usize)> {
    let first = word(json, start)?;
    let found = marks(first);
    if found != 0 {
        let bits = found.trailing_zeros() - 7;
        let quoted = first >> bits & 0xff == b'"' as u64;
        let before = (1 << bits) - 1;
        return quoted.then_some(((first & before).swap_bytes(), bits as usize / 8));
    }
    let end = plain_end(json, start + 8);
    (json.get(end) == Some(&b'"')).then_some((first.swap_bytes(), end - start))
}
