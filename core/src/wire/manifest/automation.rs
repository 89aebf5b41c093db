//! Schedules, sensors and automations are declared beside the assets that they run.

use alloc::string::{String, ToString};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::manifest::DEFAULT_QUEUE;
use crate::wire::manifest::policy::{Run, Timeouts};
use crate::wire::reader::Decode;
use crate::wire::trigger::Trigger;

/// A run that starts by the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
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
    /// How long a look may take; as for a task, but 10 minutes from its start to its end, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// The queue that the workers which look lease from.
    #[serde(default = "default_queue", skip_serializing_if = "is_default_queue")]
    pub queue: String,
    /// What it starts, unless its report says otherwise.
    #[serde(default)]
    pub trigger: Trigger,
}

impl Sensor {
    /// How often it looks, in milliseconds.
    #[must_use]
    pub fn interval_ms(&self) -> u64 {
        self.interval_ms.unwrap_or(DEFAULT_INTERVAL_MS)
    }

    /// How long a look may take.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts.unwrap_or(Timeouts {
            attempt_ms: DEFAULT_LOOK_MS,
            ..Timeouts::default()
        })
    }
}

fn default_queue() -> String {
    DEFAULT_QUEUE.to_string()
}

fn is_default_queue(queue: &str) -> bool {
    queue == DEFAULT_QUEUE
}

/// Assets that are made again whenever what they are made from is newer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Automation {
    /// Unique among automations.
    pub name: String,
    /// How many of its runs are open at once, 1 to 1,000.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrency: u32,
    /// Which assets it keeps up to date, and what its runs have in common; the partitions are its own to find.
    #[serde(default)]
    pub trigger: Trigger,
}

/// How many runs of an automation are open at once when it does not say.
pub const DEFAULT_CONCURRENCY: u32 = 10;
/// How many runs of an automation may be open at once.
pub const MAX_CONCURRENCY: u32 = 1_000;

fn default_concurrency() -> u32 {
    DEFAULT_CONCURRENCY
}

/// Who speaks first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize, JsonSchema,
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
/// How long a look may take when its sensor does not say.
pub const DEFAULT_LOOK_MS: u64 = 600_000;
