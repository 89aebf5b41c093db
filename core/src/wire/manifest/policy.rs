//! An asset's own policy is honoured: how it runs, how it is checked, how often and for how long.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::reader::Decode;

/// A command for the process worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// The program and its arguments; no shell stands between.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Added to the worker's environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

/// A program that judges what an asset's task made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// How a worker checks.
    pub run: Run,
    /// What a failure does.
    #[serde(default)]
    pub severity: Severity,
}

/// What a failing check does to the assets downstream.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Decode,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// They wait for the check, and are skipped when it fails.
    #[default]
    Block,
    /// They do not wait, and the run does not fail.
    Warn,
}

/// When a failed attempt is tried again: `baseDelayMs × factor^(attempt − 1)`, capped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts in all, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub max_attempts: u32,
    /// The delay before the second attempt, at most a day.
    #[schemars(range(max = 86_400_000))]
    pub base_delay_ms: u64,
    /// What the delay is multiplied by each time, 1 to 10.
    #[schemars(range(min = 1, max = 10))]
    pub factor: u32,
    /// No delay is longer; at most a day.
    #[schemars(range(max = 86_400_000))]
    pub max_delay_ms: u64,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            max_attempts: 3,
            base_delay_ms: 5_000,
            factor: 2,
            max_delay_ms: 300_000,
        }
    }
}

/// The four deadlines of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timeouts {
    /// From the lease to the start; 1 s to a day.
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub start_ms: u64,
    /// From one sign of life to the next; 1 s to a day.
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub heartbeat_ms: u64,
    /// From the start to the end; 1 s to 30 days.
    #[schemars(range(min = 1_000, max = 2_592_000_000_u64))]
    pub attempt_ms: u64,
    /// From the request to cancel to the end; 1 s to an hour.
    #[schemars(range(min = 1_000, max = 3_600_000))]
    pub cancel_grace_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            start_ms: 60_000,
            heartbeat_ms: 90_000,
            attempt_ms: 86_400_000,
            cancel_grace_ms: 30_000,
        }
    }
}

/// How many attempts may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// 1 to 1,000,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub limit: u32,
}
