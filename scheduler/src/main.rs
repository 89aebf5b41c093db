//! The `arcoflow` binary.
fn main() {}
