//! Strings are checked where they stand, and only what is spelled otherwise is replaced.

use super::scan::{Refused, Scanner};
use super::text;
use crate::identity::error::Code;

impl Scanner<'_> {
    /// Reads a string, and says whether its spelling has escapes.
    #[inline]
    pub(super) fn string(&mut self) -> Result<bool, Refused> {
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

    fn escape(&mut self) -> Result<(), Refused> {
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
    fn unicode(&mut self, start: usize) -> Result<u32, Refused> {
        let high = self.hex4()?;
        match high {
            0xdc00..=0xdfff => Err(self.refuse(Code::JsonSurrogate, start)),
            0xd800..=0xdbff => {
                let rest = self.json.get(self.at..).unwrap_or_default();
                let low = rest.strip_prefix(b"\\u").and_then(text::hex4);
                match low {
                    Some(low @ 0xdc00..=0xdfff) => {
                        self.at += 6;
                        Ok(text::join_surrogates(high, low))
                    }
                    _ => Err(self.refuse(Code::JsonSurrogate, start)),
                }
            }
            code => Ok(code),
        }
    }

    fn hex4(&mut self) -> Result<u32, Refused> {
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
}

fn copy_of(bytes: &[u8]) -> ([u8; 6], usize) {
    let mut copy = [0; 6];
    for (slot, byte) in copy.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    (copy, bytes.len())
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
