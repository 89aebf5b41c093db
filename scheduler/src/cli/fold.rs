//! A run that is watched is folded here by the same code as at the door, so its progress is exact and costs no request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arcoflow_core::door::read::asset_lines;
use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::identity::keys::{AssetKey, Operation, TaskKey};
use arcoflow_core::plan::catalog::{AssetIndex, Catalog};
use arcoflow_core::plan::{MAX_TASKS, Plan};
use arcoflow_core::run::explain;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::state::Run;
use arcoflow_core::wire::event::{AttemptOutcome, Event, Output};
use arcoflow_core::wire::finding::Finding;
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::view::{AssetLine, TaskState};

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::client::Client;

/// What happened to a task that a person wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It failed for good; its place in the plan.
    Failed(u32),
    /// An attempt failed, and another one follows.
    Retried(u32),
}

/// A run with what its records say beside its state.
#[derive(Debug)]
pub(crate) struct Folded {
    /// The state.
    pub(crate) run: Run,
    /// For each asset the time of its first start and of its last end, the door's, in milliseconds since 1970.
    pub(crate) spans: BTreeMap<AssetKey, (u64, u64)>,
    /// What the assets at the end of the plan made, in the order in which they made it.
    pub(crate) results: Vec<(TaskKey, Output)>,
    /// The time of the newest record.
    pub(crate) at_ms: u64,
    /// The assets that no other asset of the plan is made from.
    last: BTreeSet<AssetIndex>,
}

/// The one manifest that a run needs.
struct Known(Arc<Catalog>);

impl Catalogs for Known {
    fn catalog(&self, _: &Sha256Digest) -> Option<Arc<Catalog>> {
        Some(self.0.clone())
    }
}

impl Folded {
    /// A run as its first record leaves it; its manifest is asked for.
    pub(crate) async fn begin(client: &Client, record: &Record) -> Outcome<Folded> {
        let Some(triggered) = record.event().as_ref().and_then(Event::begins).cloned() else {
            let what = format!("record {} does not begin a run", record.seq);
            return Err(Failure::new(Exit::Unreachable, what)
                .hint("`arcoflow ledger verify` says what is wrong"));
        };
        let text = client.manifest(&triggered.manifest).await?;
        let catalog = catalog_of(&text)?;
        let run = Run::begin(record, triggered, &Known(Arc::new(catalog)), MAX_TASKS);
        let last = run.plan.as_deref().map(last_assets).unwrap_or_default();
        Ok(Folded {
            run,
            spans: BTreeMap::new(),
            results: Vec::new(),
            at_ms: record.at_ms,
            last,
        })
    }

    /// Takes a record; one of another run changes nothing.
    pub(crate) fn take(&mut self, record: &Record) -> Option<News> {
        self.at_ms = self.at_ms.max(record.at_ms);
        let event = record.event()?;
        if event.run() != Some(self.run.id) {
            return None;
        }
        self.run.apply(record, &event);
        match &event {
            Event::AttemptStarted(body) => {
                self.note_time(&body.task, record.at_ms);
                None
            }
            Event::AttemptFinished(body) => {
                self.note_time(&body.task, record.at_ms);
                if let (AttemptOutcome::Succeeded, Some(output)) = (body.outcome, &body.output) {
                    self.note_output(&body.task, output);
                }
                self.news_of(&body.task, body.outcome == AttemptOutcome::Failed)
            }
            Event::AttemptExpired(body) => {
                self.note_time(&body.task, record.at_ms);
                self.news_of(&body.task, true)
            }
            _ => None,
        }
    }

    /// The run's id.
    pub(crate) fn id(&self) -> RunId {
        self.run.id
    }

    /// The plan, when there is one.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.run.plan.as_deref().ok()
    }

    /// The states of each asset's tasks, counted, in the order in which the run comes to them.
    pub(crate) fn assets(&self) -> Vec<AssetLine> {
        self.plan()
            .map(|plan| asset_lines(&self.run, plan))
            .unwrap_or_default()
    }

    /// The tasks in a state, by their places in the plan.
    pub(crate) fn in_state(&self, state: TaskState) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.run.tasks)
            .filter(move |(_, task)| task.state == state)
            .map(|(index, _)| index)
    }

    /// Why a task is in its state.
    pub(crate) fn reasons(&self, index: u32) -> Vec<String> {
        explain::explain(&self.run, index)
    }

    fn note_time(&mut self, task: &TaskKey, at_ms: u64) {
        let span = self.spans.entry(task.asset()).or_insert((at_ms, at_ms));
        span.1 = at_ms;
    }

    /// Keeps what nobody in the plan works on: that is what the run was for.
    fn note_output(&mut self, task: &TaskKey, output: &Output) {
        let Some(plan) = self.plan() else { return };
        let is_last = self
            .run
            .find(task)
            .is_some_and(|index| self.last.contains(&plan.asset(index)));
        if is_last && task.operation() == Operation::Materialize && output.output_path.is_some() {
            self.results.push((task.clone(), output.clone()));
        }
    }

    fn news_of(&self, task: &TaskKey, failed: bool) -> Option<News> {
        let index = self.run.find(task).filter(|_| failed)?;
        match self.run.tasks.get(index as usize)?.state {
            TaskState::Failed => Some(News::Failed(index)),
            TaskState::RetryWait => Some(News::Retried(index)),
            _ => None,
        }
    }
}

fn last_assets(plan: &Plan) -> BTreeSet<AssetIndex> {
    let mut last: BTreeSet<AssetIndex> = plan.assets().collect();
    for task in 0..plan.len() {
        let asset = plan.asset(task);
        let mut downstreams = plan.downstreams(task).iter();
        if downstreams.any(|downstream| plan.asset(*downstream) != asset) {
            last.remove(&asset);
        }
    }
    last
}

/// The index of a manifest that a door gave.
pub(crate) fn catalog_of(text: &[u8]) -> Outcome<Catalog> {
    Manifest::parse(text)
        .and_then(Catalog::new)
        .map_err(|findings| unreadable(&findings))
}

/// A manifest that a door gave is none, by the first thing that is wrong with it.
pub(crate) fn unreadable(findings: &[Finding]) -> Failure {
    let first = findings
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    Failure::new(
        Exit::Unreachable,
        format!("the manifest of the run cannot be read: {first}"),
    )
    .hint("is the door of another version?")
}
