//! A refusal becomes `ArcoflowError`, with its code, its sentence and its offset.

use std::borrow::Cow;

use arcoflow_core::identity::error::{Code, Error};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString, PyType};

static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception of a refusal.
pub(crate) fn raise(py: Python<'_>, error: Error) -> PyErr {
    let made = CLASS
        .import(py, "arcoflow.errors", "ArcoflowError")
        .and_then(|class| class.call1((error.code.as_str(), error.sentence(), error.offset)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(other) => other,
    }
}

/// The bytes of a text with lone surrogates, each as three bytes that are no UTF-8.
pub(crate) fn surrogates(text: &Bound<'_, PyString>) -> PyResult<Vec<u8>> {
    let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
    Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec())
}

/// A text for a grammar that no replacement character passes.
pub(crate) fn text<'a>(text: &'a Bound<'_, PyString>) -> Cow<'a, str> {
    match text.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            surrogates(text).map_or_else(|_| String::from('\u{fffd}'), |bytes| replaced(&bytes)),
        ),
    }
}

/// One replacement character for each lone surrogate: both have three bytes, so offsets stay.
fn replaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        match core::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                break;
            }
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                text.push_str(core::str::from_utf8(valid).unwrap_or_default());
                text.push('\u{fffd}');
                rest = after.get(3..).unwrap_or_default();
            }
        }
    }
    text
}

/// In a `str`, what is no UTF-8 is a lone surrogate.
pub(crate) fn of_text(error: Error, bytes: &[u8]) -> Error {
    let place = error.offset.and_then(|offset| bytes.get(offset as usize..));
    match (error.code, place) {
        (Code::JsonUtf8, Some([0xed, 0xa0..=0xbf, ..])) => Error {
            code: Code::JsonSurrogate,
            ..error
        },
        _ => error,
    }
}
