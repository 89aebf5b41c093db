//! Shared parts of the suites.

pub mod fixtures;
pub mod contract;

/// The examples of the documents, run as they stand.
#[doc = include_str!("../../docs/identity.md")]
pub mod identity_document {}

/// The same of the page about other libraries.
#[doc = include_str!("../../docs/identity-elsewhere.md")]
pub mod elsewhere_document {}
