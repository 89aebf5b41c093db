//! What a caller reads about runs and tasks; every view says up to which record it is true.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{ManifestId, RunId, TaskId};
use crate::identity::keys::{AssetKey, RunKey, TaskKey};
use crate::identity::partition_key::PartitionKey;
use crate::wire::event::{Rerun, RunOutcome, TaskError};
use crate::wire::reader::Decode;
use crate::wire::record::RecordLine;
use crate::wire::trigger::Trigger;

/// The answer to a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeployAnswer {
    /// The name of this deployment.
    pub manifest_id: ManifestId,
    /// The content address.
    pub manifest: Sha256Digest,
    /// How many assets it lists.
    pub assets: u32,
    /// False when this manifest was the current one already.
    pub changed: bool,
    /// The record that says so.
    pub seq: u64,
}

/// The answer to a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerAnswer {
    /// The run.
    pub run_id: RunId,
    /// The manifest that it is planned from.
    pub manifest: Sha256Digest,
    /// The fingerprint of its plan.
    pub plan: Sha256Digest,
    /// How many tasks it has.
    pub tasks: u32,
    /// The record that says so.
    pub seq: u64,
}

/// A rerun of an ended run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RerunRequest {
    /// Which tasks; those that did not succeed when absent.
    #[serde(default)]
    pub mode: crate::wire::event::RerunMode,
    /// With the mode `subset`: which tasks, up to 10,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskKey>,
}

/// A request for the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelRequest {
    /// Why; workers are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer to a cancel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelAnswer {
    /// The run.
    pub run_id: RunId,
    /// The record that says so.
    pub seq: u64,
}

/// Where a run is in its life.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Triggered, not yet planned.
    Queued,
    /// Planned, not ended.
    Running,
    /// A cancel was requested, and something still runs.
    Cancelling,
    /// It never had a plan.
    Rejected,
    /// Every task succeeded.
    Succeeded,
    /// A task failed.
    Failed,
    /// It was cut short.
    Cancelled,
}

impl RunState {
    /// Whether nothing more happens to the run.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            RunState::Rejected | RunState::Succeeded | RunState::Failed | RunState::Cancelled
        )
    }
}

impl From<RunOutcome> for RunState {
    fn from(outcome: RunOutcome) -> RunState {
        match outcome {
            RunOutcome::Succeeded => RunState::Succeeded,
            RunOutcome::Failed => RunState::Failed,
            RunOutcome::Cancelled => RunState::Cancelled,
            RunOutcome::Rejected => RunState::Rejected,
        }
    }
}

/// A run that was started by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedRun {
    /// The run.
    pub run_id: RunId,
    /// Where it is.
    pub state: RunState,
}

/// Where a task is in its life.
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
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// An upstream task has not succeeded yet.
    #[default]
    Blocked,
    /// Nothing stands in its way but a limit.
    Ready,
    /// A worker may lease it.
    Dispatched,
    /// A worker runs it.
    Running,
    /// It failed, and is tried again later.
    RetryWait,
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Not run, because something upstream failed.
    Skipped,
    /// Cut short or never started, because of a cancel.
    Cancelled,
}

impl TaskState {
    /// Every state, in the order of a task's life.
    pub const ALL: [TaskState; 9] = [
        TaskState::Blocked,
        TaskState::Ready,
        TaskState::Dispatched,
        TaskState::Running,
        TaskState::RetryWait,
        TaskState::Succeeded,
        TaskState::Failed,
        TaskState::Skipped,
        TaskState::Cancelled,
    ];

    /// Whether the state is final.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            TaskState::Succeeded | TaskState::Failed | TaskState::Skipped | TaskState::Cancelled
        )
    }

    /// The name as it stands in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TaskState::Blocked => "blocked",
            TaskState::Ready => "ready",
            TaskState::Dispatched => "dispatched",
            TaskState::Running => "running",
            TaskState::RetryWait => "retry_wait",
            TaskState::Succeeded => "succeeded",
            TaskState::Failed => "failed",
            TaskState::Skipped => "skipped",
            TaskState::Cancelled => "cancelled",
        }
    }
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunLine {
    /// The run.
    pub run_id: RunId,
    /// The record that started it; none of its records is before that.
    pub seq: u64,
    /// Where it is.
    pub state: RunState,
    /// When it was triggered, the door's time in milliseconds since 1970.
    pub triggered_at: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<u64>,
    /// How many tasks it has; absent until a scheduler has planned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
    /// The key that it was triggered under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_key: Option<RunKey>,
}

/// Whether a door answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Decode, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The newest record of the ledger; of the first, when there are several.
    pub head: u64,
    /// The door's time when it answered, in milliseconds since 1970.
    pub server_time: u64,
    /// The newest record of each ledger, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<u64>,
    /// `ok`.
    pub status: String,
}

impl Health {
    /// Over how many ledgers the workspace is split; 1 when it is not.
    #[must_use]
    pub fn ledgers(&self) -> u32 {
        u32::try_from(self.shards.len()).unwrap_or(u32::MAX).max(1)
    }
}

/// A page of runs, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunLine>,
    /// Pass it as `before` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<RunId>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// A run, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// What a list says of it.
    #[serde(flatten)]
    pub line: RunLine,
    /// The manifest that it is planned from.
    pub manifest: Sha256Digest,
    /// The fingerprint of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Sha256Digest>,
    /// What was asked for.
    pub trigger: Trigger,
    /// What it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<Rerun>,
    /// How many tasks are in each state.
    pub counts: BTreeMap<TaskState, u32>,
    /// The same for each asset, in order of their stages.
    pub assets: Vec<AssetLine>,
    /// The fingerprint of the run's state: equal wherever the same records were folded.
    pub state_fingerprint: Sha256Digest,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// The tasks of one asset in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetLine {
    /// The asset.
    pub asset_key: AssetKey,
    /// The first stage that one of its tasks is in, from 0.
    pub stage: u32,
    /// How many of its tasks are in each state.
    pub counts: BTreeMap<TaskState, u32>,
}

/// A task in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskLine {
    /// The task.
    pub task_id: TaskId,
    /// The task, readable.
    pub task_key: TaskKey,
    /// Where it is.
    pub state: TaskState,
    /// How many attempts were asked for.
    pub attempts: u32,
    /// Its stage, from 0.
    pub stage: u32,
}

/// A page of tasks in task-key order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<TaskLine>,
    /// Pass it as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<TaskKey>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// A task, whole: what it is, why it is so, and every record that says so.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// What a list says of it.
    #[serde(flatten)]
    pub line: TaskLine,
    /// Why it is in this state, a sentence a step, the cause of causes last.
    pub reasons: Vec<String>,
    /// The partition, when the asset has partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// The tasks that it waits or waited for.
    pub upstreams: Vec<TaskLine>,
    /// Each attempt.
    pub attempts_made: Vec<AttemptView>,
    /// The records of the task and of what decided about it, in order.
    #[schemars(with = "Vec<RecordLine>")]
    pub records: Vec<RecordLine>,
    /// The record up to which this is true.
    pub as_of: u64,
}

/// One attempt of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// The attempt, from 1.
    pub attempt: u32,
    /// `requested`, `leased`, `running`, `succeeded`, `failed`, `expired` or `cancelled`.
    pub state: String,
    /// The worker that holds or held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
}

/// A task's log, a page at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// The attempt that wrote it.
    pub attempt: u32,
    /// Where the text begins, in bytes.
    pub offset: u64,
    /// The text.
    pub text: String,
    /// Pass it as `offset` for the next page.
    pub next: u64,
    /// Whether the attempt is closed and nothing follows.
    pub end: bool,
}
