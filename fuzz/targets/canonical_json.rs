//! Canonical JSON is idempotent, means what a peer reads, and a used context answers as a fresh one.

#![no_main]

use std::cell::RefCell;

use arcoflow_core::identity::canonical_json::{Canonicalizer, canonicalize, to_vec};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static USED: RefCell<Canonicalizer> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    let fresh = canonicalize(data);
    USED.with_borrow_mut(|used| {
        assert_eq!(used.canonicalize(data).map(<[u8]>::to_vec), fresh);
    });
    let canonical = match fresh {
        Ok(canonical) => canonical,
        Err(error) => {
            assert!(
                error
                    .offset
                    .is_none_or(|offset| offset as usize <= data.len())
            );
            return;
        }
    };
    assert!(
        canonical.len() <= data.len(),
        "the output of integers and texts is never longer"
    );
    assert_eq!(canonicalize(&canonical).as_deref(), Ok(&*canonical));
    // The peer counts levels differently at its limit of 128.
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) {
        assert_eq!(to_vec(&value).as_deref(), Ok(&*canonical));
        let read: serde_json::Value =
            serde_json::from_slice(&canonical).expect("canonical JSON is JSON");
        assert_eq!(read, value);
    }
});
