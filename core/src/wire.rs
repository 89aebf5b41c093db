//! Every shape that leaves the process is declared once, here.

pub mod finding;
pub mod pointer;
pub mod reader;
pub mod literal;
pub mod scope;
pub mod shard;
pub mod trigger;
pub mod manifest;
pub mod backfill;
pub mod pause;
pub mod schedule;
pub mod sensor;
pub mod automation;
pub mod task_set;
pub mod event;
pub mod record;
pub mod envelope;
pub mod callback;
pub mod ledger;
pub mod sweep;
pub mod view;
pub mod asset;
pub mod plan;
pub mod problem;
pub mod body;
