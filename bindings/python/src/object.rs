//! An object is written as the JSON text that it stands for; ordering and the remaining rules are the core's.

use std::cell::RefCell;

use arcoflow_core::identity::canonical_json::{self, write_magnitude, write_string};
use arcoflow_core::identity::error::{Code, Error};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::refusal::raise;

const MAX_DEPTH: usize = 128;
const KEPT_BYTES: usize = 1 << 20;

thread_local! {
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs over the JSON text of an object, members in the order in which they come.
pub(crate) fn with_text<R>(
    value: &Bound<'_, PyAny>,
    read: impl FnOnce(&[u8]) -> PyResult<R>,
) -> PyResult<R> {
    // Taken out, because a walk may run Python code that comes back here.
    let mut text = TEXT.take();
    text.clear();
    let made = write(value, 0, &mut text).and_then(|()| read(&text));
    if text.capacity() <= KEPT_BYTES {
        TEXT.set(text);
    }
    made
}

fn refuse(value: &Bound<'_, PyAny>, code: Code) -> PyErr {
    raise(value.py(), Error { code, offset: None })
}

/// The exact types are one comparison each; what inherits from them is asked for after them.
fn write(value: &Bound<'_, PyAny>, depth: usize, out: &mut Vec<u8>) -> PyResult<()> {
    if let Ok(text) = value.cast_exact::<PyString>() {
        write_text(text, out)
    } else if let Ok(integer) = value.cast_exact::<PyInt>() {
        write_integer(integer, out)
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        write_dict(dict, depth, out)
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        write_array(value, list.iter(), depth, out)
    } else if let Ok(boolean) = value.cast_exact::<PyBool>() {
        out.extend_from_slice(if boolean.is_true() { b"true" } else { b"false" });
        Ok(())
    } else if value.is_none() {
        out.extend_from_slice(b"null");
        Ok(())
    } else {
        write_subclass(value, depth, out)
    }
}

fn write_subclass(value: &Bound<'_, PyAny>, depth: usize, out: &mut Vec<u8>) -> PyResult<()> {
    if let Ok(text) = value.cast::<PyString>() {
        write_text(text, out)
    } else if let Ok(dict) = value.cast::<PyDict>() {
        write_dict(dict, depth, out)
    } else if let Ok(list) = value.cast::<PyList>() {
        write_array(value, list.iter(), depth, out)
    } else if let Ok(integer) = value.cast::<PyInt>() {
        write_integer(integer, out)
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        write_array(value, tuple.iter(), depth, out)
    } else if value.is_instance_of::<PyFloat>() {
        Err(refuse(value, Code::JsonFloat))
    } else {
        Err(refuse(value, Code::JsonValue))
    }
}

/// A path of 128 containers is either too deep or goes in circles; the depth is what can be said of both.
fn descend(value: &Bound<'_, PyAny>, depth: usize) -> PyResult<usize> {
    if depth >= MAX_DEPTH {
        Err(refuse(value, Code::JsonDepth))
    } else {
        Ok(depth + 1)
    }
}

fn write_array<'py>(
    value: &Bound<'py, PyAny>,
    elements: impl Iterator<Item = Bound<'py, PyAny>>,
    depth: usize,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    let depth = descend(value, depth)?;
    out.push(b'[');
    for (index, element) in elements.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(&element, depth, out)?;
    }
    out.push(b']');
    Ok(())
}

fn write_dict(dict: &Bound<'_, PyDict>, depth: usize, out: &mut Vec<u8>) -> PyResult<()> {
    let depth = descend(dict, depth)?;
    out.push(b'{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let Ok(key) = key.cast::<PyString>() else {
            return Err(refuse(dict, Code::JsonKey));
        };
        write_text(key, out)?;
        out.push(b':');
        write(&value, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_text(text: &Bound<'_, PyString>, out: &mut Vec<u8>) -> PyResult<()> {
    let Ok(text) = text.to_str() else {
        return Err(refuse(text, Code::JsonSurrogate));
    };
    write_string(out, text);
    Ok(())
}

/// A subclass of `int` is the integer that it holds, whatever it prints as.
fn write_integer(integer: &Bound<'_, PyInt>, out: &mut Vec<u8>) -> PyResult<()> {
    if let Ok(small) = integer.extract::<i64>() {
        canonical_json::write_integer(out, small);
    } else if let Ok(large) = integer.extract::<u64>() {
        write_magnitude(out, large);
    } else {
        return Err(refuse(integer, Code::JsonRange));
    }
    Ok(())
}
