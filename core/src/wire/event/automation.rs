//! Why runs start by themselves, as the ledger tells it.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{BackfillId, RunId};
use crate::wire::backfill::BackfillRequest;
use crate::wire::event::RunTriggered;
use crate::wire::reader::Decode;

/// The scheduler starts a run on account of something that is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct RunRequested {
    /// The run, as if it had been triggered.
    #[serde(flatten)]
    pub triggered: RunTriggered,
    /// On account of what.
    pub on_account_of: Account,
}

/// What a run was started on account of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// A chunk of a backfill.
    Backfill {
        /// The backfill.
        backfill: BackfillId,
        /// The chunk, from 0.
        chunk: u32,
    },
    /// A schedule.
    Schedule {
        /// The schedule.
        schedule: String,
        /// The tick, in seconds since 1970; absent when somebody asked for the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tick_s: Option<i64>,
    },
    /// A sensor.
    Sensor {
        /// The sensor.
        sensor: String,
        /// Which of its reports, from 1.
        report: u64,
    },
    /// An automation.
    Automation {
        /// The automation.
        automation: String,
        /// Which of its evaluations, from 1.
        evaluation: u64,
    },
}

/// The scheduler has looked at what an automation keeps up to date: runs were started, or it is said why none was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct AutomationEvaluated {
    /// The automation.
    pub automation: String,
    /// The manifest that declares it.
    pub manifest: Sha256Digest,
    /// The how-many-eth evaluation that was written down, from 1.
    pub evaluation: u64,
    /// The record up to which the partitions were looked at.
    pub as_of: u64,
    /// The runs that were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunId>,
    /// Why none was started, or why something waits, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Somebody paused an automation, or let it go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct AutomationSet {
    /// The automation.
    pub automation: String,
    /// The how-many-eth change of this automation, from 1.
    pub change: u32,
    /// Whether it is paused from here on.
    pub paused: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A sensor was told of something, or has looked: runs were started, or it is said why none was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct SensorReported {
    /// The sensor.
    pub sensor: String,
    /// The manifest that declares it.
    pub manifest: Sha256Digest,
    /// The how-many-eth report of this sensor, from 1.
    pub report: u64,
    /// The id of the message, for a sensor that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What came with the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// Where the next look goes on; it stays where it was when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The runs that were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunId>,
    /// Why none was started, or not every one that was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Somebody paused a sensor, or let it go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct SensorSet {
    /// The sensor.
    pub sensor: String,
    /// The how-many-eth change of this sensor, from 1.
    pub change: u32,
    /// Whether it is paused from here on.
    pub paused: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The scheduler has dealt with ticks of a schedule: one of them started a run, or it is said why none did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct ScheduleTicked {
    /// The schedule.
    pub schedule: String,
    /// The manifest that declares it.
    pub manifest: Sha256Digest,
    /// The last tick that this deals with, in seconds since 1970.
    pub tick_s: i64,
    /// The run that the tick started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The ticks that were passed over, the last of them `tick_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Why no run was started, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Consecutive ticks that do not fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct Missed {
    /// The first of them, in seconds since 1970.
    pub first_s: i64,
    /// The last of them, in seconds since 1970.
    pub last_s: i64,
    /// How many there are.
    pub count: u64,
}

/// Somebody paused a schedule, or let it go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct ScheduleSet {
    /// The schedule.
    pub schedule: String,
    /// The how-many-eth change of this schedule, from 1.
    pub change: u32,
    /// Whether it is paused from here on.
    pub paused: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Somebody asked for runs over many partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct BackfillRequested {
    /// The backfill.
    pub backfill: BackfillId,
    /// The manifest that its plans are compiled from.
    pub manifest: Sha256Digest,
    /// What was asked for; with the manifest and the record's time it gives the chunks.
    pub request: BackfillRequest,
    /// How many chunks that is.
    pub chunks: u32,
}

/// Somebody asked that no new chunk is begun, that chunks are begun again, or that the whole is cut short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct BackfillChanged {
    /// The backfill.
    pub backfill: BackfillId,
    /// The how-many-eth change of this backfill, from 1.
    pub change: u32,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With a resumption: the chunks that failed are run again.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub retry_failed: bool,
}
