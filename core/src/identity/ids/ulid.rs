//! A ULID is read from 26 characters and written back as the same 26.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::TIME_END_MS;
use crate::identity::error::{Code, Error};
use crate::identity::schema::string_on_the_wire;

/// What a schema says of a ULID.
pub(super) const PATTERN: &str = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$";

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const NO_DIGIT: u8 = 0xff;
const VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 32 {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
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
        let mut seen = 0;
        let mut read = |from: usize, to: usize| {
            let mut bits = 0_u64;
            let mut offset = from;
            while offset < to {
                let value = VALUES[usize::from(text[offset])];
                seen |= value;
                bits = bits << 5 | u64::from(value & 31);
                offset += 1;
            }
            bits
        };
        let (time, high, low) = (read(0, 10), read(10, 18), read(18, 26));
        if seen & 0xe0 != 0 || time >= TIME_END_MS {
            return Err(refusal(text));
        }
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
        let (first, rest) = buffer.split_at_mut(10);
        let (second, third) = rest.split_at_mut(8);
        for (digits, word) in [(first, time), (second, high), (third, low)] {
            let mut word = word;
            for digit in digits.iter_mut().rev() {
                *digit = DIGITS[(word & 31) as usize];
                word >>= 5;
            }
        }
        core::str::from_utf8(buffer).unwrap_or_default()
    }
}

#[cold]
fn refusal(text: &[u8; 26]) -> Error {
    for (offset, &byte) in text.iter().enumerate() {
        let value = VALUES[usize::from(byte)];
        if value == NO_DIGIT {
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
