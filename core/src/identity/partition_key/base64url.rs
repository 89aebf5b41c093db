//! Base64url without padding, where every string of bytes has one spelling (RFC 4648, sections 3.5 and 5).

use alloc::string::String;

use super::MAX_TEXT_BYTES;
use crate::identity::error::Code;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NO_DIGIT: u8 = 0xff;
const VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 64 {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// Whether the spelling stands for a string that may be a value.
pub(super) fn check(spelling: &str) -> Result<(), Code> {
    let mut seen = 0;
    let mut count = 0;
    decode(spelling.as_bytes(), |byte| {
        seen |= byte;
        count += 1;
    })?;
    if seen < 0x80 && count <= MAX_TEXT_BYTES {
        Ok(())
    } else {
        read(spelling).map(drop)
    }
}

/// The string that the spelling stands for.
pub(super) fn read(spelling: &str) -> Result<String, Code> {
    let mut bytes = alloc::vec::Vec::with_capacity(spelling.len() * 3 / 4);
    decode(spelling.as_bytes(), |byte| bytes.push(byte))?;
    let string = String::from_utf8(bytes).map_err(|_| Code::PartitionUtf8)?;
    if string.len() > MAX_TEXT_BYTES {
        return Err(Code::PartitionValueTooLong);
    }
    Ok(string)
}

fn decode(spelling: &[u8], mut sink: impl FnMut(u8)) -> Result<(), Code> {
    let mut seen = 0;
    let mut value = |digit: u8| {
        let value = VALUES[usize::from(digit)];
        seen |= value;
        u32::from(value)
    };
    let groups = spelling.chunks_exact(4);
    let rest = groups.remainder();
    for group in groups {
        let bits = group
            .iter()
            .fold(0, |bits, &digit| bits << 6 | value(digit));
        let [_, first, second, third] = bits.to_be_bytes();
        sink(first);
        sink(second);
        sink(third);
    }
    let unused = match *rest {
        [] => 0,
        [first, second] => {
            let bits = value(first) << 6 | value(second);
            sink((bits >> 4) as u8);
            bits & 15
        }
        [first, second, third] => {
            let bits = value(first) << 12 | value(second) << 6 | value(third);
            sink((bits >> 10) as u8);
            sink((bits >> 2) as u8);
            bits & 3
        }
        _ => 1,
    };
    if seen >= 64 || unused != 0 {
        Err(Code::PartitionString)
    } else {
        Ok(())
    }
}

/// Appends the spelling of a string.
pub(super) fn write(string: &str, out: &mut String) {
    for group in string.as_bytes().chunks(3) {
        let mut bits = 0_u32;
        for &byte in group {
            bits = bits << 8 | u32::from(byte);
        }
        bits <<= 8 * (3 - group.len());
        for digit in 0..=group.len() {
            out.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
}
