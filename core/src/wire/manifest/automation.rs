//! Schedules and sensors are declared beside the assets that they run.

use alloc::string::String;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::manifest::policy::Run;
use crate::wire::trigger::Trigger;

/// A run that starts by the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// Unique among schedules.
    pub name: String,
    /// Five fields of POSIX cron.
    pub cron: String,
    /// The IANA zone the fields are read in; `UTC` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What happens to ticks that were missed.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// What a tick starts.
    #[serde(default)]
    pub trigger: Trigger,
}

/// What happens to ticks that were missed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum CatchUp {
    /// They are passed over.
    #[default]
    None,
    /// The last of them fires.
    Latest,
    /// All of them fire, in order.
    All,
}

/// A run that starts when something outside happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sensor {
    /// Unique among sensors.
    pub name: String,
    /// Who speaks first.
    pub kind: SensorKind,
    /// How often a poll sensor is run; 1 s to a day, 30 s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub interval_ms: Option<u64>,
    /// How a worker evaluates a poll sensor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What it starts, unless its report says otherwise.
    #[serde(default)]
    pub trigger: Trigger,
}

/// Who speaks first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum SensorKind {
    /// Somebody outside reports.
    Push,
    /// A worker is sent to look.
    Poll,
}

/// How often a poll sensor is run when it does not say.
pub const DEFAULT_INTERVAL_MS: u64 = 30_000;
