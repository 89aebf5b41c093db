//! The only place that reads the system's entropy.

/// Fresh random bytes.
///
/// # Panics
/// When the system has none: nothing can be named or signed then, so there is nothing to go on with.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the system gives no random bytes: {error}");
    }
    bytes
}
