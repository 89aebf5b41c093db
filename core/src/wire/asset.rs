//! What a caller reads about assets and their partitions: how many are in which state, which ones, and why.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{MaterializationId, RunId};
use crate::identity::keys::AssetKey;
use crate::identity::partition_key::PartitionKey;
use crate::wire::manifest::partition::DimensionKind;

/// What is known of one partition of an asset. An asset without partitions is one partition.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum PartitionState {
    /// Nothing was made of it.
    Missing,
    /// An attempt at it is open: asked for, leased or running.
    Running,
    /// What was made last is good.
    Succeeded,
    /// The last attempt failed.
    Failed,
    /// What was made is good, and something that it would be made from was made since, or is stale itself.
    Stale,
}

impl PartitionState {
    /// Every state.
    pub const ALL: [PartitionState; 5] = [
        PartitionState::Missing,
        PartitionState::Running,
        PartitionState::Succeeded,
        PartitionState::Failed,
        PartitionState::Stale,
    ];

    /// The name as it stands in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PartitionState::Missing => "missing",
            PartitionState::Running => "running",
            PartitionState::Succeeded => "succeeded",
            PartitionState::Failed => "failed",
            PartitionState::Stale => "stale",
        }
    }
}

/// How many partitions are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionCounts {
    /// Nothing was made.
    pub missing: u64,
    /// An attempt is open.
    pub running: u64,
    /// Good.
    pub succeeded: u64,
    /// The last attempt failed.
    pub failed: u64,
    /// Good, and out of date.
    pub stale: u64,
}

/// An asset in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetSummary {
    /// The asset.
    pub asset_key: AssetKey,
    /// Its dimensions in the order of its partition keys; none for an asset without partitions.
    pub dimensions: Vec<DimensionLine>,
    /// How many partitions there are at this moment; of a dynamic dimension those that were ever tried.
    pub partitions: u64,
    /// How many of them are in each state.
    pub counts: PartitionCounts,
    /// What it is made from.
    pub upstreams: Vec<AssetKey>,
}

/// A dimension of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DimensionLine {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: DimensionKind,
}

/// A page of assets in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetPage {
    /// The assets.
    pub assets: Vec<AssetSummary>,
    /// Pass it as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AssetKey>,
    /// The manifest that declares them.
    pub manifest: Sha256Digest,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// A page of the partitions of one asset in the order of their ordinals, which is the order of the declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionPage {
    /// The asset as a list says it; the counts are of all its partitions.
    #[serde(flatten)]
    pub asset: AssetSummary,
    /// The partitions of this page.
    pub page: Vec<PartitionLine>,
    /// Pass it as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<PartitionKey>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// A partition in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionLine {
    /// Which one; absent when the asset has no partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// Where it is.
    pub state: PartitionState,
}

/// A partition, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionView {
    /// The asset.
    pub asset_key: AssetKey,
    /// What a list says of it.
    #[serde(flatten)]
    pub line: PartitionLine,
    /// What was made of it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Made>,
    /// When it is stale: what was made since, nearest first, at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_because: Vec<Newer>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// A materialisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The run that made it.
    pub run_id: RunId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The record that says so.
    pub seq: u64,
    /// When, the door's time in milliseconds since 1970.
    pub at: u64,
    /// Its name.
    pub materialization_id: MaterializationId,
    /// The materialisation that it replaced, as a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u64>,
}

/// Something that was made after what is made from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Newer {
    /// The asset that was made again.
    pub asset_key: AssetKey,
    /// Which partition of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// What was made.
    #[serde(flatten)]
    pub made: Made,
    /// How many steps upstream it is, from 1.
    pub steps: u32,
}
