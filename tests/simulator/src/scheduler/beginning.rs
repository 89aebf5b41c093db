//! Where a scheduler that knows nothing begins to read.

use arcoflow_core::run::owed::begin_after;
use serde_json::Value;

use crate::post::Seen;

/// The oldest run or backfill that is open: what ended before that has no future.
#[derive(Default)]
pub(super) struct Beginning {
    pub(super) has_runs: bool,
    pub(super) has_backfills: bool,
    pub(super) has_schedules: bool,
    /// What a sweep saw: everything that was begun before has ended.
    pub(super) floor: Option<u64>,
    oldest: Option<u64>,
    as_of: u64,
}

impl Beginning {
    pub(super) fn take_runs(&mut self, seen: &Seen) {
        self.has_runs = true;
        self.as_of = seen.json["asOf"].as_u64().unwrap_or(0);
        self.take(&seen.json["runs"]);
    }

    pub(super) fn take_backfills(&mut self, seen: &Seen) {
        self.has_backfills = true;
        self.take(&seen.json["backfills"]);
    }

    /// The record to begin after.
    pub(super) fn seq(&self) -> u64 {
        begin_after(self.oldest, self.as_of, self.floor.unwrap_or(0))
    }

    fn take(&mut self, list: &Value) {
        let seqs = list.as_array().into_iter().flatten();
        let seqs = seqs.filter_map(|entry| entry["seq"].as_u64());
        self.oldest = seqs.chain(self.oldest).min();
    }
}
