//! A manifest says which assets there are, what they need and how each is made.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::ids::AssetId;
use crate::identity::keys::AssetKey;
use crate::wire::reader::Decode;

pub mod partition;
pub mod policy;
pub mod automation;
pub mod cron;
pub mod document;
pub mod limit;
pub mod schema;

use automation::{Automation, Schedule, Sensor};
use partition::{Dimension, Mapping};
use policy::{Check, Limit, Retry, Run, Timeouts};

/// Everything that is deployed together. The version is 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The version of this shape; 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The pipeline's name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The assets, in any order; at most 100,000.
    #[serde(default)]
    pub assets: Vec<Asset>,
    /// Named limits on attempts that are open at once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, Limit>,
    /// Limits of the queues that workers lease from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, Limit>,
    /// How old a run may get before it is cancelled, in milliseconds, 1 s to 30 days; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_000, max = 2_592_000_000_u64))]
    pub run_timeout_ms: Option<u64>,
    /// Runs that start by the clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Schedule>,
    /// Runs that start when something outside happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensors: Vec<Sensor>,
    /// Assets that are made again whenever what they are made from is newer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub automations: Vec<Automation>,
}

/// One thing that is made, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asset {
    /// What the asset is called.
    pub key: AssetKey,
    /// What it is for ever, also when it is renamed.
    pub id: AssetId,
    /// What it holds, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<Upstream>,
    /// The dimensions of its partitions; none for an unpartitioned asset, at most four.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<Dimension>,
    /// How a worker makes it.
    pub run: Run,
    /// How a worker checks it once it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// When a failed attempt is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// How long things may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// The queue its tasks are leased from.
    #[serde(default = "default_queue")]
    pub queue: String,
    /// The pool that bounds how many of its tasks are open at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Higher goes first within a run; -1,000 to 1,000.
    #[serde(default)]
    #[schemars(range(min = -1000, max = 1000))]
    pub priority: i32,
    /// What a worker must have free, in units that workers and manifests agree on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, u64>,
    /// Words to select it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// One asset that another is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upstream {
    /// The upstream's key.
    pub asset: AssetKey,
    /// Which of its partitions one partition needs; when absent, `identity` on each dimension that
    /// both assets have and `all` on the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
}

/// The queue of an asset that names none.
pub const DEFAULT_QUEUE: &str = "default";

fn default_queue() -> String {
    DEFAULT_QUEUE.to_string()
}
