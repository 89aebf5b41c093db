//! A schedule as it stands: its next tick, and what came of the last one.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::RunKey;
use crate::wire::event::automation::Missed;
use crate::wire::manifest::automation::Schedule;
use crate::wire::pause::Pause;
use crate::wire::reader::Decode;
use crate::wire::view::RunState;

/// A schedule, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView {
    /// What was declared.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// The manifest that declares it.
    pub manifest: Sha256Digest,
    /// Every tick up to this time has been dealt with, in seconds since 1970.
    pub cursor_s: i64,
    /// The ticks that are passed over whatever `catchUp` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
    /// The pause that is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// The next tick, in milliseconds since 1970; absent while the schedule is paused, and when there is none within nine years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_tick_at: Option<u64>,
    /// The last tick that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_tick: Option<TickView>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// Ticks that are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// The last second of them, since 1970.
    pub until_s: i64,
    /// Why, after the words that say which ticks.
    pub reason: String,
}

/// A tick that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TickView {
    /// The tick, in milliseconds since 1970.
    pub tick_at: u64,
    /// When it was dealt with, in milliseconds since 1970.
    pub decided_at: u64,
    /// The record that says so.
    pub seq: u64,
    /// The run that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Where that run is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_state: Option<RunState>,
    /// The ticks that were passed over, this one the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Why no run was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The schedules of the current manifest, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchedulePage {
    /// The schedules.
    pub schedules: Vec<ScheduleView>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// A run of a schedule that is asked for by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TickRequest {
    /// Asking twice under one key gives one run; the idempotency key counts when this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_key: Option<RunKey>,
}
