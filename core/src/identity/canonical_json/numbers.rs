//! Integers stand in the canonical text as they are spelled, so they are only checked.

use super::scan::{Refused, Scanner};
use super::strings::{HIGHS, ONES, word};
use crate::identity::error::Code;

impl Scanner<'_> {
    /// Reads an integer that starts with a digit other than zero; eight digits at a time tell where it ends.
    #[inline(always)]
    pub(super) fn number(&mut self, start: usize) -> Result<usize, Refused> {
        let mut at = start;
        while let Some(word) = word(self.json, at) {
            let found = not_digits(word);
            if found == 0 {
                at += 8;
                continue;
            }
            at += found.trailing_zeros() as usize / 8;
            if at - start > 18 || matches!(self.byte(at), b'.' | b'e' | b'E') {
                break;
            }
            return Ok(at);
        }
        self.any_number(start)
    }

    #[inline(never)]
    pub(super) fn any_number(&mut self, start: usize) -> Result<usize, Refused> {
        let negative = self.byte(start) == b'-';
        let first = start + usize::from(negative);
        let rest = self.json.get(first..).unwrap_or_default();
        let length = match rest.first() {
            Some(b'0') => 1,
            _ => rest
                .iter()
                .position(|byte| !byte.is_ascii_digit())
                .unwrap_or(rest.len()),
        };
        let end = first + length;
        if length == 0 {
            return Err(self.syntax(end));
        }
        if matches!(self.byte(end), b'.' | b'e' | b'E') {
            return Err(self.refuse(Code::JsonFloat, start));
        }
        let digits = rest.get(..length).unwrap_or_default();
        if negative && digits == b"0" {
            return Err(self.refuse(Code::JsonNegativeZero, start));
        }
        if length > 18 && !in_range(negative, digits) {
            return Err(self.refuse(Code::JsonRange, start));
        }
        Ok(end)
    }
}

/// The high bit of the first byte that is no digit; bits above it mean nothing.
#[inline(always)]
const fn not_digits(word: u64) -> u64 {
    let digits = word ^ (ONES * b'0' as u64);
    (digits.wrapping_add(ONES * 0x76) | digits) & HIGHS
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
