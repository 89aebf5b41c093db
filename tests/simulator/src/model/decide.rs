//! What has to happen next, by looking at every run and every task for each place that is free.

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::wire::view::TaskState;

use super::{Run, Task};
use crate::graph;
use crate::pipeline::{MOST_OF_POOL, MOST_OPEN};

/// What is decided about the runs that have not ended, in order, as one word each.
pub(crate) fn decide(runs: &BTreeMap<String, Run>, most_open: usize) -> Vec<String> {
    let states: BTreeMap<&str, Vec<(&str, Task)>> = runs
        .iter()
        .map(|(id, run)| (id.as_str(), run.states()))
        .collect();
    let mut table = Table::new(&states, most_open);
    let mut decisions = Vec::new();
    for (id, run) in runs {
        let tasks = states.get(id.as_str()).map_or(&[] as &[_], Vec::as_slice);
        if begins(run) {
            decisions.push(format!("plan {id}"));
        } else if tasks.iter().all(|(_, task)| task.state.is_terminal()) {
            let (outcome, counts) = run.end();
            decisions.push(format!("finish {id} {outcome} {counts:?}"));
        }
        for (name, task) in tasks {
            if task.state == TaskState::RetryWait {
                decisions.push(dispatch(id, name, task.attempt + 1, run));
                table.take(name);
            }
        }
    }
    let mut chosen = BTreeSet::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    while let Some((id, name)) = next(runs, &states, &table, &chosen, &open) {
        chosen.insert((id, name));
        *open.entry(id).or_insert(0) += 1;
        table.take(name);
        if let Some(run) = runs.get(id) {
            decisions.push(dispatch(id, name, 1, run));
        }
    }
    decisions
}

fn dispatch(id: &str, name: &str, attempt: u64, run: &Run) -> String {
    let priority = rank(name, run).saturating_neg();
    format!("dispatch {id} {name} {attempt} {priority}")
}

/// Lower goes first within a run.
fn rank(name: &str, run: &Run) -> i64 {
    -graph::priority(name, run.version) - run.priority
}

fn begins(run: &Run) -> bool {
    run.first("run_planned").is_none() && run.first("run_cancel_requested").is_none()
}

/// How early a task comes: by its run's priority, open tasks and id, then by its own priority and place; the lowest is first.
type Rank<'a> = (i64, usize, &'a str, i64, usize);

/// The best task that has a place: of the run with the highest priority, then with the fewest open, then with the lowest id.
fn next<'a>(
    runs: &'a BTreeMap<String, Run>,
    states: &BTreeMap<&'a str, Vec<(&'a str, Task)>>,
    table: &Table,
    chosen: &BTreeSet<(&str, &str)>,
    opened: &BTreeMap<&str, usize>,
) -> Option<(&'a str, &'a str)> {
    let mut best: Option<(Rank<'_>, &str)> = None;
    for (id, run) in runs {
        let tasks = states.get(id.as_str())?;
        let open = tasks.iter().filter(|(_, task)| is_open(task)).count();
        let open = open + opened.get(id.as_str()).copied().unwrap_or(0);
        for (place, (name, task)) in tasks.iter().enumerate() {
            let is_first = begins(run)
                && !graph::needs(name)
                    .iter()
                    .any(|need| run.tasks.contains(need));
            let is_ready = task.state == TaskState::Ready || is_first;
            if !is_ready || chosen.contains(&(id.as_str(), name)) || !table.has(name) {
                continue;
            }
            let order = (-run.priority, open, id.as_str(), rank(name, run), place);
            if best.is_none_or(|(other, _)| order < other) {
                best = Some((order, name));
            }
        }
    }
    best.map(|((_, _, id, _, _), name)| (id, name))
}

fn is_open(task: &Task) -> bool {
    matches!(task.state, TaskState::Dispatched | TaskState::Running)
}

/// The places that are taken.
struct Table {
    most: usize,
    taken: usize,
    of_pool: usize,
}

impl Table {
    fn new(states: &BTreeMap<&str, Vec<(&str, Task)>>, most_open: usize) -> Table {
        let mut table = Table {
            most: most_open.min(MOST_OPEN),
            taken: 0,
            of_pool: 0,
        };
        for (name, _) in states.values().flatten().filter(|(_, task)| is_open(task)) {
            table.take(name);
        }
        table
    }

    fn has(&self, name: &str) -> bool {
        self.taken < self.most && (!graph::is_pooled(name) || self.of_pool < MOST_OF_POOL)
    }

    fn take(&mut self, name: &str) {
        self.taken += 1;
        self.of_pool += usize::from(graph::is_pooled(name));
    }
}
