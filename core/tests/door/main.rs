//! The door, the scheduler's decisions and the workers' callbacks hold together on a real SQLite database.

mod store;
mod answer;
mod house;
mod replayed;
mod town;
mod place;
mod refusals;
mod strangers;
mod lives;
mod leases;
mod callbacks;
mod decisions;
mod backfills;
mod schedules;
mod overdue;
mod partitions;
mod previews;
mod sensors;
mod automations;
mod ledger;
mod sweeps;
mod chaos;
mod webhooks;
mod shards;
mod hearing;
