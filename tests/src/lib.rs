//! Shared parts of the suites.

pub mod fixtures;

/// The examples of the documents, run as they stand.
#[doc = include_str!("../../docs/identity.md")]
pub mod identity_document {}
