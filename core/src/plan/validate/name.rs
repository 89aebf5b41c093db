//! A name that people choose is short and needs no quoting anywhere.

use alloc::format;

use super::Report;
use super::place::Place;
use crate::wire::manifest::limit::MAX_NAME_BYTES;

/// Reports a name that is not `[A-Za-z0-9][A-Za-z0-9_.:/-]*` of at most 64 bytes.
pub(super) fn check(report: &mut Report, pointer: &Place<'_>, what: &str, name: &str) {
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
    if name.len() > MAX_NAME_BYTES || !starts || !bytes.all(goes_on) {
        report.add(
            "manifest.name",
            pointer,
            format!("`{name}` cannot be the name of a {what}"),
            format!("use 1 to {MAX_NAME_BYTES} letters, digits and `_.:/-`, starting with a letter or a digit"),
        );
    }
}

/// Whether a text can name a dimension: `[a-z][a-z0-9_]*`, at most 64 bytes.
pub(super) fn is_dimension(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.len() <= MAX_NAME_BYTES
}
