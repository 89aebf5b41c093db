//! Every route of the door is one row of this table: the hosts, the OpenAPI document and the tests read it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::door::admit::Admitted;
use crate::door::answer::Answered;
use crate::door::credential::Permission;
use crate::door::http::decode;
use crate::door::session::Session;
use crate::door::{
    accept, append, asset, automation, backfill, callback, deploy, inputs, lease, log, preview,
    read, schedule, sensor, sweep, webhook,
};
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{BackfillId, RunId, TaskId};
use crate::wire::problem::{Problem, Slug};
use crate::wire::reader::Decode;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Anyone.
    Open,
    /// The holder of an API key with this permission.
    Key(Permission),
    /// The worker that holds the attempt of the task in the path.
    Task,
}

/// Whether a route changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It only reads; a host may answer it from a second connection.
    Read,
    /// It may write.
    Write,
}

/// Who answers.
#[derive(Clone, Copy)]
pub enum Handler {
    /// The door.
    Door(fn(&mut Session<'_>, &Admitted, &[u8]) -> Answered),
    /// The host, because the answer is about the host.
    Host,
}

impl core::fmt::Debug for Handler {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Handler::Door(_) => "Door",
            Handler::Host => "Host",
        })
    }
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The name of the operation.
    pub name: &'static str,
    /// The method, upper case.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub guard: Guard,
    /// Whether it changes anything.
    pub shown: Shown,
    /// The most bytes of body; 0 when it takes none.
    pub body_cap: usize,
    /// Whether the body may be left out.
    pub body_optional: bool,
    /// Who answers.
    pub handler: Handler,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Whether it may wait for something to happen before it answers.
    pub waits: bool,
    /// Query parameters: name and meaning.
    pub query: &'static [(&'static str, &'static str)],
    /// The status of success.
    pub success: u16,
    /// The refusals that are its own, beside those that every guarded route has.
    pub refusals: &'static [Slug],
}

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;

const fn get(
    name: &'static str,
    path: &'static str,
    guard: Guard,
    handler: Handler,
    summary: &'static str,
) -> Route {
    Route {
        name,
        method: "GET",
        path,
        guard,
        shown: Shown::Read,
        body_cap: 0,
        body_optional: true,
        handler,
        summary,
        waits: false,
        query: &[],
        success: 200,
        refusals: &[],
    }
}

const fn post(
    name: &'static str,
    path: &'static str,
    guard: Guard,
    handler: Handler,
    summary: &'static str,
    success: u16,
) -> Route {
    let get = get(name, path, guard, handler, summary);
    Route {
        method: "POST",
        shown: Shown::Write,
        success,
        ..get
    }
}

impl Route {
    /// Whether a request may name the ledger that it is about, with `?shard=`.
    #[must_use]
    pub fn is_about_one_ledger(&self) -> bool {
        self.query.iter().any(|(name, _)| *name == "shard")
    }

    const fn takes(mut self, cap: usize) -> Route {
        self.body_cap = cap;
        self.body_optional = false;
        self
    }

    const fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Route {
        self.query = query;
        self
    }

    const fn refusals(mut self, refusals: &'static [Slug]) -> Route {
        self.refusals = refusals;
        self
    }

    const fn waits(mut self) -> Route {
        self.waits = true;
        self
    }

    const fn body_optional(mut self) -> Route {
        self.body_optional = true;
        self
    }
}

/// The parameter of routes that are about one ledger.
const SHARD: (&str, &str) = (
    "shard",
    "Which ledger, of a workspace that is split over several, from 0; the first when absent.",
);

const READ: Guard = Guard::Key(Permission::Read);
const RUNS: Guard = Guard::Key(Permission::RunsWrite);
const LEDGER: Guard = Guard::Key(Permission::Ledger);

/// Every route, in the order of the documentation.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    post("deployManifest", "/v1/manifests", Guard::Key(Permission::ManifestsWrite), Handler::Door(deploy::deploy),
        "Makes a manifest the current one.", 201).takes(10 * MIB)
        .refusals(&[Slug::ManifestInvalid]),
    get("getCurrentManifest", "/v1/manifests/current", READ, Handler::Door(deploy::current),
        "The current manifest, in canonical JSON.")
        .refusals(&[Slug::ManifestNotFound]),
    get("getManifest", "/v1/manifests/{manifest}", READ, Handler::Door(deploy::get),
        "A manifest by its content address.")
        .refusals(&[Slug::ManifestNotFound]),
    get("listAssets", "/v1/assets", READ, Handler::Door(asset::list),
        "The assets of the current manifest, with the states of their partitions counted.")
        .query(&[("limit", "How many, up to 1,000; 100 when absent."), ("after", "The asset key to begin after, from `next`.")])
        .refusals(&[Slug::ManifestNotFound]),
    get("listPartitions", "/v1/partitions", READ, Handler::Door(asset::partitions),
        "The partitions of an asset in the order of its declaration, counted by state.")
        .query(&[("asset", "The asset key."), ("state", "Only partitions in this state: `missing`, `running`, `succeeded`, `failed` or `stale`."), ("limit", "How many, up to 10,000; 1,000 when absent."), ("after", "The partition key to begin after, from `next`.")])
        .refusals(&[Slug::ManifestNotFound, Slug::AssetNotFound, Slug::PartitionNotFound]),
    get("getPartition", "/v1/partitions/one", READ, Handler::Door(asset::partition),
        "A partition: its state, what was made of it last, and why it is stale.")
        .query(&[("asset", "The asset key."), ("partition", "The partition key; left out for an asset without partitions.")])
        .refusals(&[Slug::ManifestNotFound, Slug::AssetNotFound, Slug::PartitionNotFound]),
    post("triggerRun", "/v1/runs", RUNS, Handler::Door(accept::trigger),
        "Starts a run.", 202).takes(MIB)
        .refusals(&[Slug::ManifestNotFound, Slug::PlanInvalid, Slug::PlanTooLarge, Slug::RunKeyConflict, Slug::IdempotencyKeyReused, Slug::StorageExhausted]),
    post("previewPlan", "/v1/plans", READ, Handler::Door(preview::preview),
        "Says what a trigger would run, and starts nothing.", 200).takes(MIB)
        .query(&[("limit", "How many tasks to list, up to 10,000; 100 when absent."), ("after", "The task key to begin after, from `next`.")])
        .refusals(&[Slug::ManifestNotFound, Slug::PlanInvalid, Slug::PlanTooLarge]),
    get("listRuns", "/v1/runs", READ, Handler::Door(read::runs), "Runs, newest first.")
        .query(&[("limit", "How many, up to 1,000; 50 when absent."), ("before", "The run to begin after, from `next`."), ("open", "`true` for runs that have not ended."), ("shard", "Only what one ledger has, of a workspace that is split over several; all of them when absent.")]),
    get("getRun", "/v1/runs/{runId}", READ, Handler::Door(read::run), "A run, with the states of its tasks counted.")
        .refusals(&[Slug::RunNotFound]),
    post("cancelRun", "/v1/runs/{runId}/cancel", RUNS, Handler::Door(accept::cancel),
        "Asks for the end of a run.", 202).takes(4 * KIB)
        .body_optional().refusals(&[Slug::RunNotFound, Slug::RunAlreadyFinished]),
    post("rerunRun", "/v1/runs/{runId}/rerun", RUNS, Handler::Door(accept::rerun),
        "Starts a run that repeats what did not succeed in one that has ended.", 202).takes(MIB)
        .body_optional().refusals(&[Slug::RunNotFound, Slug::RunNotFinished]),
    get("listTasks", "/v1/runs/{runId}/tasks", READ, Handler::Door(read::tasks), "The tasks of a run in task-key order.")
        .query(&[("limit", "How many, up to 10,000; 1,000 when absent."), ("after", "The task key to begin after, from `next`."), ("state", "Only tasks in this state.")])
        .refusals(&[Slug::RunNotFound]),
    get("getTask", "/v1/runs/{runId}/tasks/{taskId}", READ, Handler::Door(read::task), "A task: its state, why it is so, and every record that says so.")
        .refusals(&[Slug::RunNotFound, Slug::TaskNotFound]),
    get("getTaskLog", "/v1/runs/{runId}/tasks/{taskId}/log", READ, Handler::Door(log::read), "The log of an attempt; with `waitS` it waits for more.")
        .query(&[("attempt", "Which attempt; the newest when absent."), ("offset", "Where to begin, in bytes."), ("waitS", "How long to wait for more, in seconds, up to 60.")]).waits()
        .refusals(&[Slug::RunNotFound, Slug::TaskNotFound]),
    post("receiveWebhook", "/v1/webhooks/{webhook}", Guard::Open, Handler::Door(webhook::receive),
        "Starts the run of a signed delivery; the same delivery starts one.", 202).takes(MIB)
        .refusals(&[Slug::InvalidSignature, Slug::TimestampOutOfWindow, Slug::ManifestNotFound, Slug::PlanInvalid, Slug::PlanTooLarge, Slug::IdempotencyKeyReused]),
    post("requestBackfill", "/v1/backfills", RUNS, Handler::Door(backfill::request),
        "Starts runs over many partitions, a chunk at a time.", 202).takes(MIB)
        .refusals(&[Slug::ManifestNotFound, Slug::PlanInvalid]),
    get("listBackfills", "/v1/backfills", READ, Handler::Door(backfill::list), "Backfills, newest first.")
        .query(&[("limit", "How many, up to 100; 20 when absent."), ("open", "`true` for all that are not over: a failed one can be resumed.")]),
    get("getBackfill", "/v1/backfills/{backfillId}", READ, Handler::Door(backfill::get), "A backfill and how far it is.")
        .refusals(&[Slug::BackfillNotFound]),
    post("pauseBackfill", "/v1/backfills/{backfillId}/pause", RUNS, Handler::Door(backfill::pause),
        "Begins no new chunk.", 202).takes(4 * KIB)
        .body_optional().refusals(&[Slug::BackfillNotFound, Slug::BackfillEnded]),
    post("resumeBackfill", "/v1/backfills/{backfillId}/resume", RUNS, Handler::Door(backfill::resume),
        "Begins chunks again; with `retryFailed` also those that failed.", 202).takes(4 * KIB)
        .body_optional().refusals(&[Slug::BackfillNotFound, Slug::BackfillEnded]),
    post("cancelBackfill", "/v1/backfills/{backfillId}/cancel", RUNS, Handler::Door(backfill::cancel),
        "Begins no new chunk, and cancels the runs of the open ones.", 202).takes(4 * KIB)
        .body_optional().refusals(&[Slug::BackfillNotFound, Slug::BackfillEnded]),
    get("listSchedules", "/v1/schedules", READ, Handler::Door(schedule::list), "The schedules of the current manifest, by name."),
    get("getSchedule", "/v1/schedules/{schedule}", READ, Handler::Door(schedule::get), "A schedule: its next tick, and what came of the last one.")
        .refusals(&[Slug::ScheduleNotFound]),
    post("pauseSchedule", "/v1/schedules/{schedule}/pause", RUNS, Handler::Door(schedule::pause),
        "Starts no runs until the schedule is resumed.", 200).takes(4 * KIB)
        .body_optional().refusals(&[Slug::ScheduleNotFound]),
    post("resumeSchedule", "/v1/schedules/{schedule}/resume", RUNS, Handler::Door(schedule::resume),
        "Lets the schedule go on; the ticks of the pause are passed over.", 200).takes(4 * KIB)
        .body_optional().refusals(&[Slug::ScheduleNotFound]),
    post("tickSchedule", "/v1/schedules/{schedule}/tick", RUNS, Handler::Door(schedule::tick),
        "Starts the schedule's run at once, also while it is paused; its ticks stay as they are.", 202).takes(4 * KIB)
        .body_optional().refusals(&[Slug::ScheduleNotFound, Slug::PlanInvalid, Slug::PlanTooLarge, Slug::RunKeyConflict, Slug::IdempotencyKeyReused, Slug::StorageExhausted]),
    get("listSensors", "/v1/sensors", READ, Handler::Door(sensor::asked::list), "The sensors of the current manifest, by name."),
    get("getSensor", "/v1/sensors/{sensor}", READ, Handler::Door(sensor::asked::get), "A sensor: what was reported last, and what came of it.")
        .refusals(&[Slug::SensorNotFound]),
    post("tellSensor", "/v1/sensors/{sensor}/messages", RUNS, Handler::Door(sensor::asked::message),
        "Tells a sensor that something has happened; one message id starts at most one run.", 202).takes(64 * KIB)
        .refusals(&[Slug::SensorNotFound, Slug::SensorPolls, Slug::StorageExhausted]),
    post("pauseSensor", "/v1/sensors/{sensor}/pause", RUNS, Handler::Door(sensor::asked::pause),
        "Starts no runs until the sensor is resumed.", 200).takes(4 * KIB)
        .body_optional().refusals(&[Slug::SensorNotFound]),
    post("resumeSensor", "/v1/sensors/{sensor}/resume", RUNS, Handler::Door(sensor::asked::resume),
        "Lets the sensor go on.", 200).takes(4 * KIB)
        .body_optional().refusals(&[Slug::SensorNotFound]),
    get("listAutomations", "/v1/automations", READ, Handler::Door(automation::list), "The automations of the current manifest, by name, with what is due."),
    get("getAutomation", "/v1/automations/{automation}", READ, Handler::Door(automation::get), "An automation: what is due, and what came of the last look.")
        .refusals(&[Slug::AutomationNotFound]),
    post("pauseAutomation", "/v1/automations/{automation}/pause", RUNS, Handler::Door(automation::pause),
        "Starts no runs until the automation is resumed; what becomes due stays due.", 200).takes(4 * KIB)
        .body_optional().refusals(&[Slug::AutomationNotFound]),
    post("resumeAutomation", "/v1/automations/{automation}/resume", RUNS, Handler::Door(automation::resume),
        "Lets the automation go on.", 200).takes(4 * KIB)
        .body_optional().refusals(&[Slug::AutomationNotFound]),
    post("leaseTasks", "/v1/leases", Guard::Key(Permission::Leases), Handler::Door(lease::lease),
        "Gives work to a worker; waits up to `waitS` seconds for some.", 200).takes(16 * KIB).waits(),
    post("taskStarted", "/v1/tasks/{taskId}/started", Guard::Task, Handler::Door(callback::started),
        "Claims the attempt for one worker.", 200).takes(4 * KIB)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::TaskAlreadyTerminal, Slug::TaskNotFound]),
    post("taskHeartbeat", "/v1/tasks/{taskId}/heartbeat", Guard::Task, Handler::Door(callback::heartbeat),
        "Says that the attempt is alive, and hears whether to stop.", 200).takes(4 * KIB)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::TaskNotActive, Slug::TaskNotFound]),
    post("taskCompleted", "/v1/tasks/{taskId}/completed", Guard::Task, Handler::Door(callback::completed),
        "Reports the end of the attempt.", 200).takes(256 * KIB)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::CompletionConflict, Slug::TaskAlreadyTerminal, Slug::TaskNotFound]),
    post("renewTaskToken", "/v1/tasks/{taskId}/renew", Guard::Task, Handler::Door(callback::renew),
        "Gives a fresh token for an attempt that is still open.", 200).takes(4 * KIB)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::TaskNotActive, Slug::TaskNotFound]),
    post("appendTaskLog", "/v1/tasks/{taskId}/log", Guard::Task, Handler::Door(log::append),
        "Adds to the log of the attempt.", 200).takes(256 * KIB)
        .refusals(&[Slug::TokenScopeMismatch, Slug::TaskNotFound]),
    get("listTaskInputs", "/v1/tasks/{taskId}/inputs", Guard::Task, Handler::Door(inputs::page), "All inputs of the attempt, when the envelope holds only the first.")
        .query(&[("after", "The place to begin after, from `next`.")]),
    get("readLedger", "/v1/ledger", READ, Handler::Door(read::ledger), "Records in order; with `waitS` it waits for the next, with `Accept: text/event-stream` it goes on for ever.")
        .query(&[("after", "The record to begin after; 0 for all."), ("limit", "How many, up to 10,000; 1,000 when absent."), ("waitS", "How long to wait for the next record, in seconds, up to 60."), ("quiet", "Kinds of record, separated by commas, that end no wait: they come with the first that does, or when 16 of them are there."), ("runId", "Only records of this run."), SHARD]).waits(),
    post("appendDecisions", "/v1/ledger", LEDGER, Handler::Door(append::append),
        "Proposes decisions under the epoch of the scheduler's lease.", 200).takes(4 * MIB).query(&[SHARD])
        .refusals(&[Slug::EpochFenced]),
    post("leaseScheduler", "/v1/scheduler", LEDGER, Handler::Door(append::lease),
        "Takes or keeps the right to decide.", 200).takes(4 * KIB).query(&[SHARD]),
    post("sweep", "/v1/sweep", LEDGER, Handler::Door(sweep::sweep),
        "Compares what the scheduler knows with what the door has, and writes again what was lost.", 200).takes(MIB).query(&[SHARD])
        .refusals(&[Slug::EpochFenced]),
    get("getSweep", "/v1/sweep", READ, Handler::Door(sweep::get), "What the last sweep found left behind, and how much was ever repaired.")
        .query(&[SHARD]),
    get("getHealth", "/health", Guard::Open, Handler::Door(read::health), "Whether the door answers and its ledger can be read."),
    get("getReadiness", "/ready", Guard::Open, Handler::Door(read::ready), "Whether work goes on: a scheduler holds its lease, and there is room for new runs.")
        .refusals(&[Slug::Unavailable, Slug::StorageExhausted]),
    get("getMetrics", "/metrics", Guard::Open, Handler::Host, "Metrics in the OpenMetrics text format."),
    get("getOpenApi", "/openapi.json", Guard::Open, Handler::Door(read::openapi), "This interface as an OpenAPI 3.1 document."),
];

/// What a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Decode, Deserialize)]
#[serde(default)]
pub struct Params {
    /// The backfill.
    pub backfill: Option<BackfillId>,
    /// The schedule, the sensor or the automation.
    pub name: Option<String>,
    /// The run.
    pub run: Option<RunId>,
    /// The task.
    pub task: Option<TaskId>,
    /// The manifest.
    pub manifest: Option<Sha256Digest>,
    /// The name of a webhook.
    pub webhook: Option<String>,
}

/// The route of a method and a path.
///
/// # Errors
/// `not-found` (404), also for an id in the path that is none, and `method-not-allowed` (405) with `Allow`.
pub fn find(method: &str, path: &str) -> Result<(&'static Route, Params), Problem> {
    // A literal path stands before one with a parameter in the table, so the first match is the closest.
    let mut closest = None;
    let mut allowed = Vec::new();
    for route in ROUTES {
        if closest.is_some_and(|closest| closest != route.path) {
            continue;
        }
        let Some(params) = matches(route.path, path) else {
            continue;
        };
        if route.method == method {
            return Ok((route, params));
        }
        closest = Some(route.path);
        allowed.push(route.method);
    }
    if allowed.is_empty() {
        return Err(Problem::new(Slug::NotFound, "there is no such path"));
    }
    Err(
        Problem::new(Slug::MethodNotAllowed, "the path exists for other methods")
            .header("allow", allowed.join(", ")),
    )
}

fn matches(pattern: &str, path: &str) -> Option<Params> {
    let mut params = Params::default();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected {
            "{backfillId}" => params.backfill = Some(BackfillId::parse(segment).ok()?),
            "{schedule}" | "{sensor}" | "{automation}" => params.name = Some(decode(segment)),
            "{runId}" => params.run = Some(RunId::parse(segment).ok()?),
            "{taskId}" => params.task = Some(TaskId::parse(segment).ok()?),
            "{manifest}" => params.manifest = Some(Sha256Digest::parse(segment).ok()?),
            "{webhook}" if webhook::is_name(segment) => params.webhook = Some(segment.to_string()),
            _ if expected == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(params)
}

/// The path of a route with its parameters filled in, for clients.
#[must_use]
pub fn path_of(name: &str, parameters: &[(&str, String)]) -> String {
    let mut path = ROUTES
        .iter()
        .find(|route| route.name == name)
        .map_or("/", |route| route.path)
        .to_string();
    for (parameter, value) in parameters {
        path = path.replace(&["{", parameter, "}"].concat(), value);
    }
    path
}
