//! Bytes are spelled in hexadecimal digits or in base64, each in one way: whatever else stands for the same bytes is refused.

use alloc::string::String;
use alloc::vec::Vec;

use super::partition_key::base64url;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Two lower-case digits for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of lower-case digits.
#[must_use]
pub fn of_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(value(*high)? << 4 | value(*low)?));
    rest.is_empty().then(|| bytes.collect())?
}

/// Base64 of the alphabet for URLs, without padding (RFC 4648, section 5).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    base64url::write(bytes, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// The bytes of [`base64url`].
#[must_use]
pub fn of_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    base64url::decode(text.as_bytes(), |byte| bytes.push(byte)).ok()?;
    Some(bytes)
}

/// Base64 with padding (RFC 4648, section 4).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    let mut text: String = base64url(bytes)
        .chars()
        .map(|digit| match digit {
            '-' => '+',
            '_' => '/',
            digit => digit,
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The bytes of [`base64`].
#[must_use]
pub fn of_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_suffix('=').unwrap_or(text);
    let digits = digits.strip_suffix('=').unwrap_or(digits);
    let digits: String = digits
        .chars()
        .map(|digit| match digit {
            '+' => '-',
            '/' => '_',
            '-' | '_' => '=',
            digit => digit,
        })
        .collect();
    of_base64url(&digits).filter(|_| text.len().is_multiple_of(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, section 10, and what the two alphabets differ in.
    const ROWS: [(&[u8], &str, &str, &str); 9] = [
        (b"", "", "", ""),
        (b"f", "66", "Zg", "Zg=="),
        (b"fo", "666f", "Zm8", "Zm8="),
        (b"foo", "666f6f", "Zm9v", "Zm9v"),
        (b"foob", "666f6f62", "Zm9vYg", "Zm9vYg=="),
        (b"fooba", "666f6f6261", "Zm9vYmE", "Zm9vYmE="),
        (b"foobar", "666f6f626172", "Zm9vYmFy", "Zm9vYmFy"),
        (b"\xfb\xff", "fbff", "-_8", "+/8="),
        (b"\x00\x10\xfe", "0010fe", "ABD-", "ABD+"),
    ];

    #[test]
    fn bytes_have_one_spelling() {
        for (bytes, digits, url, padded) in ROWS {
            assert_eq!(hex(bytes), digits);
            assert_eq!(base64url(bytes), url);
            assert_eq!(base64(bytes), padded);
            assert_eq!(of_hex(digits).as_deref(), Some(bytes));
            assert_eq!(of_base64url(url).as_deref(), Some(bytes));
            assert_eq!(of_base64(padded).as_deref(), Some(bytes));
        }
    }

    #[test]
    fn no_other_spelling_is_read() {
        for text in ["6", "6G", "FB", "0x", " 66", "6 6", "66\n", "é"] {
            assert_eq!(of_hex(text), None, "{text}");
        }
        for text in ["Z", "Zg==", "Zh", "Zm9", "+_8", "Zm9v Zg", "Zm9v\n", "Zg="] {
            assert_eq!(of_base64url(text), None, "{text}");
        }
        for text in [
            "Zg", "Zg=", "Zh==", "Zm9=", "-_8=", "=", "====", "Zm9v====", "Z===", "Zg==Zg==",
        ] {
            assert_eq!(of_base64(text), None, "{text}");
        }
    }
}
