//! No bytes open a door that did not mint them.

#![no_main]

use arcoflow_core::door::token::{KeyStage, TokenKey, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let key = TokenKey {
        id: "k1".to_owned(),
        secret: [7; 32],
        stage: KeyStage::Active,
    };
    // Nobody signs with this key, so whatever is accepted is forged.
    assert!(verify(&[key], "issuer", "audience", text, 1_700_000_000_000).is_err());
});
