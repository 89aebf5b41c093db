//! Lines of a ledger are written into one buffer, and what they come to is read out of another.
#![cfg_attr(all(feature = "module", target_arch = "wasm32"), no_std)]

extern crate alloc;

#[cfg(all(feature = "module", target_arch = "wasm32"))]
#[path = "../../src/module.rs"]
mod module;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use arcoflow_core::door::replay::Replay as Core;
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;

/// A replay with its buffers. Every call that takes an input returns the length of its output: nothing, or why it was refused.
#[wasm_bindgen]
#[derive(Default)]
pub struct Replay {
    replay: Core,
    input: Vec<u8>,
    output: String,
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
        let said = self.replay.learn(content).err().map(|findings| {
            let all = findings.iter();
            Value::from_iter(all.map(|finding| {
                json!({ "code": finding.code, "pointer": format!("{}", finding.pointer), "message": finding.message })
            }))
        });
        self.say(said)
    }

    /// Takes the next line of an export, without its end. A refusal is the number of the record and a sentence.
    pub fn line(&mut self, length: usize) -> usize {
        let line = self.input.get(..length).unwrap_or_default();
        let said = self.replay.take_line(line).err();
        self.say(said.map(|broken| json!({ "seq": broken.seq, "sentence": broken.sentence })))
    }

    /// What the ledger comes to.
    pub fn result(&mut self) -> usize {
        let verifier = self.replay.verifier();
        let runs = self.replay.runs().map(|(run, is_known)| {
            let fingerprint = is_known.then(|| format!("{}", run.fingerprint()));
            json!({
                "runId": format!("{}", run.id),
                "manifest": format!("{}", run.triggered.manifest),
                "state": is_known.then(|| run.state()),
                "stateFingerprint": fingerprint,
            })
        });
        let result = json!({
            "records": verifier.seq(),
            "head": verifier.chain().to_hex(),
            "unknownKinds": verifier.unknown,
            "runs": Value::from_iter(runs),
        });
        self.say(Some(result))
    }

    fn say(&mut self, said: Option<Value>) -> usize {
        self.output.clear();
        if let Some(said) = said {
            self.output.push_str(&format!("{said}"));
        }
        self.output.len()
    }
}
