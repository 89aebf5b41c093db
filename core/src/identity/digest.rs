//! A digest is SHA-256 over bytes that have only one spelling.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::canonical_json;
use super::error::{Code, Error};
use super::schema::string_on_the_wire;

/// A SHA-256 digest, written `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256Digest([u8; 32]);

/// A part of a derived name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A string.
    Text(&'a str),
    /// An integer.
    Integer(i64),
}

/// SHA-256 over the bytes as they stand.
pub fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest(Sha256::digest(bytes).into())
}

/// SHA-256 over the canonical form of a JSON text.
///
/// # Errors
/// Those of [`canonical_json::canonicalize`].
pub fn fingerprint(json: &[u8]) -> Result<Sha256Digest, Error> {
    let mut context = canonical_json::Canonicalizer::new();
    Ok(sha256(context.canonicalize(json)?))
}

/// SHA-256 over the canonical JSON of `[domain, part, …]`.
pub fn digest(domain: &str, parts: &[Part<'_>]) -> Sha256Digest {
    let mut text = String::with_capacity(256);
    text.push('[');
    canonical_json::push_string(&mut text, domain);
    for part in parts {
        text.push(',');
        match part {
            Part::Text(part) => canonical_json::push_string(&mut text, part),
            Part::Integer(part) => canonical_json::push_integer(&mut text, *part),
        }
    }
    text.push(']');
    sha256(text.as_bytes())
}

impl Sha256Digest {
    /// The digest with these bytes; every 32 bytes are a digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The 32 bytes, in place.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads `sha256:` and 64 lower-case hex digits.
    ///
    /// # Errors
    /// `digest.syntax`, at the first byte that differs from that form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = text.as_bytes();
        let mut digest = [0; 32];
        parse_prefixed_hex(bytes, b"sha256:", &mut digest)
            .map_err(|offset| Error::at(Code::DigestSyntax, offset))?;
        Ok(Self(digest))
    }

    /// The text, without allocating.
    pub fn encode(self, buffer: &mut [u8; 71]) -> &str {
        buffer[..7].copy_from_slice(b"sha256:");
        write_hex(&self.0, &mut buffer[7..]);
        core::str::from_utf8(buffer).unwrap_or_default()
    }
}

/// Writes two lower-case hex digits a byte; `out` is twice as long as `bytes`.
pub(super) fn write_hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Fills `out` from a prefix and lower-case hex digits, or says where the text leaves that form.
pub(super) fn parse_prefixed_hex(text: &[u8], prefix: &[u8], out: &mut [u8]) -> Result<(), usize> {
    let length = prefix.len() + out.len() * 2;
    for (offset, &byte) in text.iter().enumerate() {
        let fits = match prefix.get(offset) {
            Some(&wanted) => byte == wanted,
            None => offset < length && hex_value(byte).is_some(),
        };
        if !fits {
            return Err(offset);
        }
    }
    if text.len() < length {
        return Err(text.len());
    }
    for (pair, slot) in text[prefix.len()..].chunks_exact(2).zip(out) {
        *slot = hex_value(pair[0]).unwrap_or(0) << 4 | hex_value(pair[1]).unwrap_or(0);
    }
    Ok(())
}

/// The value of a lower-case hex digit.
pub(super) const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.encode(&mut [0; 71]))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Sha256Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

string_on_the_wire!(Sha256Digest, "a SHA-256 digest", "^sha256:[0-9a-f]{64}$");

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_digest_prints_as_it_parses() {
        let digest = sha256(b"");
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest.to_string(), text);
        assert_eq!(Sha256Digest::parse(text), Ok(digest));
    }

    #[test]
    fn a_digest_that_differs_is_refused_where_it_differs() {
        for (text, offset) in [
            ("", 0),
            ("sha255:", 5),
            ("sha256:E3", 7),
            (
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
                70,
            ),
            (
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
                71,
            ),
        ] {
            assert_eq!(
                Sha256Digest::parse(text),
                Err(Error::at(Code::DigestSyntax, offset)),
                "{text}"
            );
        }
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(
            digest("d", &[Part::Text("1")]),
            digest("d", &[Part::Integer(1)])
        );
        assert_eq!(
            digest("d", &[Part::Text("a\"\n"), Part::Integer(-7)]),
            sha256(br#"["d","a\"\n",-7]"#)
        );
    }
}
