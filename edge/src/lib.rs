//! The edge maps bytes: what a request means, and what becomes of it, is core's to say.

pub mod door;
mod exchange;
mod store;
mod clock;
mod entropy;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn error(line: &str);
}

/// A bug is said in the log of the worker before the instance is thrown away.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

/// A line for the log of the worker.
fn log(line: &str) {
    error(line);
}
