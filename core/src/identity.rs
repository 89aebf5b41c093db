//! The same thing has the same name on every target, and no two things share one.

pub mod canonical_json;
pub mod digest;
pub mod ids;
pub mod keys;
pub mod partition_key;
pub mod partition_id;
pub mod derived;
pub mod error;
pub mod schema;
pub mod spelling;
