//! An automation as it stands: what it keeps up to date, what is due, and what came of the last look.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::digest::Sha256Digest;
use crate::identity::keys::AssetKey;
use crate::identity::partition_key::PartitionKey;
use crate::wire::manifest::automation::Automation;
use crate::wire::pause::Pause;
use crate::wire::view::StartedRun;

/// An automation, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutomationView {
    /// What was declared.
    #[serde(flatten)]
    pub automation: Automation,
    /// The manifest that declares it.
    pub manifest: Sha256Digest,
    /// The pause that is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// How many evaluations were written down.
    pub evaluations: u64,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_evaluation: Option<EvaluationView>,
    /// What is due, upstreams first, at most 1,000 partitions.
    pub due: Vec<DuePartition>,
    /// Whether more is due than is listed.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub more: bool,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// A partition that is to be made again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DuePartition {
    /// The asset.
    pub asset_key: AssetKey,
    /// Which partition of it; absent when the asset has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// Whether it is due only because something due is made before it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub follows: bool,
}

/// What came of a look at what is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvaluationView {
    /// The how-many-eth that was written down, from 1.
    pub evaluation: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The record that says so.
    pub seq: u64,
    /// The runs that it started, and where each is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<StartedRun>,
    /// Why it started none, or why something waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The automations of the current manifest, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutomationPage {
    /// The automations.
    pub automations: Vec<AutomationView>,
    /// The record up to which this is true.
    pub as_of: u64,
}
