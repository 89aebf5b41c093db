//! Why runs start: chunks of a backfill, ticks of a schedule, and whatever else does not need a caller.

pub mod backfill;
pub mod tick;
pub mod schedule;
pub mod status;
