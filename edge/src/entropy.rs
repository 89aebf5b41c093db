//! The only place of the edge that draws random bytes.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// Fresh random bytes.
pub(crate) fn draw() -> [u8; 32] {
    let mut bytes = [0; 32];
    get_random_values(&mut bytes);
    bytes
}
