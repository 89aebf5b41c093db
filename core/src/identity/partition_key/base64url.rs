//! Base64url without padding, where every string of bytes has one spelling (RFC 4648, sections 3.5 and 5).

use alloc::string::String;
use alloc::vec::Vec;

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
pub(super) fn check(spelling: &[u8]) -> Result<(), Code> {
    let (groups, rest) = spelling.as_chunks::<4>();
    let mut seen = 0;
    let mut bits = 0;
    let mut note = |group: [u8; 4]| {
        let [a, b, c, d] = group.map(|digit| VALUES[usize::from(digit)]);
        seen |= a | b | c | d;
        // The high bits of the three bytes are bits of three of the digits.
        bits |= a & 0x20 | b & 0x08 | c & 0x02;
        [b, c]
    };
    for &group in groups {
        note(group);
    }
    let unused = match *rest {
        [] => 0,
        [a, b] => note([a, b, b'A', b'A'])[0] & 15,
        [a, b, c] => note([a, b, c, b'A'])[1] & 3,
        _ => 1,
    };
    // Bytes below 0x80 are UTF-8, and so few digits cannot stand for too many.
    if seen < 64 && bits == 0 && unused == 0 && spelling.len() <= MAX_TEXT_BYTES {
        Ok(())
    } else {
        check_slowly(spelling)
    }
}

fn check_slowly(spelling: &[u8]) -> Result<(), Code> {
    let mut seen = 0;
    let mut count = 0;
    decode(spelling, |byte| {
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
pub(super) fn read(spelling: &[u8]) -> Result<String, Code> {
    let mut bytes = Vec::with_capacity(spelling.len() * 3 / 4);
    decode(spelling, |byte| bytes.push(byte))?;
    let string = String::from_utf8(bytes).map_err(|_| Code::PartitionUtf8)?;
    if string.len() > MAX_TEXT_BYTES {
        return Err(Code::PartitionValueTooLong);
    }
    Ok(string)
}

/// Hands each byte to the sink. Those of a spelling that is refused are not to be used.
pub(in crate::identity) fn decode(spelling: &[u8], mut sink: impl FnMut(u8)) -> Result<(), Code> {
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

/// Appends the spelling of some bytes.
#[inline]
pub(in crate::identity) fn write(bytes: &[u8], out: &mut Vec<u8>) {
    let (groups, rest) = bytes.as_chunks::<3>();
    for &[a, b, c] in groups {
        out.extend_from_slice(&spell([a, b, c]));
    }
    match *rest {
        [a] => out.extend_from_slice(spell([a, 0, 0]).get(..2).unwrap_or_default()),
        [a, b] => out.extend_from_slice(spell([a, b, 0]).get(..3).unwrap_or_default()),
        _ => {}
    }
}

#[inline]
const fn spell(bytes: [u8; 3]) -> [u8; 4] {
    let [a, b, c] = bytes;
    [
        DIGITS[(a >> 2) as usize],
        DIGITS[(a << 4 & 0x30 | b >> 4) as usize],
        DIGITS[(b << 2 & 0x3c | c >> 6) as usize],
        DIGITS[(c & 0x3f) as usize],
    ]
}
