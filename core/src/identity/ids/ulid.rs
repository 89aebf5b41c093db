//! A ULID is read from 26 characters and written back as the same 26.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::TIME_END_MS;
use crate::identity::error::{Code, Error};
use crate::identity::schema::string_on_the_wire;

/// What a schema says of a ULID.
pub(super) const PATTERN: &str = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$";

/// The character of a value below 32: the alphabet leaves `I`, `L`, `O` and `U` out.
///
/// Computed rather than looked up, so that the compiler does all characters of an id at once.
#[inline(always)]
const fn digit(value: u8) -> u8 {
    value
        .wrapping_add(b'0')
        .wrapping_add(if value >= 10 { b'A' - b'9' - 1 } else { 0 })
        .wrapping_add((value >= 18) as u8)
        .wrapping_add((value >= 20) as u8)
        .wrapping_add((value >= 22) as u8)
        .wrapping_add((value >= 27) as u8)
}

/// The value of a character; for what is no digit a value whose character is another one, or one above 31.
#[inline(always)]
const fn value(digit: u8) -> u8 {
    digit
        .wrapping_sub(b'0')
        .wrapping_sub(if digit >= b'A' { b'A' - b'9' - 1 } else { 0 })
        .wrapping_sub((digit >= b'J') as u8)
        .wrapping_sub((digit >= b'M') as u8)
        .wrapping_sub((digit >= b'P') as u8)
        .wrapping_sub((digit >= b'V') as u8)
}

/// Eight at once, one in each byte of a word.
#[inline(always)]
const fn digits(values: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    /// One in each byte that is at least the bound.
    const fn from(values: u64, bound: u64) -> u64 {
        (values + ONES * (0x80 - bound)) >> 7 & ONES
    }
    values
        + ONES * b'0' as u64
        + from(values, 10) * (b'A' - b'9' - 1) as u64
        + from(values, 18)
        + from(values, 20)
        + from(values, 22)
        + from(values, 27)
}

/// Eight values of five bits as a number of forty.
#[inline(always)]
const fn join(values: u64) -> u64 {
    let tens = values & 0x001f_001f_001f_001f | (values & 0x1f00_1f00_1f00_1f00) >> 3;
    let twenties = tens & 0x0000_03ff_0000_03ff | (tens & 0x03ff_0000_03ff_0000) >> 6;
    twenties & 0xf_ffff | twenties >> 32 << 20
}

/// The other way.
#[inline(always)]
const fn split(bits: u64) -> u64 {
    let twenties = bits & 0xf_ffff | (bits >> 20 & 0xf_ffff) << 32;
    let tens = twenties & 0x0000_03ff_0000_03ff | (twenties & 0x000f_fc00_000f_fc00) << 6;
    tens & 0x001f_001f_001f_001f | (tens & 0x03e0_03e0_03e0_03e0) << 3
}

/// 48 bits of milliseconds since 1970 and 80 random bits.
///
/// The order of the bytes, of the texts and of the numbers is one order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ulid([u8; 16]);

impl Ulid {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `ulid.length` counts bytes; `ulid.character` and `ulid.overflow` stand at their character.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_bytes(text.as_bytes())
    }

    pub(crate) fn parse_bytes(text: &[u8]) -> Result<Self, Error> {
        let Ok(text) = <&[u8; 26]>::try_from(text) else {
            return Err(Error::new(Code::UlidLength));
        };
        // The six characters that fill the block up are digits.
        let mut digits = [b'0'; 32];
        digits[..26].copy_from_slice(text);
        let mut values = [0; 32];
        let mut wrong = 0;
        for (slot, found) in values.iter_mut().zip(digits) {
            *slot = value(found);
            wrong |= (*slot & 0xe0) | (digit(*slot) ^ found);
        }
        let [a, b, rest @ ..] = values;
        if wrong != 0 || a > 7 {
            return Err(refusal(text));
        }
        let mut words = [0; 3];
        for (slot, chunk) in words.iter_mut().zip(rest.as_chunks::<8>().0) {
            *slot = join(u64::from_be_bytes(*chunk));
        }
        let [low_time, high, low] = words;
        let time = u64::from(a) << 45 | u64::from(b) << 40 | low_time;
        let bits = u128::from(time) << 80 | u128::from(high) << 40 | u128::from(low);
        Ok(Self(bits.to_be_bytes()))
    }

    /// The ULID with these bytes; every 16 bytes are one.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The ULID of a millisecond since 1970 and 80 random bits.
    ///
    /// # Errors
    /// `id.time` from 2^48 milliseconds on.
    pub const fn from_parts(ms: u64, random: [u8; 10]) -> Result<Self, Error> {
        if ms >= TIME_END_MS {
            return Err(Error::new(Code::IdTime));
        }
        let time = ms.to_be_bytes();
        let mut bytes = [0; 16];
        let mut index = 0;
        while index < 6 {
            bytes[index] = time[index + 2];
            index += 1;
        }
        while index < 16 {
            bytes[index] = random[index - 6];
            index += 1;
        }
        Ok(Self(bytes))
    }

    /// The time in the id, in milliseconds since 1970.
    pub const fn timestamp_ms(self) -> u64 {
        (u128::from_be_bytes(self.0) >> 80) as u64
    }

    /// The 80 random bits.
    pub const fn random(self) -> [u8; 10] {
        let [_, _, _, _, _, _, random @ ..] = self.0;
        random
    }

    /// The text, without allocating.
    pub fn encode(self, buffer: &mut [u8; 26]) -> &str {
        let bits = u128::from_be_bytes(self.0);
        let (time, high, low) = ((bits >> 80) as u64, (bits >> 40) as u64, bits as u64);
        let (first, rest) = buffer.split_at_mut(2);
        first.copy_from_slice(&[digit((time >> 45) as u8), digit((time >> 40 & 31) as u8)]);
        for (slot, word) in rest
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .zip([time, high, low])
        {
            *slot = digits(split(word)).to_be_bytes();
        }
        core::str::from_utf8(buffer).unwrap_or_default()
    }
}

#[cold]
fn refusal(text: &[u8; 26]) -> Error {
    for (offset, &byte) in text.iter().enumerate() {
        let value = value(byte);
        if value > 31 || digit(value) != byte {
            return Error::at(Code::UlidCharacter, offset);
        }
        if offset == 0 && value > 7 {
            return Error::at(Code::UlidOverflow, offset);
        }
    }
    Error::new(Code::UlidCharacter)
}

/// Takes lower case and Crockford's aliases (`I` and `L` for `1`, `O` for `0`), and returns the canonical text.
///
/// # Errors
/// Those of [`Ulid::parse`].
pub(super) fn normalize(text: &str) -> Result<String, Error> {
    let Ok(mut canonical) = <[u8; 26]>::try_from(text.as_bytes()) else {
        return Err(Error::new(Code::UlidLength));
    };
    for byte in &mut canonical {
        *byte = match byte.to_ascii_uppercase() {
            b'I' | b'L' => b'1',
            b'O' => b'0',
            other => other,
        };
    }
    let ulid = Ulid::parse_bytes(&canonical)?;
    Ok(String::from(ulid.encode(&mut canonical)))
}

impl fmt::Display for Ulid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.encode(&mut [0; 26]))
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Ulid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

string_on_the_wire!(Ulid, "a ulid", PATTERN);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_ulid_prints_as_it_parses() {
        for text in [
            "00000000000000000000000000",
            "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            let ulid = Ulid::parse(text).unwrap();
            assert_eq!(ulid.to_string(), text);
            assert_eq!(
                Ulid::from_parts(ulid.timestamp_ms(), ulid.random()),
                Ok(ulid)
            );
        }
        assert_eq!(
            Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV")
                .unwrap()
                .timestamp_ms(),
            1_469_922_850_259
        );
    }

    #[test]
    fn refusals_stand_at_the_first_broken_rule() {
        for (text, code, offset) in [
            ("", Code::UlidLength, None),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAVX", Code::UlidLength, None),
            ("81ARZ3NDEKTSV4RRFFQ69G5FAV", Code::UlidOverflow, Some(0)),
            ("8IARZ3NDEKTSV4RRFFQ69G5FAV", Code::UlidOverflow, Some(0)),
            ("I1ARZ3NDEKTSV4RRFFQ69G5FAV", Code::UlidCharacter, Some(0)),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAU", Code::UlidCharacter, Some(25)),
            ("01arZ3NDEKTSV4RRFFQ69G5FAV", Code::UlidCharacter, Some(2)),
            ("01ARZ3NDEKTSV4RRFFQ69G5Fé", Code::UlidCharacter, Some(24)),
        ] {
            assert_eq!(Ulid::parse(text), Err(Error { code, offset }), "{text}");
        }
    }

    #[test]
    fn aliases_are_taken_by_normalize_only() {
        assert_eq!(
            normalize("o1arz3ndektsv4rrffq69g5fal").as_deref(),
            Ok("01ARZ3NDEKTSV4RRFFQ69G5FA1")
        );
        assert_eq!(
            normalize("8zzzzzzzzzzzzzzzzzzzzzzzzz"),
            Err(Error::at(Code::UlidOverflow, 0))
        );
        assert_eq!(
            normalize("0uzzzzzzzzzzzzzzzzzzzzzzzz"),
            Err(Error::at(Code::UlidCharacter, 1))
        );
    }
}
