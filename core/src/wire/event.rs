//! The events of the ledger: facts that somebody reported and decisions that the scheduler proposed.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::identity::canonical_json;
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{ManifestId, MaterializationId, RunId};
use crate::identity::keys::{Operation, TaskKey};
use crate::wire::event::automation::{
    AutomationEvaluated, AutomationSet, BackfillChanged, BackfillRequested, RunRequested,
    ScheduleSet, ScheduleTicked, SensorReported, SensorSet,
};
use crate::wire::reader::{self, Decode};
use crate::wire::shard::Basis;
use crate::wire::task_set::TaskSet;
use crate::wire::trigger::Trigger;

pub mod automation;
mod subject;

/// A manifest became the current one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct ManifestDeployed {
    /// The name of this deployment.
    pub manifest_id: ManifestId,
    /// The content address of the manifest's canonical JSON.
    pub manifest: Sha256Digest,
    /// How many assets it lists.
    pub assets: u32,
}

/// Somebody asked for a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct RunTriggered {
    /// The run that this starts.
    pub run: RunId,
    /// The manifest that the plan is compiled from.
    pub manifest: Sha256Digest,
    /// What was asked for; with the manifest and the record's time it gives the plan.
    pub trigger: Trigger,
    /// The time whose complete partitions are meant, in milliseconds since 1970; the record's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of_ms: Option<u64>,
    /// What it repeats, when it repeats another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<Rerun>,
}

impl RunTriggered {
    /// The time whose complete partitions are meant, given the time of the record, both in milliseconds since 1970.
    #[must_use]
    pub fn as_of_ms(&self, at_ms: u64) -> u64 {
        let first = self.rerun.as_ref().map(|rerun| rerun.as_of_ms);
        first.or(self.as_of_ms).unwrap_or(at_ms)
    }
}

/// Which part of an ended run is run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct Rerun {
    /// The run that is repeated.
    pub parent: RunId,
    /// Which of its tasks, as asked for.
    pub mode: RerunMode,
    /// The time that the first run of the chain was triggered at; partitions that came since are not added.
    pub as_of_ms: u64,
    /// Which of its tasks, as it came out: places in the plan of the trigger.
    pub tasks: TaskSet,
}

/// Which tasks of the parent a rerun takes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RerunMode {
    /// Every task that did not succeed.
    #[default]
    FromFailure,
    /// Every task.
    All,
    /// The tasks that were named.
    Subset,
}

/// Somebody asked for the end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct RunCancelRequested {
    /// The run.
    pub run: RunId,
    /// Why, in the words of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A worker has claimed an attempt and runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct AttemptStarted {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskKey,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The worker that holds the attempt from here on.
    pub worker: String,
}

/// A worker has reported the end of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct AttemptFinished {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskKey,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// What it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// The sequence number of the materialisation that this one replaces: the history of a partition is a list in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u64>,
    /// What the ledger of the run knew when it asked for the attempt; absent in the first ledger of a workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// Members of the callback that the door did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl AttemptFinished {
    /// Whether it is a materialisation.
    #[must_use]
    pub fn makes(&self) -> bool {
        self.outcome == AttemptOutcome::Succeeded && self.task.operation() == Operation::Materialize
    }

    /// What the worker said, without what the door knew beside it.
    #[must_use]
    pub fn as_reported(&self) -> AttemptFinished {
        AttemptFinished {
            replaces: None,
            basis: None,
            ..self.clone()
        }
    }
}

/// How an attempt ended, in its worker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The work is done.
    Succeeded,
    /// The work is not done.
    Failed,
    /// The work was stopped because the run was cancelled.
    Cancelled,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskError {
    /// Decides about the retry unless `retryable` does.
    pub category: ErrorCategory,
    /// A sentence for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The worker's own verdict about a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// The worker's own delay before a retry, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// Whether the message was cut.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub truncated: bool,
}

/// Whose fault a failure is; this decides whether repeating can help.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCategory {
    /// The user's program failed. Retried.
    UserCode,
    /// The machinery around it failed. Retried.
    Infrastructure,
    /// Time ran out. Retried.
    Timeout,
    /// The data are wrong. Not retried.
    DataQuality,
    /// The set-up is wrong. Not retried.
    Configuration,
    /// It was stopped. Not retried.
    Cancelled,
}

/// What an attempt made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The name of what was made; derived from the attempt unless the worker gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materialization_id: Option<MaterializationId>,
    /// Rows in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
    /// Bytes in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_size: Option<u64>,
    /// Where it is: a path or URL that workers understand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_path: Option<String>,
    /// Figures by name: integers, or text for anything else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Figure>,
    /// The results of data-quality checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
}

/// A figure that crosses every language unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Figure {
    /// A whole number.
    Integer(i64),
    /// Anything else, decimal fractions among it.
    Text(String),
}

/// The result of one data-quality check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// What was checked.
    pub name: String,
    /// Whether the data hold.
    pub passed: bool,
    /// What was seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The door has closed an attempt because a deadline passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct AttemptExpired {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskKey,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Which deadline.
    pub reason: ExpiryReason,
}

/// Which of the four deadlines passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryReason {
    /// It was leased, and never started.
    Start,
    /// Its worker fell silent.
    Heartbeat,
    /// It took longer than the asset allows.
    Deadline,
    /// It was told to stop, and did not.
    CancelGrace,
}

/// The scheduler has compiled the plan of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct RunPlanned {
    /// The run.
    pub run: RunId,
    /// The fingerprint of the plan; whoever recompiles it gets this one.
    pub plan: Sha256Digest,
    /// How many tasks it has.
    pub tasks: u32,
}

/// The scheduler cannot compile the plan of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct RunRejected {
    /// The run.
    pub run: RunId,
    /// The code of the refusal.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

/// The scheduler has asked for an attempt; from this record on a worker may lease it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct DispatchRequested {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskKey,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The queue that workers lease from.
    pub queue: String,
    /// Higher goes first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// The door's time in milliseconds before which it is not leased; 0 when it may be at once.
    #[serde(default, skip_serializing_if = "is_zero_time")]
    pub not_before: u64,
}

fn is_zero(value: &i32) -> bool {
    *value == 0
}

fn is_zero_time(value: &u64) -> bool {
    *value == 0
}

/// The scheduler has seen that nothing of the run is left to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct RunFinished {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Tasks that succeeded.
    pub succeeded: u32,
    /// Tasks that failed, warnings included.
    pub failed: u32,
    /// Tasks that were skipped because of a failure upstream.
    pub skipped: u32,
    /// Tasks that were cut short or never started because of a cancel.
    pub cancelled: u32,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Every task succeeded, warnings aside.
    Succeeded,
    /// A task failed.
    Failed,
    /// A cancel was requested, and cut something short.
    Cancelled,
    /// It never had a plan.
    Rejected,
}

macro_rules! events {
    ($($variant:ident($body:ty) $kind:literal;)*) => {
        /// An event with its body decoded.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "events are handled one at a time and never stored in bulk")]
        pub enum Event {
            $(#[allow(missing_docs, reason = "the body says it")] $variant($body),)*
            /// A kind that a later version wrote: it is kept and folds to nothing.
            Unknown,
        }

        impl Event {
            /// Every kind that this version knows.
            pub const KINDS: &'static [&'static str] = &[$($kind,)*];

            /// The kind as it stands in the ledger.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Event::$variant(_) => $kind,)* Event::Unknown => "unknown" }
            }

            /// Decodes a body. `None` when a known kind has a body that does not fit it: such a record is quarantined.
            #[must_use]
            pub fn decode(kind: &str, body: &str) -> Option<Event> {
                match kind {
                    $($kind => reader::read_text(body).ok().map(Event::$variant),)*
                    _ => Some(Event::Unknown),
                }
            }

            /// The body in canonical JSON.
            ///
            /// # Errors
            /// Never for an event that was decoded; a code of canonical JSON for one that was built with a number out of range.
            pub fn body(&self) -> Result<String, crate::identity::error::Error> {
                match self { $(Event::$variant(body) => canonical_json::to_string(body),)* Event::Unknown => Ok(String::from("{}")) }
            }
        }
    };
}

events! {
    ManifestDeployed(ManifestDeployed) "manifest_deployed";
    RunTriggered(RunTriggered) "run_triggered";
    RunCancelRequested(RunCancelRequested) "run_cancel_requested";
    AttemptStarted(AttemptStarted) "attempt_started";
    AttemptFinished(AttemptFinished) "attempt_finished";
    AttemptExpired(AttemptExpired) "attempt_expired";
    RunPlanned(RunPlanned) "run_planned";
    RunRejected(RunRejected) "run_rejected";
    DispatchRequested(DispatchRequested) "dispatch_requested";
    RunFinished(RunFinished) "run_finished";
    RunRequested(RunRequested) "run_requested";
    BackfillRequested(BackfillRequested) "backfill_requested";
    BackfillPaused(BackfillChanged) "backfill_paused";
    BackfillResumed(BackfillChanged) "backfill_resumed";
    BackfillCancelled(BackfillChanged) "backfill_cancelled";
    ScheduleTicked(ScheduleTicked) "schedule_ticked";
    ScheduleSet(ScheduleSet) "schedule_set";
    SensorReported(SensorReported) "sensor_reported";
    SensorSet(SensorSet) "sensor_set";
    AutomationEvaluated(AutomationEvaluated) "automation_evaluated";
    AutomationSet(AutomationSet) "automation_set";
}
