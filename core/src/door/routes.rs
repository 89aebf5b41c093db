//! Every route of the door is one row of this table: the hosts, the OpenAPI document and the tests read it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::{Schema, SchemaGenerator};

use crate::door::admit::Admitted;
use crate::door::answer::Answered;
use crate::door::credential::Permission;
use crate::door::session::Session;
use crate::door::{accept, append, backfill, callback, deploy, inputs, lease, log, read};
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::{BackfillId, RunId, TaskId};
use crate::wire::backfill as backfill_wire;
use crate::wire::problem::{Problem, Slug};
use crate::wire::{callback as callback_wire, envelope, ledger, manifest, trigger, view};

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

/// The schema of a body.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

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
    /// Query parameters: name and meaning.
    pub query: &'static [(&'static str, &'static str)],
    /// The schema of the request's body.
    pub request: Option<SchemaOf>,
    /// The status of success and the schema of its body; none for what is no JSON.
    pub success: (u16, Option<SchemaOf>),
    /// The refusals that are its own, beside those that every guarded route has.
    pub refusals: &'static [Slug],
}

fn schema<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;

const fn get(
    name: &'static str,
    path: &'static str,
    guard: Guard,
    handler: Handler,
    summary: &'static str,
    success: Option<SchemaOf>,
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
        query: &[],
        request: None,
        success: (200, success),
        refusals: &[],
    }
}

const fn post(
    name: &'static str,
    path: &'static str,
    guard: Guard,
    handler: Handler,
    summary: &'static str,
    success: (u16, SchemaOf),
) -> Route {
    let get = get(name, path, guard, handler, summary, Some(success.1));
    Route {
        method: "POST",
        shown: Shown::Write,
        success: (success.0, Some(success.1)),
        ..get
    }
}

impl Route {
    const fn takes(mut self, cap: usize, request: SchemaOf) -> Route {
        self.body_cap = cap;
        self.body_optional = false;
        self.request = Some(request);
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

    const fn body_optional(mut self) -> Route {
        self.body_optional = true;
        self
    }
}

const READ: Guard = Guard::Key(Permission::Read);
const RUNS: Guard = Guard::Key(Permission::RunsWrite);
const LEDGER: Guard = Guard::Key(Permission::Ledger);

/// Every route, in the order of the documentation.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    post("deployManifest", "/v1/manifests", Guard::Key(Permission::ManifestsWrite), Handler::Door(deploy::deploy),
        "Makes a manifest the current one.", (201, schema::<view::DeployAnswer>)).takes(10 * MIB, schema::<manifest::Manifest>)
        .refusals(&[Slug::ManifestInvalid]),
    get("getCurrentManifest", "/v1/manifests/current", READ, Handler::Door(deploy::current),
        "The current manifest, in canonical JSON.", Some(schema::<manifest::Manifest>))
        .refusals(&[Slug::ManifestNotFound]),
    get("getManifest", "/v1/manifests/{manifest}", READ, Handler::Door(deploy::get),
        "A manifest by its content address.", Some(schema::<manifest::Manifest>))
        .refusals(&[Slug::ManifestNotFound]),
    post("triggerRun", "/v1/runs", RUNS, Handler::Door(accept::trigger),
        "Starts a run.", (202, schema::<view::TriggerAnswer>)).takes(MIB, schema::<trigger::Trigger>)
        .refusals(&[Slug::ManifestNotFound, Slug::PlanInvalid, Slug::PlanTooLarge, Slug::RunKeyConflict, Slug::IdempotencyKeyReused, Slug::StorageExhausted]),
    get("listRuns", "/v1/runs", READ, Handler::Door(read::runs), "Runs, newest first.", Some(schema::<view::RunPage>))
        .query(&[("limit", "How many, up to 1,000; 50 when absent."), ("before", "The run to begin after, from `next`."), ("open", "`true` for runs that have not ended.")]),
    get("getRun", "/v1/runs/{runId}", READ, Handler::Door(read::run), "A run, with the states of its tasks counted.", Some(schema::<view::RunView>))
        .refusals(&[Slug::RunNotFound]),
    post("cancelRun", "/v1/runs/{runId}/cancel", RUNS, Handler::Door(accept::cancel),
        "Asks for the end of a run.", (202, schema::<view::CancelAnswer>)).takes(4 * KIB, schema::<view::CancelRequest>)
        .body_optional().refusals(&[Slug::RunNotFound, Slug::RunAlreadyFinished]),
    post("rerunRun", "/v1/runs/{runId}/rerun", RUNS, Handler::Door(accept::rerun),
        "Starts a run that repeats what did not succeed in one that has ended.", (202, schema::<view::TriggerAnswer>)).takes(4 * KIB, schema::<view::RerunRequest>)
        .body_optional().refusals(&[Slug::RunNotFound, Slug::RunNotFinished]),
    get("listTasks", "/v1/runs/{runId}/tasks", READ, Handler::Door(read::tasks), "The tasks of a run in task-key order.", Some(schema::<view::TaskPage>))
        .query(&[("limit", "How many, up to 10,000; 1,000 when absent."), ("after", "The task key to begin after, from `next`."), ("state", "Only tasks in this state.")])
        .refusals(&[Slug::RunNotFound]),
    get("getTask", "/v1/runs/{runId}/tasks/{taskId}", READ, Handler::Door(read::task), "A task: its state, why it is so, and every record that says so.", Some(schema::<view::TaskView>))
        .refusals(&[Slug::RunNotFound, Slug::TaskNotFound]),
    get("getTaskLog", "/v1/runs/{runId}/tasks/{taskId}/log", READ, Handler::Door(log::read), "The log of an attempt; with `waitS` it waits for more.", Some(schema::<view::LogPage>))
        .query(&[("attempt", "Which attempt; the newest when absent."), ("offset", "Where to begin, in bytes."), ("waitS", "How long to wait for more, in seconds, up to 60.")])
        .refusals(&[Slug::RunNotFound, Slug::TaskNotFound]),
    post("requestBackfill", "/v1/backfills", RUNS, Handler::Door(backfill::request),
        "Starts runs over many partitions, a chunk at a time.", (202, schema::<backfill_wire::BackfillAnswer>)).takes(MIB, schema::<backfill_wire::BackfillRequest>)
        .refusals(&[Slug::ManifestNotFound, Slug::PlanInvalid]),
    get("listBackfills", "/v1/backfills", READ, Handler::Door(backfill::list), "Backfills, newest first.", Some(schema::<backfill_wire::BackfillPage>))
        .query(&[("limit", "How many, up to 100; 20 when absent.")]),
    get("getBackfill", "/v1/backfills/{backfillId}", READ, Handler::Door(backfill::get), "A backfill and how far it is.", Some(schema::<backfill_wire::BackfillView>))
        .refusals(&[Slug::BackfillNotFound]),
    post("pauseBackfill", "/v1/backfills/{backfillId}/pause", RUNS, Handler::Door(backfill::pause),
        "Begins no new chunk.", (202, schema::<serde_json::Value>)).takes(4 * KIB, schema::<backfill_wire::BackfillChange>)
        .body_optional().refusals(&[Slug::BackfillNotFound, Slug::BackfillEnded]),
    post("resumeBackfill", "/v1/backfills/{backfillId}/resume", RUNS, Handler::Door(backfill::resume),
        "Begins chunks again; with `retryFailed` also those that failed.", (202, schema::<serde_json::Value>)).takes(4 * KIB, schema::<backfill_wire::BackfillChange>)
        .body_optional().refusals(&[Slug::BackfillNotFound, Slug::BackfillEnded]),
    post("cancelBackfill", "/v1/backfills/{backfillId}/cancel", RUNS, Handler::Door(backfill::cancel),
        "Begins no new chunk, and cancels the runs of the open ones.", (202, schema::<serde_json::Value>)).takes(4 * KIB, schema::<backfill_wire::BackfillChange>)
        .body_optional().refusals(&[Slug::BackfillNotFound, Slug::BackfillEnded]),
    post("leaseTasks", "/v1/leases", Guard::Key(Permission::Leases), Handler::Door(lease::lease),
        "Gives work to a worker; waits up to `waitS` seconds for some.", (200, schema::<envelope::LeaseAnswer>)).takes(16 * KIB, schema::<envelope::LeaseRequest>),
    post("taskStarted", "/v1/tasks/{taskId}/started", Guard::Task, Handler::Door(callback::started),
        "Claims the attempt for one worker.", (200, schema::<callback_wire::CallbackAnswer>)).takes(4 * KIB, schema::<callback_wire::Started>)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::TaskAlreadyTerminal, Slug::TaskNotFound]),
    post("taskHeartbeat", "/v1/tasks/{taskId}/heartbeat", Guard::Task, Handler::Door(callback::heartbeat),
        "Says that the attempt is alive, and hears whether to stop.", (200, schema::<callback_wire::HeartbeatAnswer>)).takes(4 * KIB, schema::<callback_wire::Heartbeat>)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::TaskNotActive, Slug::TaskNotFound]),
    post("taskCompleted", "/v1/tasks/{taskId}/completed", Guard::Task, Handler::Door(callback::completed),
        "Reports the end of the attempt.", (200, schema::<callback_wire::CallbackAnswer>)).takes(256 * KIB, schema::<callback_wire::Completed>)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::CompletionConflict, Slug::TaskAlreadyTerminal, Slug::TaskNotFound]),
    post("renewTaskToken", "/v1/tasks/{taskId}/renew", Guard::Task, Handler::Door(callback::renew),
        "Gives a fresh token for an attempt that is still open.", (200, schema::<callback_wire::RenewAnswer>)).takes(4 * KIB, schema::<callback_wire::Heartbeat>)
        .refusals(&[Slug::TokenScopeMismatch, Slug::AttemptSuperseded, Slug::AttemptClaimed, Slug::TaskNotActive, Slug::TaskNotFound]),
    post("appendTaskLog", "/v1/tasks/{taskId}/log", Guard::Task, Handler::Door(log::append),
        "Adds to the log of the attempt.", (200, schema::<callback_wire::LogAnswer>)).takes(256 * KIB, schema::<callback_wire::LogPiece>)
        .refusals(&[Slug::TokenScopeMismatch, Slug::TaskNotFound]),
    get("listTaskInputs", "/v1/tasks/{taskId}/inputs", Guard::Task, Handler::Door(inputs::page), "All inputs of the attempt, when the envelope holds only the first.", Some(schema::<envelope::InputPage>))
        .query(&[("after", "The place to begin after, from `next`.")]),
    get("readLedger", "/v1/ledger", READ, Handler::Door(read::ledger), "Records in order; with `waitS` it waits for the next, with `Accept: text/event-stream` it goes on for ever.", Some(schema::<ledger::LedgerPage>))
        .query(&[("after", "The record to begin after; 0 for all."), ("limit", "How many, up to 10,000; 1,000 when absent."), ("waitS", "How long to wait for the next record, in seconds, up to 60."), ("runId", "Only records of this run.")]),
    post("appendDecisions", "/v1/ledger", LEDGER, Handler::Door(append::append),
        "Proposes decisions under the epoch of the scheduler's lease.", (200, schema::<ledger::AppendAnswer>)).takes(4 * MIB, schema::<ledger::AppendRequest>)
        .refusals(&[Slug::EpochFenced]),
    post("leaseScheduler", "/v1/scheduler", LEDGER, Handler::Door(append::lease),
        "Takes or keeps the right to decide.", (200, schema::<ledger::SchedulerLeaseAnswer>)).takes(4 * KIB, schema::<ledger::SchedulerLeaseRequest>),
    get("getHealth", "/health", Guard::Open, Handler::Door(read::health), "Whether the door answers and its ledger can be read.", None),
    get("getReadiness", "/ready", Guard::Open, Handler::Door(read::ready), "Whether work goes on: a scheduler holds its lease.", None)
        .refusals(&[Slug::Unavailable]),
    get("getMetrics", "/metrics", Guard::Open, Handler::Host, "Metrics in the OpenMetrics text format.", None),
    get("getOpenApi", "/openapi.json", Guard::Open, Handler::Door(read::openapi), "This interface as an OpenAPI 3.1 document.", None),
];

/// What a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// The backfill.
    pub backfill: Option<BackfillId>,
    /// The run.
    pub run: Option<RunId>,
    /// The task.
    pub task: Option<TaskId>,
    /// The manifest.
    pub manifest: Option<Sha256Digest>,
}

/// The route of a method and a path.
///
/// # Errors
/// `not-found` (404), also for an id in the path that is none, and `method-not-allowed` (405) with `Allow`.
pub fn find(method: &str, path: &str) -> Result<(&'static Route, Params), Problem> {
    let matching: Vec<(&'static Route, Params)> = ROUTES
        .iter()
        .filter_map(|route| Some((route, matches(route.path, path)?)))
        .collect();
    // A literal path stands before one with a parameter in the table, so the first match is the closest.
    let Some((first, _)) = matching.first() else {
        return Err(Problem::new(Slug::NotFound, "there is no such path"));
    };
    let same_path = matching
        .iter()
        .filter(|(route, _)| route.path == first.path);
    let mut allowed = Vec::new();
    for (route, params) in same_path {
        if route.method == method {
            return Ok((route, params.clone()));
        }
        allowed.push(route.method.to_string());
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
            "{runId}" => params.run = Some(RunId::parse(segment).ok()?),
            "{taskId}" => params.task = Some(TaskId::parse(segment).ok()?),
            "{manifest}" => params.manifest = Some(Sha256Digest::parse(segment).ok()?),
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
