//! A second run machine, slow and plain: where each task stands is worked out from all records of its run, each time anew.

mod decide;

use std::collections::BTreeMap;

use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::view::TaskState;
use serde_json::Value;

use crate::graph;

pub(crate) use decide::decide;

/// A record of a run.
struct Fact {
    seq: u64,
    at_ms: u64,
    kind: String,
    body: Value,
}

/// A run as its records tell it.
pub(crate) struct Run {
    /// The tasks in the order of the plan.
    tasks: Vec<String>,
    /// The version of the pipeline that it was planned from.
    version: u64,
    priority: i64,
    facts: Vec<Fact>,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) state: TaskState,
    /// The newest attempt; 0 before the first.
    pub(crate) attempt: u64,
    /// The record that brought it there; 0 when none did.
    pub(crate) since: u64,
    /// While it waits for a retry: the first and the last moment at which that may begin.
    pub(crate) again: (u64, u64),
}

impl Run {
    /// A run that begins.
    pub(crate) fn new(tasks: Vec<String>, version: u64, priority: i64) -> Run {
        Run {
            tasks,
            version,
            priority,
            facts: Vec::new(),
        }
    }

    /// Keeps a record.
    pub(crate) fn take(&mut self, record: &Record, body: &Value) {
        self.facts.push(Fact {
            seq: record.seq,
            at_ms: record.at_ms,
            kind: record.kind.clone(),
            body: body.clone(),
        });
    }

    /// Where every task stands, in the order of the plan.
    pub(crate) fn states(&self) -> Vec<(&str, Task)> {
        let mut known = BTreeMap::new();
        let states = self.tasks.iter();
        states
            .map(|task| (task.as_str(), self.task(task, &mut known)))
            .collect()
    }

    fn first(&self, kind: &str) -> Option<u64> {
        let fact = self.facts.iter().find(|fact| fact.kind == kind);
        fact.map(|fact| fact.seq)
    }

    fn task(&self, name: &str, known: &mut BTreeMap<String, Task>) -> Task {
        if let Some(task) = known.get(name) {
            return task.clone();
        }
        let task = self.work_out(name, known);
        known.insert(name.to_owned(), task.clone());
        task
    }

    fn work_out(&self, name: &str, known: &mut BTreeMap<String, Task>) -> Task {
        let mut ready = self.first("run_planned");
        // What ends the task though it never began: the first that came.
        let mut given_up = self
            .first("run_cancel_requested")
            .map(|seq| (seq, TaskState::Cancelled));
        for need in graph::needs(name) {
            if !self.tasks.contains(&need) {
                continue;
            }
            let need = self.task(&need, known);
            match need.state {
                TaskState::Succeeded => ready = ready.map(|seq| seq.max(need.since)),
                state => {
                    ready = None;
                    let spread = match state {
                        TaskState::Cancelled => TaskState::Cancelled,
                        _ => TaskState::Skipped,
                    };
                    if state.is_terminal() && given_up.is_none_or(|(seq, _)| need.since < seq) {
                        given_up = Some((need.since, spread));
                    }
                }
            }
        }
        match (ready, given_up) {
            (Some(ready), Some((seq, state))) if seq < ready => ended(state, seq),
            (Some(ready), _) => self.walk(name, ready),
            (None, Some((seq, state))) => ended(state, seq),
            (None, None) => ended(TaskState::Blocked, 0),
        }
    }

    /// Goes through what happened to a task after it was ready.
    fn walk(&self, name: &str, ready: u64) -> Task {
        let mut task = ended(TaskState::Ready, ready);
        let mut is_cancelled = false;
        for fact in self.facts.iter().filter(|fact| fact.seq > ready) {
            if task.state.is_terminal() {
                break;
            }
            let next = if fact.kind == "run_cancel_requested" {
                is_cancelled = true;
                (task.state != TaskState::Running).then_some(TaskState::Cancelled)
            } else if fact.body["task"] == name {
                step(&mut task, fact, is_cancelled)
            } else {
                None
            };
            if let Some(next) = next {
                (task.state, task.since) = (next, fact.seq);
            }
        }
        task
    }

    /// How the run ends, given that every task has: its outcome, and what there is of each end.
    pub(crate) fn end(&self) -> (&'static str, [u64; 4]) {
        let states = self.states();
        let count = |state: TaskState| {
            let those = states.iter().filter(|(_, task)| task.state == state);
            those.count() as u64
        };
        let counts = [
            count(TaskState::Succeeded),
            count(TaskState::Failed),
            count(TaskState::Skipped),
            count(TaskState::Cancelled),
        ];
        let [_, failed, _, cancelled] = counts;
        let warned = states
            .iter()
            .any(|(name, task)| *name == graph::WARNING && task.state == TaskState::Failed);
        let outcome = if cancelled > 0 && self.first("run_cancel_requested").is_some() {
            "cancelled"
        } else if failed > u64::from(warned) || cancelled > 0 {
            "failed"
        } else {
            "succeeded"
        };
        (outcome, counts)
    }
}

fn ended(state: TaskState, since: u64) -> Task {
    Task {
        state,
        attempt: 0,
        since,
        again: (0, 0),
    }
}

/// What a record of a task makes of it.
fn step(task: &mut Task, fact: &Fact, is_cancelled: bool) -> Option<TaskState> {
    let attempt = fact.body["attempt"].as_u64().unwrap_or(0);
    let is_open = matches!(task.state, TaskState::Dispatched | TaskState::Running);
    let is_its = is_open && attempt == task.attempt;
    match fact.kind.as_str() {
        "dispatch_requested" if !is_open && attempt == task.attempt + 1 => {
            task.attempt = attempt;
            Some(TaskState::Dispatched)
        }
        "attempt_started" if is_its && task.state == TaskState::Dispatched => {
            Some(TaskState::Running)
        }
        "attempt_finished" if is_its => Some(match fact.body["outcome"].as_str() {
            Some("succeeded") => TaskState::Succeeded,
            Some("cancelled") => TaskState::Cancelled,
            _ => fail(task, fact, &fact.body["error"], true, is_cancelled),
        }),
        "attempt_expired" if is_its && fact.body["reason"] == "cancel_grace" => {
            Some(TaskState::Cancelled)
        }
        "attempt_expired" if is_its => {
            let error = serde_json::json!({ "category": "TIMEOUT" });
            Some(fail(task, fact, &error, false, is_cancelled))
        }
        _ => None,
    }
}

/// A failure is tried again, or stands, or is what the cancel made of it.
fn fail(
    task: &mut Task,
    fact: &Fact,
    error: &Value,
    is_reported: bool,
    is_cancelled: bool,
) -> TaskState {
    let policy = graph::policy(fact.body["task"].as_str().unwrap_or(""));
    let follows = graph::is_retryable(error) && task.attempt < policy.most_attempts;
    let stands = is_reported && !follows && error["category"] != "CANCELLED";
    if is_cancelled && !stands {
        return TaskState::Cancelled;
    }
    if !follows {
        return TaskState::Failed;
    }
    let delay_ms = policy.base_delay_ms << (task.attempt - 1);
    let delay_ms = delay_ms.min(policy.most_delay_ms);
    let (least_ms, most_ms) = match error["retryAfterMs"].as_u64() {
        Some(asked) => (asked, asked),
        None => (delay_ms / 2, delay_ms),
    };
    task.again = (fact.at_ms + least_ms, fact.at_ms + most_ms);
    TaskState::RetryWait
}
