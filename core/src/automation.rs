//! A run starts for a reason that can be told: a chunk of a backfill, a tick of a schedule, something newer upstream.

pub mod backfill;
pub mod tick;
pub mod schedule;
pub mod schedules;
pub mod automations;
pub mod ordinals;
pub mod status;
