//! The edge maps bytes: what a request means, and what becomes of it, is core's to say.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod door;
mod exchange;
mod store;
mod clock;
mod entropy;
#[cfg(target_family = "wasm")]
mod bug;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn error(line: &str);
}

/// A line for the log of the worker.
fn log(line: &str) {
    error(line);
}
