//! Shared parts of the suites.

pub mod fixtures;
