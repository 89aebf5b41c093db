//! The only place of the edge that looks at a clock.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
}

/// Milliseconds since 1970. On Cloudflare it stands still between two events from outside.
pub(crate) fn now_ms() -> u64 {
    date_now() as u64
}
