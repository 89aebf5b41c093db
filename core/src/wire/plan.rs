//! What a trigger would run, before it runs: assets by stage, what each waits for, and the tasks.

use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::digest::Sha256Digest;
use crate::identity::keys::{AssetKey, TaskKey};
use crate::wire::asset::PartitionCounts;

/// The plan of a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The manifest that it is compiled from.
    pub manifest: Sha256Digest,
    /// Its fingerprint: that of the run that the trigger would start.
    pub plan: Sha256Digest,
    /// How many tasks it has.
    pub tasks: u32,
    /// How many pairs of tasks of which one waits for the other.
    pub edges: u32,
    /// How many stages: the tasks of the longest chain.
    pub stages: u32,
    /// The assets that have tasks, in order of their stages.
    pub assets: Vec<PlannedAsset>,
    /// Tasks in task-key order.
    pub page: Vec<PlannedTask>,
    /// Pass it as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<TaskKey>,
}

/// The tasks of one asset in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAsset {
    /// The asset.
    pub asset_key: AssetKey,
    /// The first stage that one of its tasks is in, from 0.
    pub stage: u32,
    /// How many tasks it has, checks included.
    pub tasks: u32,
    /// Upstreams that are made in the same plan, and are waited for.
    pub waits_for: Vec<AssetKey>,
    /// Upstreams that are taken as they are.
    pub takes: Vec<AssetKey>,
    /// The states of the partitions that would be made, at this moment; absent without a ledger, and for plans of more than 100,000 tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<PartitionCounts>,
}

/// A task of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedTask {
    /// The task.
    pub task_key: TaskKey,
    /// Its stage, from 0.
    pub stage: u32,
    /// How many tasks it waits for.
    pub waits_for: u32,
}
