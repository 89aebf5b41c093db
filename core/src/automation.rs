//! Why runs start: chunks of a backfill, and whatever else does not need a caller.

pub mod backfill;
