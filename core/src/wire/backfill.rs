//! A backfill runs a selection over many partitions, a chunk at a time.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{BackfillId, RunId};
use crate::wire::reader::Decode;
use crate::wire::trigger::Trigger;

/// What somebody wants to have run over many partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackfillRequest {
    /// Which assets and partitions, as a trigger says it.
    pub trigger: Trigger,
    /// The dimension to walk along; the only one of time when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimension: Option<String>,
    /// Partitions of that dimension in one run, from 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub chunk_size: u32,
    /// Runs at once, 1 to 1,000.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub concurrency: u32,
}

fn one() -> u32 {
    1
}

/// A backfill as it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackfillAnswer {
    /// The backfill.
    pub backfill_id: BackfillId,
    /// How many chunks it has.
    pub chunks: u32,
    /// The record that says so.
    pub seq: u64,
}

/// Why a backfill is paused, resumed or cancelled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackfillChange {
    /// In the words of whoever asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With `resume`: run the chunks again that failed.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub retry_failed: bool,
}

/// Where a backfill is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackfillState {
    /// Chunks are run.
    Running,
    /// No new chunk is begun.
    Paused,
    /// No new chunk is begun, and the runs of the open ones are being cancelled.
    Cancelling,
    /// Every chunk succeeded.
    Succeeded,
    /// Every chunk has ended, and some did not succeed.
    Failed,
    /// It was cut short.
    Cancelled,
}

/// A backfill, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackfillView {
    /// The backfill.
    pub backfill_id: BackfillId,
    /// The record that says so; none of its runs is before that.
    pub seq: u64,
    /// Where it is.
    pub state: BackfillState,
    /// What was asked for.
    pub request: BackfillRequest,
    /// The manifest that its plans are compiled from.
    pub manifest: Sha256Digest,
    /// How many chunks it has.
    pub chunks: u32,
    /// Chunks whose run succeeded.
    pub succeeded: u32,
    /// Chunks whose newest run did not succeed.
    pub failed: Vec<u32>,
    /// Chunks whose run has not ended.
    pub open: Vec<ChunkView>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// One chunk of a backfill that has a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChunkView {
    /// Its number, from 0.
    pub chunk: u32,
    /// Its newest run.
    pub run_id: RunId,
}

/// A page of backfills, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackfillPage {
    /// The backfills.
    pub backfills: Vec<BackfillView>,
    /// The record up to which this is true.
    pub as_of: u64,
}
