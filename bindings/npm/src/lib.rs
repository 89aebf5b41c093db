//! JavaScript and the core meet in one buffer: bytes are written into it, an operation runs, bytes are read out of it.
#![cfg_attr(all(feature = "module", target_arch = "wasm32"), no_std)]

extern crate alloc;

mod operation;
#[cfg(all(feature = "module", target_arch = "wasm32"))]
mod module;

use alloc::vec::Vec;

use arcoflow_core::identity::canonical_json::Canonicalizer;
use arcoflow_core::identity::error::{Code, Error};
use wasm_bindgen::prelude::wasm_bindgen;

/// The answer of [`Core::call`] and [`Core::canonicalize`] when the input is refused.
const REFUSED: u32 = u32::MAX;
/// The offset of a refusal that has no place.
const NOWHERE: u32 = u32::MAX;
/// An input buffer above this many bytes is given back after use, because a wasm heap never shrinks otherwise.
const KEPT_BYTES: usize = 1 << 20;

/// The buffers and what the last call said.
#[wasm_bindgen]
#[derive(Default)]
pub struct Core {
    input: Vec<u8>,
    output: Vec<u8>,
    canonicalizer: Canonicalizer,
    said: Said,
}

/// Three numbers at a fixed place, so that JavaScript reads them without a call.
#[derive(Default)]
#[repr(C)]
struct Said {
    /// Where the output starts.
    start: u32,
    /// The code of the last refusal, as its place in the list of codes.
    code: u32,
    /// The offset of the last refusal.
    offset: u32,
}

#[wasm_bindgen]
impl Core {
    /// Empty buffers.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where three numbers of 32 bits stand as long as this lives: where the output of the last call starts, the code of the last
    /// refusal as its place in the list of codes, and its offset.
    pub fn said(&self) -> usize {
        core::ptr::from_ref(&self.said) as usize
    }

    /// Makes room for an input, and returns where to write it.
    pub fn reserve(&mut self, length: usize) -> usize {
        if self.input.len() < length {
            self.input.resize(length.next_power_of_two(), 0);
        }
        self.input.as_ptr() as usize
    }

    /// Canonicalizes the input, and returns the length of the output.
    pub fn canonicalize(&mut self, length: usize) -> u32 {
        let input = self.input.get(..length).unwrap_or_default();
        match self.canonicalizer.canonicalize(input) {
            Ok(canonical) => self.said.output(canonical),
            Err(error) => self.said.refusal(error),
        }
    }

    /// Runs an operation on the input, and returns the length of the output.
    pub fn call(&mut self, operation: u32, length: usize) -> u32 {
        self.output.clear();
        let input = self.input.get(..length).unwrap_or_default();
        match operation::run(operation, input, &mut self.output) {
            Ok(()) => self.said.output(&self.output),
            Err(error) => self.said.refusal(error),
        }
    }

    /// Writes the code and the sentence of a refusal, one a line, and returns the length of the output.
    pub fn describe(&mut self, code: usize) -> u32 {
        self.output.clear();
        if let Some(code) = Code::ALL.get(code) {
            self.output.extend_from_slice(code.as_str().as_bytes());
            self.output.push(b'\n');
            self.output.extend_from_slice(code.sentence().as_bytes());
        }
        self.said.output(&self.output)
    }

    /// Gives large buffers back.
    pub fn release(&mut self) {
        if self.input.len() > KEPT_BYTES {
            self.input = Vec::new();
            self.output = Vec::new();
            self.canonicalizer = Canonicalizer::new();
        }
    }
}

impl Said {
    fn output(&mut self, bytes: &[u8]) -> u32 {
        self.start = bytes.as_ptr() as usize as u32;
        bytes.len() as u32
    }

    fn refusal(&mut self, error: Error) -> u32 {
        self.code = error.code as u32;
        self.offset = error.offset.unwrap_or(NOWHERE);
        REFUSED
    }
}
