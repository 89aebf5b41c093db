//! What a scheduler's state says has to be in the door's indexes, and what a sweep found of it.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::ids::{BackfillId, RunId};
use crate::identity::keys::TaskKey;
use crate::wire::reader::Decode;
use crate::wire::view::TaskState;

/// A part of what a scheduler's state says has to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SweepRequest {
    /// The epoch of the scheduler's lease.
    pub epoch: u64,
    /// The newest record that the scheduler has folded.
    pub as_of: u64,
    /// The record before the oldest one that matters: every run and every backfill that was begun up to it has ended.
    pub floor: u64,
    /// Whether this is not the first part of a sweep.
    #[serde(default)]
    pub goes_on: bool,
    /// Decisions that nobody would have made, because the scheduler thought that it was at rest.
    #[serde(default)]
    pub decisions: u32,
    /// Backfills that are not over.
    #[serde(default)]
    pub backfills: Vec<OwedBackfill>,
    /// Runs that have not ended; at most 2,000 runs, attempts and backfills in one request.
    pub runs: Vec<OwedRun>,
}

/// A backfill that has to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwedBackfill {
    /// The backfill.
    pub backfill_id: BackfillId,
    /// The record that asked for it.
    pub seq: u64,
}

/// A run that has to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwedRun {
    /// The run.
    pub run_id: RunId,
    /// The record that started it.
    pub seq: u64,
    /// The record that planned it is folded.
    #[serde(default)]
    pub is_planned: bool,
    /// The record that asked for its end is folded.
    #[serde(default)]
    pub is_cancelled: bool,
    /// Its attempts that something has to become of.
    pub attempts: Vec<OwedAttempt>,
}

/// An attempt that has to be there: the newest of its task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwedAttempt {
    /// The task.
    pub task_key: TaskKey,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Where the task is: `dispatched`, `running`, or `retry_wait` when the attempt is over and another one follows.
    pub state: TaskState,
}

/// What a sweep found, part by part added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweepView {
    /// Every run and every backfill that was begun at or before this record has ended; a scheduler begins to read here.
    pub floor: u64,
    /// The newest record that the scheduler had folded.
    pub as_of: u64,
    /// When the last part was looked at, in milliseconds since 1970; absent before the first sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// Runs, attempts and backfills that the last sweep looked at.
    pub looked_at: u64,
    /// Runs, attempts, backfills and decisions that it found left behind.
    pub left_behind: u64,
    /// What was written again since the ledger began.
    pub repaired: u64,
    /// What was left behind, newest first; at most 20.
    #[serde(default)]
    pub found: Vec<LeftBehind>,
}

/// Something that nothing would have moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftBehind {
    /// When it was found, in milliseconds since 1970.
    pub at: u64,
    /// The run; absent for a backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The backfill; absent for a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill_id: Option<BackfillId>,
    /// The task; absent when it is the run itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_key: Option<TaskKey>,
    /// The attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What was wrong, in a sentence.
    pub fault: String,
}
