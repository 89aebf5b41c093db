//! An envelope is all that a worker gets to know about the task that it leased.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::ids::{AttemptId, MaterializationId, RunId, TaskId};
use crate::identity::keys::{AssetKey, TaskKey, TenantId, WorkspaceId};
use crate::identity::partition_key::PartitionKey;
use crate::wire::manifest::policy::Run;
use crate::wire::reader::Decode;
use crate::wire::sensor::Look;

/// A request for work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseRequest {
    /// The worker's name; the attempts that it starts are its own.
    #[schemars(extend("pattern" = "^[A-Za-z0-9._:@/-]{1,128}$"))]
    pub worker_id: String,
    /// The queues it serves.
    #[schemars(length(min = 1, max = 64))]
    pub queues: Vec<String>,
    /// The most envelopes it takes, up to 1,000. With 0 it gets none, and is answered when there is one to get.
    #[schemars(range(max = 1_000))]
    pub max: u32,
    /// How long to wait for work when there is none, in seconds, up to 60.
    #[serde(default)]
    #[schemars(range(max = 60))]
    pub wait_s: u32,
    /// Give first what this worker has leased and not started, in fresh envelopes: the answer that it came in may be lost. With
    /// `start` also what it has started.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub again: bool,
    /// Start what is given in the same transaction, for a worker that begins at once: it sends no `started` then.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub start: bool,
}

/// The work that a worker got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseAnswer {
    /// The envelopes; empty when there was no work within the wait.
    pub tasks: Vec<Envelope>,
}

/// One leased attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Who owns the data.
    pub tenant_id: TenantId,
    /// Where in their house.
    pub workspace_id: WorkspaceId,
    /// The run.
    pub run_id: RunId,
    /// The task.
    pub task_id: TaskId,
    /// The task, readable.
    pub task_key: TaskKey,
    /// The asset that the task is about.
    pub asset_key: AssetKey,
    /// The partition, when the asset has partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The attempt's id.
    pub attempt_id: AttemptId,
    /// The name of this dispatch; it does not change when the attempt is leased again.
    pub dispatch_id: String,
    /// How often to send a heartbeat, in milliseconds.
    pub heartbeat_interval_ms: u64,
    /// After how much silence the attempt is closed, in milliseconds.
    pub heartbeat_timeout_ms: u64,
    /// The door's time in milliseconds after which the attempt is closed whatever it does.
    pub deadline: u64,
    /// The base of the callback URLs, without a slash at the end.
    pub callback_base_url: String,
    /// The bearer token for this attempt's callbacks.
    pub task_token: String,
    /// When the token ends, in milliseconds since 1970.
    pub token_expires_at: u64,
    /// W3C trace context: the run is the trace, the attempt is the span.
    pub traceparent: String,
    /// What to do.
    pub payload: Payload,
}

/// What to do, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// How to run it, from the manifest.
    pub run: Run,
    /// What the upstreams made, in task-key order.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// Whether there are more inputs than an envelope holds; `GET /v1/tasks/{taskId}/inputs` lists them all.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub inputs_truncated: bool,
    /// For the program of a sensor: where to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
}

/// The materialisation of an upstream that an attempt works from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// The upstream asset.
    pub asset_key: AssetKey,
    /// Its partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// The run that made it.
    pub run_id: RunId,
    /// The record that says so.
    pub seq: u64,
    /// Its name.
    pub materialization_id: MaterializationId,
    /// Rows in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_path: Option<String>,
}

/// The inputs of an attempt, a page at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputPage {
    /// The inputs of this page.
    pub inputs: Vec<Input>,
    /// Pass it as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}
