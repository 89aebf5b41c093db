//! Folding is total: any record, in any state, at any time gives a state, and the same records give the same one.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::identity::derived;
use crate::identity::digest::Sha256Digest;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::order::map_of;
use crate::plan::{self, Plan};
use crate::run::retry;
use crate::run::state::{Failure, Lane, NO_TASK, Run, Standing, Task, Track};
use crate::wire::event::{
    AttemptExpired, AttemptFinished, AttemptOutcome, DispatchRequested, ErrorCategory, Event,
    ExpiryReason, RunTriggered, TaskError,
};
use crate::wire::record::Record;
use crate::wire::view::TaskState;

/// Gives manifests by their content address. It must give the same catalog for an address for ever.
pub trait Catalogs {
    /// The indexed manifest, when it is known.
    fn catalog(&self, manifest: &Sha256Digest) -> Option<Arc<Catalog>>;
}

/// The plan of a trigger: what the door refuses or accepts, what the scheduler runs, and what anyone recompiles.
///
/// # Errors
/// Code and sentence of the refusal.
pub fn plan_of(
    catalog: &Catalog,
    triggered: &RunTriggered,
    at_ms: u64,
    limit: u32,
) -> Result<Plan, (String, String)> {
    let as_of_ms = triggered.as_of_ms(at_ms);
    let plan = plan::compile(catalog, &triggered.trigger, as_of_ms, limit)
        .map_err(|error| (error.finding.code.to_string(), error.finding.message))?;
    match &triggered.rerun {
        None => Ok(plan),
        Some(rerun) => Ok(plan.restrict(&|index| rerun.tasks.contains(index))),
    }
}

impl Run {
    /// A run as its first record leaves it.
    #[must_use]
    pub fn begin(
        record: &Record,
        triggered: RunTriggered,
        catalogs: &dyn Catalogs,
        limit: u32,
    ) -> Run {
        let catalog = catalogs.catalog(&triggered.manifest);
        let plan = match &catalog {
            Some(catalog) => plan_of(catalog, &triggered, record.at_ms, limit).map(Arc::new),
            None => Err((
                "manifest.unknown".to_string(),
                format!("manifest `{}` is not known here", triggered.manifest),
            )),
        };
        Run::with_plan(record, triggered, catalog, plan)
    }

    /// A run whose plan was compiled before.
    #[must_use]
    pub fn with_plan(
        record: &Record,
        triggered: RunTriggered,
        catalog: Option<Arc<Catalog>>,
        plan: Result<Arc<Plan>, (String, String)>,
    ) -> Run {
        let own = triggered.trigger.priority;
        let (tasks, (tracks, standings)) = match (&plan, &catalog) {
            (Ok(plan), Some(catalog)) => (initial_tasks(plan), compete(plan, catalog, own)),
            _ => Default::default(),
        };
        let mut counts = [0; TaskState::ALL.len()];
        counts[TaskState::Blocked as usize] = tasks.len() as u32;
        Run {
            id: triggered.run,
            triggered,
            triggered_seq: record.seq,
            triggered_at: record.at_ms,
            catalog,
            plan,
            planned: None,
            tasks,
            cancel: None,
            finished: None,
            finished_at: None,
            tracks,
            moved: Vec::new(),
            standings,
            retrying: BTreeSet::new(),
            failures: BTreeMap::new(),
            counts,
            warnings_failed: 0,
        }
    }

    /// Takes one record of this run. What does not fit the state changes nothing.
    pub fn apply(&mut self, record: &Record, event: &Event) {
        match event {
            Event::RunPlanned(body) => self.apply_planned(record, body.plan),
            Event::RunRejected(body) => self.plan = Err((body.code.clone(), body.message.clone())),
            Event::RunCancelRequested(body) => self.apply_cancel(record, body.reason.clone()),
            Event::DispatchRequested(body) => self.apply_dispatch(record, body),
            Event::AttemptStarted(body) => {
                if let Some(index) = self.open_task(&body.task, body.attempt)
                    && self.task_state(index) == TaskState::Dispatched
                {
                    self.set(index, TaskState::Running, record.seq);
                }
            }
            Event::AttemptFinished(body) => self.apply_finished(record, body),
            Event::AttemptExpired(body) => self.apply_expired(record, body),
            Event::RunFinished(body) => {
                self.finished = Some(body.clone());
                self.finished_at = Some(record.at_ms);
            }
            _ => {}
        }
    }

    fn apply_planned(&mut self, record: &Record, fingerprint: Sha256Digest) {
        if self.planned.is_some() || self.plan.is_err() {
            return;
        }
        self.planned = Some(fingerprint);
        for index in 0..self.tasks.len() as u32 {
            if self
                .tasks
                .get(index as usize)
                .is_some_and(|task| task.pending == 0 && task.state == TaskState::Blocked)
            {
                self.set(index, TaskState::Ready, record.seq);
            }
        }
    }

    fn apply_cancel(&mut self, record: &Record, reason: Option<String>) {
        if self.cancel.is_some() || self.finished.is_some() {
            return;
        }
        self.cancel = Some((record.seq, reason));
        for index in 0..self.tasks.len() as u32 {
            let state = self.task_state(index);
            if !state.is_terminal() && state != TaskState::Running {
                self.end(index, TaskState::Cancelled, index, record.seq);
            }
        }
    }

    fn apply_dispatch(&mut self, record: &Record, body: &DispatchRequested) {
        let Some(index) = self.find(&body.task) else {
            return;
        };
        let Some(task) = self.tasks.get_mut(index as usize) else {
            return;
        };
        let fits = matches!(task.state, TaskState::Ready | TaskState::RetryWait)
            && body.attempt == task.attempt + 1;
        if fits {
            task.attempt = body.attempt;
            task.not_before = body.not_before;
            self.set(index, TaskState::Dispatched, record.seq);
        }
    }

    fn apply_finished(&mut self, record: &Record, body: &AttemptFinished) {
        let Some(index) = self.open_task(&body.task, body.attempt) else {
            return;
        };
        match body.outcome {
            AttemptOutcome::Succeeded => self.succeed(index, record.seq),
            AttemptOutcome::Cancelled => {
                self.end_and_spread(index, TaskState::Cancelled, record.seq)
            }
            AttemptOutcome::Failed => {
                let unsaid = TaskError {
                    category: ErrorCategory::UserCode,
                    message: String::new(),
                    retryable: None,
                    retry_after_ms: None,
                    truncated: false,
                };
                self.fail(index, body.error.as_ref().unwrap_or(&unsaid), true, record);
            }
        }
    }

    fn apply_expired(&mut self, record: &Record, body: &AttemptExpired) {
        let Some(index) = self.open_task(&body.task, body.attempt) else {
            return;
        };
        let message = match body.reason {
            ExpiryReason::Start => "no worker started it in time after the lease",
            ExpiryReason::Heartbeat => "its worker fell silent",
            ExpiryReason::Deadline => "it ran longer than the asset allows",
            ExpiryReason::CancelGrace => {
                return self.end_and_spread(index, TaskState::Cancelled, record.seq);
            }
        };
        let error = TaskError {
            category: ErrorCategory::Timeout,
            message: message.to_string(),
            retryable: None,
            retry_after_ms: None,
            truncated: false,
        };
        self.fail(index, &error, false, record);
    }

    fn succeed(&mut self, index: u32, seq: u64) {
        self.set(index, TaskState::Succeeded, seq);
        self.failures.remove(&index);
        let Ok(plan) = self.plan.clone() else { return };
        for &downstream in plan.downstreams(index) {
            let Some(task) = self.tasks.get_mut(downstream as usize) else {
                continue;
            };
            task.pending = task.pending.saturating_sub(1);
            if task.pending == 0 && task.state == TaskState::Blocked {
                self.set(downstream, TaskState::Ready, seq);
            }
        }
    }

    /// An attempt has failed by its worker's report, or because a deadline passed.
    fn fail(&mut self, index: u32, error: &TaskError, is_reported: bool, record: &Record) {
        let Some(task) = self.tasks.get(index as usize).copied() else {
            return;
        };
        let (Ok(plan), Some(catalog)) = (self.plan.clone(), self.catalog.clone()) else {
            return;
        };
        let policy = &catalog.asset(plan.asset(index)).retry;
        let sentence = if error.message.is_empty() {
            category_name(error.category).to_string()
        } else {
            format!("{}: {}", category_name(error.category), error.message)
        };
        let follows = retry::is_retryable(error) && task.attempt < policy.max_attempts;
        // A cancel takes the place of the next attempt, and explains a silence. A worker's word that is final stays a failure.
        let is_final = is_reported && !follows && error.category != ErrorCategory::Cancelled;
        let is_cut_short = self.cancel.is_some() && !is_final;
        let verdict = if is_cut_short {
            "not tried again, because the run was cancelled".to_string()
        } else if follows {
            format!(
                "attempt {} of {} follows",
                task.attempt + 1,
                policy.max_attempts
            )
        } else if retry::is_retryable(error) {
            format!(
                "not tried again, because all {} attempts are used up",
                policy.max_attempts
            )
        } else if error.retryable == Some(false) {
            "not tried again, because its worker said so".to_string()
        } else {
            format!(
                "not tried again, because {} failures are not",
                category_name(error.category)
            )
        };
        self.failures.insert(
            index,
            Failure {
                attempt: task.attempt,
                sentence,
                verdict,
            },
        );
        if is_cut_short {
            self.end_and_spread(index, TaskState::Cancelled, record.seq);
        } else if follows {
            let attempt_id = derived::attempt_id(&self.id, &plan.key(index), task.attempt);
            let not_before = record.at_ms.saturating_add(retry::delay_ms(
                policy,
                task.attempt,
                &attempt_id,
                error,
            ));
            if let Some(task) = self.tasks.get_mut(index as usize) {
                task.not_before = not_before;
            }
            self.set(index, TaskState::RetryWait, record.seq);
        } else {
            if plan.is_warning(index) {
                self.warnings_failed += 1;
            }
            self.end_and_spread(index, TaskState::Failed, record.seq);
        }
    }

    /// Ends a task and everything downstream that has not ended: a failure skips, a cancel cancels.
    fn end_and_spread(&mut self, index: u32, state: TaskState, seq: u64) {
        self.end(index, state, index, seq);
        let Ok(plan) = self.plan.clone() else { return };
        let spread = if state == TaskState::Cancelled {
            TaskState::Cancelled
        } else {
            TaskState::Skipped
        };
        let mut stack = vec![index];
        while let Some(at) = stack.pop() {
            for &downstream in plan.downstreams(at) {
                if self.task_state(downstream) == TaskState::Blocked {
                    self.end(downstream, spread, at, seq);
                    stack.push(downstream);
                }
            }
        }
    }

    fn end(&mut self, index: u32, state: TaskState, cause: u32, seq: u64) {
        self.set(index, state, seq);
        if let Some(task) = self.tasks.get_mut(index as usize) {
            task.cause = cause;
        }
    }

    pub(crate) fn task_state(&self, index: u32) -> TaskState {
        self.tasks
            .get(index as usize)
            .map_or(TaskState::Cancelled, |task| task.state)
    }

    /// The index of a task of this run.
    #[must_use]
    pub fn find(&self, key: &crate::identity::keys::TaskKey) -> Option<u32> {
        self.plan.as_ref().ok()?.find(key)
    }

    /// The task, when this is its newest attempt and that is open.
    fn open_task(&self, key: &crate::identity::keys::TaskKey, attempt: u32) -> Option<u32> {
        let index = self.find(key)?;
        let task = self.tasks.get(index as usize)?;
        let open = matches!(task.state, TaskState::Dispatched | TaskState::Running);
        (open && task.attempt == attempt).then_some(index)
    }
}

fn initial_tasks(plan: &Plan) -> Vec<Task> {
    (0..plan.len())
        .map(|index| Task {
            pending: plan.upstreams(index).len() as u32,
            cause: NO_TASK,
            ..Task::default()
        })
        .collect()
}

/// The lanes of a plan in order, and how the tasks of each of its assets compete in a run of some priority.
fn compete(plan: &Plan, catalog: &Catalog, priority: i32) -> (Vec<Track>, Vec<Standing>) {
    let lane_of = |asset: AssetIndex| {
        let asset = catalog.asset(asset);
        (asset.queue.as_str(), asset.pool.as_deref())
    };
    let mut places: BTreeMap<(&str, Option<&str>), usize> =
        map_of(plan.assets().map(|asset| (lane_of(asset), 0)));
    let mut tracks = Vec::with_capacity(places.len());
    for ((queue, pool), place) in &mut places {
        *place = tracks.len();
        tracks.push(Track::new(Lane {
            queue: queue.to_string(),
            pool: pool.map(String::from),
        }));
    }
    let standing = |asset: AssetIndex| Standing {
        lane: places.get(&lane_of(asset)).copied().unwrap_or(0),
        rank: catalog
            .asset(asset)
            .priority
            .saturating_neg()
            .saturating_sub(priority),
    };
    let standings = plan.assets().map(standing).collect();
    (tracks, standings)
}

/// The name of a category as workers write it.
#[must_use]
pub fn category_name(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::UserCode => "USER_CODE",
        ErrorCategory::Infrastructure => "INFRASTRUCTURE",
        ErrorCategory::Timeout => "TIMEOUT",
        ErrorCategory::DataQuality => "DATA_QUALITY",
        ErrorCategory::Configuration => "CONFIGURATION",
        ErrorCategory::Cancelled => "CANCELLED",
    }
}
