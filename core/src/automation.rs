//! A run starts for a reason that can be told: a tick, a chunk of a backfill.

pub mod cron;
pub mod schedule;
pub mod backfill;
pub mod status;
