//! A UUID of version 7 is read from 36 characters and written back as the same 36.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::TIME_END_MS;
use crate::identity::digest::{hex_value, write_hex};
use crate::identity::error::{Code, Error};
use crate::identity::schema::string_on_the_wire;

/// What a schema says of a UUID of version 7.
pub(super) const PATTERN: &str =
    "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

const LENGTH: usize = 36;
const VERSION_OFFSET: usize = 14;
const VARIANT_OFFSET: usize = 19;
/// Where each of the five groups starts, and its length in bytes.
const GROUPS: [(usize, usize); 5] = [(0, 4), (9, 2), (14, 2), (19, 2), (24, 6)];

/// 48 bits of milliseconds since 1970 and 74 random bits (RFC 9562, version 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid7([u8; 16]);

impl Uuid7 {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `uuid.length` counts bytes; `uuid.syntax`, `uuid.version` and `uuid.variant` stand at their character.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_bytes(text.as_bytes())
    }

    fn parse_bytes(text: &[u8]) -> Result<Self, Error> {
        let Ok(text) = <&[u8; LENGTH]>::try_from(text) else {
            return Err(Error::new(Code::UuidLength));
        };
        let mut bytes = [0; 16];
        let mut filled = 0;
        for (offset, &byte) in text.iter().enumerate() {
            let syntax = Error::at(Code::UuidSyntax, offset);
            if matches!(offset, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(syntax);
                }
                continue;
            }
            let value = hex_value(byte).ok_or(syntax)?;
            if offset == VERSION_OFFSET && value != 7 {
                return Err(Error::at(Code::UuidVersion, offset));
            }
            if offset == VARIANT_OFFSET && value >> 2 != 0b10 {
                return Err(Error::at(Code::UuidVariant, offset));
            }
            if let Some(slot) = bytes.get_mut(filled / 2) {
                *slot = *slot << 4 | value;
            }
            filled += 1;
        }
        Ok(Self(bytes))
    }

    /// The id with these bytes.
    ///
    /// # Errors
    /// `uuid.version` and `uuid.variant`, at the offset that the text would have.
    pub const fn from_bytes(bytes: [u8; 16]) -> Result<Self, Error> {
        if bytes[6] >> 4 != 7 {
            return Err(Error::at(Code::UuidVersion, VERSION_OFFSET));
        }
        if bytes[8] >> 6 != 0b10 {
            return Err(Error::at(Code::UuidVariant, VARIANT_OFFSET));
        }
        Ok(Self(bytes))
    }

    /// The 16 bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The id of a millisecond since 1970 and 74 of 80 random bits: version and variant take the place of the first
    /// four bits and of the two after the next twelve.
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
        bytes[6] = 0x70 | bytes[6] & 0x0f;
        bytes[8] = 0x80 | bytes[8] & 0x3f;
        Ok(Self(bytes))
    }

    /// The time in the id, in milliseconds since 1970.
    pub const fn timestamp_ms(self) -> u64 {
        (u128::from_be_bytes(self.0) >> 80) as u64
    }

    /// The text, without allocating.
    pub fn encode(self, buffer: &mut [u8; LENGTH]) -> &str {
        buffer.fill(b'-');
        let mut bytes = self.0.as_slice();
        for (start, length) in GROUPS {
            let (group, rest) = bytes.split_at(length);
            write_hex(group, &mut buffer[start..start + 2 * length]);
            bytes = rest;
        }
        core::str::from_utf8(buffer).unwrap_or_default()
    }
}

/// Takes upper case, braces, `urn:uuid:` and the form of 32 digits, and returns the canonical text.
///
/// # Errors
/// Those of [`Uuid7::parse`]; offsets count in the input.
pub(super) fn normalize(text: &str) -> Result<String, Error> {
    let bytes = text.as_bytes();
    let (start, body) = match bytes {
        [b'{', body @ .., b'}'] => (1, body),
        _ => match bytes.split_at_checked(9) {
            Some((prefix, body)) if prefix.eq_ignore_ascii_case(b"urn:uuid:") => (9, body),
            _ => (0, bytes),
        },
    };
    let plain = start == 0 && body.len() == 32;
    if !plain && body.len() != LENGTH {
        return Err(Error::new(Code::UuidLength));
    }
    let mut canonical = [b'-'; LENGTH];
    if plain {
        let mut rest = body;
        for (from, length) in GROUPS {
            let (group, after) = rest.split_at(2 * length);
            canonical[from..from + 2 * length].copy_from_slice(group);
            rest = after;
        }
    } else {
        canonical.copy_from_slice(body);
    }
    canonical.make_ascii_lowercase();
    let in_input = |error: Error| match error.offset {
        Some(offset) if plain => {
            let hyphens = GROUPS
                .iter()
                .filter(|(from, _)| *from != 0 && *from as u32 <= offset)
                .count();
            Error {
                offset: Some(offset - hyphens as u32),
                ..error
            }
        }
        Some(_) => error.shifted(start),
        None => error,
    };
    Uuid7::parse_bytes(&canonical)
        .map(|id| String::from(id.encode(&mut canonical)))
        .map_err(in_input)
}

impl fmt::Display for Uuid7 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.encode(&mut [0; LENGTH]))
    }
}

impl fmt::Debug for Uuid7 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Uuid7 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

string_on_the_wire!(Uuid7, "a uuid of version 7", PATTERN);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const ID: &str = "01930a0b-1234-7abc-9def-0123456789ab";

    #[test]
    fn a_uuid_prints_as_it_parses() {
        let id = Uuid7::parse(ID).unwrap();
        assert_eq!(id.to_string(), ID);
        assert_eq!(id.timestamp_ms(), 0x0193_0a0b_1234);
        assert_eq!(Uuid7::from_bytes(id.to_bytes()), Ok(id));
    }

    #[test]
    fn refusals_stand_at_the_first_broken_rule() {
        for (text, code, offset) in [
            (
                "01930a0b-1234-7abc-9def-0123456789a",
                Code::UuidLength,
                None,
            ),
            (
                "01930A0b-1234-7abc-9def-0123456789ab",
                Code::UuidSyntax,
                Some(5),
            ),
            (
                "01930a0b+1234-7abc-9def-0123456789ab",
                Code::UuidSyntax,
                Some(8),
            ),
            (
                "01930a0b-1234-4abc-1def-0123456789aX",
                Code::UuidVersion,
                Some(14),
            ),
            (
                "01930a0b-1234-xabc-9def-0123456789ab",
                Code::UuidSyntax,
                Some(14),
            ),
            (
                "01930a0b-1234-7abc-cdef-0123456789ab",
                Code::UuidVariant,
                Some(19),
            ),
        ] {
            assert_eq!(Uuid7::parse(text), Err(Error { code, offset }), "{text}");
        }
    }

    #[test]
    fn friendly_forms_are_taken_by_normalize_only() {
        for text in [
            "01930A0B-1234-7ABC-9DEF-0123456789AB",
            "{01930a0b-1234-7abc-9def-0123456789ab}",
            "urn:uuid:01930a0b-1234-7abc-9def-0123456789ab",
            "URN:UUID:01930a0b-1234-7abc-9def-0123456789ab",
            "01930a0b12347abc9def0123456789ab",
        ] {
            assert_eq!(normalize(text).as_deref(), Ok(ID), "{text}");
            assert!(Uuid7::parse(text).is_err(), "{text}");
        }
        for (text, code, offset) in [
            ("{01930a0b12347abc9def0123456789ab}", Code::UuidLength, None),
            (
                "01930a0b12344abc9def0123456789ab",
                Code::UuidVersion,
                Some(12),
            ),
            (
                "01930a0b12347abccdef0123456789ab",
                Code::UuidVariant,
                Some(16),
            ),
            (
                "01930a0b12347abc9def0123456789ag",
                Code::UuidSyntax,
                Some(31),
            ),
            (
                "urn:uuid:01930a0b-1234-4abc-9def-0123456789ab",
                Code::UuidVersion,
                Some(23),
            ),
            (
                "01930a0b-1234-7abc-9def-0123456789é",
                Code::UuidSyntax,
                Some(34),
            ),
        ] {
            assert_eq!(normalize(text), Err(Error { code, offset }), "{text}");
        }
    }
}
