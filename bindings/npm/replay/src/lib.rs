//! Lines of a ledger are written into one buffer, and what they come to is read out of another.
#![cfg_attr(all(feature = "module", target_arch = "wasm32"), no_std)]

extern crate alloc;

#[cfg(all(feature = "module", target_arch = "wasm32"))]
#[path = "../../src/module.rs"]
mod module;

use alloc::vec::Vec;

use arcoflow_core::door::replay::Replay as Core;
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// A replay with its buffers. Every call that takes an input returns the length of its output: nothing, or why it was refused.
#[wasm_bindgen]
#[derive(Default)]
pub struct Replay {
    replay: Core,
    input: Vec<u8>,
    output: Vec<u8>,
}

#[wasm_bindgen]
impl Replay {
    /// A replay at the beginning of a ledger.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for an input, and returns where to write it.
    pub fn reserve(&mut self, length: usize) -> usize {
        if self.input.len() < length {
            self.input.resize(length.next_power_of_two(), 0);
        }
        self.input.as_ptr() as usize
    }

    /// Where the output of the last call starts.
    pub fn start(&self) -> usize {
        self.output.as_ptr() as usize
    }

    /// Takes a manifest. A refusal is a list of findings.
    pub fn manifest(&mut self, length: usize) -> usize {
        let content = self.input.get(..length).unwrap_or_default();
        let refused = self.replay.learn(content).err();
        self.say(refused)
    }

    /// Takes the next line of an export, without its end. A refusal is the number of the record and a sentence.
    pub fn line(&mut self, length: usize) -> usize {
        let line = self.input.get(..length).unwrap_or_default();
        let refused = self.replay.take_line(line).err();
        self.say(refused)
    }

    /// What the ledger comes to.
    pub fn result(&mut self) -> usize {
        self.say(Some(self.replay.result()))
    }

    fn say(&mut self, said: Option<impl Serialize>) -> usize {
        self.output = said
            .and_then(|said| serde_json::to_vec(&said).ok())
            .unwrap_or_default();
        self.output.len()
    }
}
