//! The few commands that CI and people share.
fn main() {}
