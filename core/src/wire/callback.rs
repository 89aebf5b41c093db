//! Callbacks are what a worker reports about the attempt that it holds.

use alloc::string::String;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::identity::ids::AttemptId;
use crate::wire::event::{Output, TaskError};
use crate::wire::reader::Decode;
use crate::wire::sensor::SensorFindings;

/// The worker begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The attempt; must be the token's.
    pub attempt: u32,
    /// The attempt's id, when sent must be the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<AttemptId>,
    /// The worker that claims it.
    pub worker_id: String,
}

/// The worker is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The attempt; must be the token's.
    pub attempt: u32,
    /// The attempt's id, when sent must be the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<AttemptId>,
    /// The worker that holds it.
    pub worker_id: String,
    /// How far it is, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub progress_pct: Option<u8>,
}

/// The worker is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Completed {
    /// The attempt; must be the token's.
    pub attempt: u32,
    /// The attempt's id, when sent must be the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<AttemptId>,
    /// The worker that held it.
    pub worker_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it made; for a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Why it failed; for a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// What the program of a sensor found; for a look that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<SensorFindings>,
    /// Members that this version does not know; they are kept, up to 16 KiB.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How an attempt ended, in a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// The work is done.
    Succeeded,
    /// The work is not done.
    Failed,
    /// The work was stopped on request.
    Cancelled,
}

/// The answer to `started` and `completed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallbackAnswer {
    /// Always true; a refusal is a problem.
    pub accepted: bool,
    /// The record that the fact stands in.
    pub seq: u64,
    /// When the attempt is closed whatever it does, in the door's milliseconds since 1970; in the answer to `started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// The door's time when it answered, in milliseconds since 1970.
    pub server_time: u64,
}

/// The answer to a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatAnswer {
    /// Whether the worker is to stop.
    pub should_cancel: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    /// A fresh token, when less than half of the old one's life is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<String>,
    /// When the fresh token ends, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<u64>,
    /// The door's time when it answered, in milliseconds since 1970.
    pub server_time: u64,
}

/// The answer to a renewal: a token for the same attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenewAnswer {
    /// The fresh token.
    pub task_token: String,
    /// When it ends, in milliseconds since 1970.
    pub token_expires_at: u64,
    /// The door's time when it answered, in milliseconds since 1970.
    pub server_time: u64,
}

/// A piece of a task's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPiece {
    /// The attempt; must be the token's.
    pub attempt: u32,
    /// Where in the attempt's log the text begins, in bytes; a piece that was sent before is recognised by it.
    pub offset: u64,
    /// The text.
    pub text: String,
}

/// The answer to a piece of log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogAnswer {
    /// How many bytes of the attempt's log the door has.
    pub size: u64,
    /// Whether the door keeps no more of this log.
    pub full: bool,
}
