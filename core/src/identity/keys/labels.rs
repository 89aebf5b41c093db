//! Tenants, workspaces and run keys are labels that callers bring.

use alloc::string::String;

use super::{RunKey, TenantId, WorkspaceId};
use crate::identity::error::{Code, Error};

const MAX_RUN_KEY_BYTES: usize = 256;

impl TenantId {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `tenant_id.length`, `tenant_id.character`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check_label(text, Code::TenantIdLength, Code::TenantIdCharacter)?;
        Ok(Self(String::from(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl WorkspaceId {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `workspace_id.length`, `workspace_id.character`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check_label(text, Code::WorkspaceIdLength, Code::WorkspaceIdCharacter)?;
        Ok(Self(String::from(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RunKey {
    /// Takes any text without control characters (Unicode's category `Cc`).
    ///
    /// # Errors
    /// `run_key.too_long`, `run_key.empty`, `run_key.control`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_bytes(text.as_bytes())
    }

    /// Takes the UTF-8 bytes of such a text.
    ///
    /// # Errors
    /// Those of [`RunKey::parse`], and `run_key.utf8`.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_RUN_KEY_BYTES {
            return Err(Error::new(Code::RunKeyTooLong));
        }
        if bytes.is_empty() {
            return Err(Error::at(Code::RunKeyEmpty, 0));
        }
        let (valid, invalid) = match core::str::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                (
                    core::str::from_utf8(valid).unwrap_or_default(),
                    Some(error.valid_up_to()),
                )
            }
        };
        if let Some(offset) = valid.find(char::is_control) {
            return Err(Error::at(Code::RunKeyControl, offset));
        }
        match invalid {
            Some(offset) => Err(Error::at(Code::RunKeyUtf8, offset)),
            None => Ok(Self(String::from(valid))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_label(text: &str, length: Code, character: Code) -> Result<(), Error> {
    let bytes = text.as_bytes();
    if !(3..=63).contains(&bytes.len()) {
        return Err(Error::new(length));
    }
    for (offset, byte) in bytes.iter().enumerate() {
        let fits = match byte {
            b'a'..=b'z' | b'0'..=b'9' => true,
            b'-' => offset > 0 && offset + 1 < bytes.len(),
            _ => false,
        };
        if !fits {
            return Err(Error::at(character, offset));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_inner_hyphens_only() {
        for text in ["abc", "a-1", "0--9"] {
            assert!(
                TenantId::parse(text).is_ok() && WorkspaceId::parse(text).is_ok(),
                "{text}"
            );
        }
        for (text, code, offset) in [
            ("ab", Code::TenantIdLength, None),
            ("-ab", Code::TenantIdCharacter, Some(0)),
            ("ab-", Code::TenantIdCharacter, Some(2)),
            ("aBc", Code::TenantIdCharacter, Some(1)),
            ("a_c", Code::TenantIdCharacter, Some(1)),
        ] {
            assert_eq!(TenantId::parse(text), Err(Error { code, offset }), "{text}");
        }
    }

    #[test]
    fn a_run_key_has_no_control_characters() {
        assert!(RunKey::parse("daily 2025-01-15 ☀ 名前").is_ok());
        for (bytes, code, offset) in [
            (b"".as_slice(), Code::RunKeyEmpty, Some(0)),
            (b"a\0", Code::RunKeyControl, Some(1)),
            (b"a\x7f", Code::RunKeyControl, Some(1)),
            (b"\xc2\x85", Code::RunKeyControl, Some(0)),
            (b"a\xff\0", Code::RunKeyUtf8, Some(1)),
            (&[b'a'; 257], Code::RunKeyTooLong, None),
        ] {
            assert_eq!(
                RunKey::parse_bytes(bytes),
                Err(Error { code, offset }),
                "{bytes:?}"
            );
        }
    }
}
