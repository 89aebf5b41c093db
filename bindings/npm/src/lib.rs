//! JavaScript and the core meet in one buffer: bytes are written into it, an operation runs, bytes are read out of it.

mod operation;

use std::cell::RefCell;

use arcoflow_core::identity::canonical_json::Canonicalizer;
use arcoflow_core::identity::error::{Code, Error};
use wasm_bindgen::prelude::wasm_bindgen;

/// The answer of [`call`] and [`canonicalize`] when the input is refused.
const REFUSED: u32 = u32::MAX;
/// The offset of a refusal that has no place.
const NOWHERE: u32 = u32::MAX;
/// An input buffer above this many bytes is given back after use, because a wasm heap never shrinks otherwise.
const KEPT_BYTES: usize = 1 << 20;

#[derive(Default)]
struct Shared {
    input: Vec<u8>,
    output: Vec<u8>,
    canonicalizer: Canonicalizer,
    /// The canonical bytes of the last text: where they start.
    start: usize,
    refusal: Option<Error>,
}

thread_local! {
    static SHARED: RefCell<Shared> = RefCell::default();
}

/// Makes room for an input, and returns where to write it.
#[wasm_bindgen]
pub fn reserve(length: usize) -> usize {
    SHARED.with_borrow_mut(|shared| {
        if shared.input.len() < length {
            shared.input.resize(length.next_power_of_two(), 0);
        }
        shared.input.as_ptr() as usize
    })
}

/// Canonicalizes the input, and returns the length of the output.
#[wasm_bindgen]
pub fn canonicalize(length: usize) -> u32 {
    SHARED.with_borrow_mut(|shared| {
        let Shared {
            input,
            canonicalizer,
            start,
            refusal,
            ..
        } = shared;
        let input = input.get(..length).unwrap_or_default();
        match canonicalizer.canonicalize(input) {
            Ok(canonical) => {
                *start = canonical.as_ptr() as usize;
                canonical.len() as u32
            }
            Err(error) => {
                *refusal = Some(error);
                REFUSED
            }
        }
    })
}

/// Runs an operation on the input, and returns the length of the output.
#[wasm_bindgen]
pub fn call(operation: u32, length: usize) -> u32 {
    SHARED.with_borrow_mut(|shared| {
        let Shared {
            input,
            output,
            start,
            refusal,
            ..
        } = shared;
        output.clear();
        match operation::run(operation, input.get(..length).unwrap_or_default(), output) {
            Ok(()) => {
                *start = output.as_ptr() as usize;
                output.len() as u32
            }
            Err(error) => {
                *refusal = Some(error);
                REFUSED
            }
        }
    })
}

/// Where the output of the last call starts.
#[wasm_bindgen]
pub fn output() -> usize {
    SHARED.with_borrow(|shared| shared.start)
}

/// The code of the last refusal, as its place in the list of codes.
#[wasm_bindgen]
pub fn refusal_code() -> u32 {
    let refused = SHARED.with_borrow(|shared| shared.refusal);
    refused.map_or(NOWHERE, |error| error.code as u32)
}

/// The offset of the last refusal.
#[wasm_bindgen]
pub fn refusal_offset() -> u32 {
    SHARED
        .with_borrow(|shared| shared.refusal)
        .and_then(|error| error.offset)
        .unwrap_or(NOWHERE)
}

/// Writes the code and the sentence of a refusal, one a line, and returns the length of the output.
#[wasm_bindgen]
pub fn describe(code: usize) -> u32 {
    SHARED.with_borrow_mut(|shared| {
        shared.output.clear();
        if let Some(code) = Code::ALL.get(code) {
            shared.output.extend_from_slice(code.as_str().as_bytes());
            shared.output.push(b'\n');
            shared.output.extend_from_slice(code.sentence().as_bytes());
        }
        shared.start = shared.output.as_ptr() as usize;
        shared.output.len() as u32
    })
}

/// Gives large buffers back.
#[wasm_bindgen]
pub fn release() {
    SHARED.with_borrow_mut(|shared| {
        if shared.input.len() > KEPT_BYTES {
            *shared = Shared::default();
        }
    });
}
