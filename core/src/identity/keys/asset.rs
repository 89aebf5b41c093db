//! An asset key is a namespace, a slash and a dotted name.

use alloc::string::String;

use super::AssetKey;
use crate::identity::error::{Code, Error};

const MAX_BYTES: usize = 200;

impl AssetKey {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `asset_key.*`, at the byte where the text leaves the grammar.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check(text)?;
        Ok(Self(String::from(text)))
    }

    /// The canonical text of a key that may also be written `namespace.name`, split at the first dot.
    ///
    /// # Errors
    /// Those of [`AssetKey::parse`].
    pub fn normalize(text: &str) -> Result<Self, Error> {
        if text.contains('/') {
            return Self::parse(text);
        }
        Self::parse(&text.replacen('.', "/", 1))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the slash.
    pub fn namespace(&self) -> &str {
        self.0
            .split_once('/')
            .map_or("", |(namespace, _)| namespace)
    }

    /// What stands after the slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

/// Whether the text is an asset key.
pub(super) fn check(text: &str) -> Result<(), Error> {
    let bytes = text.as_bytes();
    if bytes.len() > MAX_BYTES {
        return Err(Error::new(Code::AssetKeyTooLong));
    }
    if bytes.is_empty() {
        return Err(Error::at(Code::AssetKeyEmpty, 0));
    }
    let slash = word_end(bytes, 0);
    match bytes.get(slash) {
        None => return Err(Error::at(Code::AssetKeyMissingSlash, slash)),
        Some(b'/') if slash > 0 => {}
        Some(_) => return Err(Error::at(Code::AssetKeyNamespace, slash)),
    }
    let mut start = slash + 1;
    loop {
        let end = word_end(bytes, start);
        match bytes.get(end) {
            None if end > start => return Ok(()),
            Some(b'.') if end > start => start = end + 1,
            _ => return Err(Error::at(Code::AssetKeyName, end)),
        }
    }
}

/// Where the longest `[a-z][a-z0-9_]*` ends that starts here.
fn word_end(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    while bytes.get(end).is_some_and(|byte| match byte {
        b'a'..=b'z' => true,
        b'0'..=b'9' | b'_' => end > start,
        _ => false,
    }) {
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_key_tells_its_parts() {
        let key = AssetKey::parse("raw/events.click_2").unwrap();
        assert_eq!((key.namespace(), key.name()), ("raw", "events.click_2"));
    }

    #[test]
    fn refusals_stand_where_the_text_leaves_the_grammar() {
        let long = alloc::format!("a/{}", "b".repeat(199));
        for (text, code, offset) in [
            (long.as_str(), Code::AssetKeyTooLong, None),
            ("", Code::AssetKeyEmpty, Some(0)),
            ("raw", Code::AssetKeyMissingSlash, Some(3)),
            ("raw.events", Code::AssetKeyNamespace, Some(3)),
            ("/events", Code::AssetKeyNamespace, Some(0)),
            ("Raw/events", Code::AssetKeyNamespace, Some(0)),
            ("raw/", Code::AssetKeyName, Some(4)),
            ("raw/a..b", Code::AssetKeyName, Some(6)),
            ("raw/a.", Code::AssetKeyName, Some(6)),
            ("raw/a/b", Code::AssetKeyName, Some(5)),
            ("raw/9", Code::AssetKeyName, Some(4)),
            ("raw/é", Code::AssetKeyName, Some(4)),
        ] {
            assert_eq!(AssetKey::parse(text), Err(Error { code, offset }), "{text}");
        }
    }

    #[test]
    fn a_dotted_key_is_split_at_its_first_dot_by_normalize_only() {
        assert_eq!(
            AssetKey::normalize("raw.events.click"),
            AssetKey::parse("raw/events.click")
        );
        assert_eq!(
            AssetKey::normalize("raw/events.click"),
            AssetKey::parse("raw/events.click")
        );
        assert_eq!(
            AssetKey::normalize("raw"),
            Err(Error::at(Code::AssetKeyMissingSlash, 3))
        );
        assert_eq!(
            AssetKey::normalize("raw.a/b"),
            Err(Error::at(Code::AssetKeyNamespace, 3))
        );
    }
}
