//! A sensor as it stands: what was reported last, and what came of it.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::RunKey;
use crate::wire::manifest::automation::Sensor;
use crate::wire::pause::Pause;
use crate::wire::reader::Decode;
use crate::wire::trigger::Trigger;
use crate::wire::view::StartedRun;

/// Something outside has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SensorMessage {
    /// What the sender calls it, 1 to 128 bytes without control characters. One id starts at most one run.
    #[schemars(length(min = 1, max = 128))]
    pub message_id: String,
    /// What is kept with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// What it starts, when that is not what the sensor declares; without a run key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorAnswer {
    /// The record that keeps it.
    pub seq: u64,
    /// The runs that it started.
    pub runs: Vec<RunId>,
    /// Why it started none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the program of a poll sensor found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SensorFindings {
    /// Where the next look goes on, at most 8 KiB; the cursor stays when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The runs to start, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<WantedRun>,
    /// Why there is none to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A run that a sensor wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedRun {
    /// What the sensor calls it. One key starts at most one run; the number of the look and the place in its list when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_key: Option<RunKey>,
    /// What to start, when that is not what the sensor declares; without a run key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
}

/// What a program that looks gets to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// The sensor.
    pub sensor: String,
    /// Where the last look ended; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A sensor, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorView {
    /// What was declared.
    #[serde(flatten)]
    pub sensor: Sensor,
    /// The manifest that declares it.
    pub manifest: Sha256Digest,
    /// The pause that is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// How many reports came of it.
    pub reports: u64,
    /// Where the next look goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// When a worker may be sent to look, in milliseconds since 1970; absent while one looks, while the sensor is paused, and for a
    /// sensor that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_look_at: Option<u64>,
    /// The last report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_report: Option<ReportView>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// What was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The record that says so.
    pub seq: u64,
    /// On whose word.
    pub actor: String,
    /// The id of the message, for a sensor that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The runs that it started.
    pub runs: Vec<StartedRun>,
    /// Why it started none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The sensors of the current manifest, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorPage {
    /// The sensors.
    pub sensors: Vec<SensorView>,
    /// The record up to which this is true.
    pub as_of: u64,
}
