//! Every state of a task has a reason that a person can read, back to the cause of causes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::plan::Plan;
use crate::run::state::Run;
use crate::wire::view::TaskState;

/// How many waiting upstreams a sentence names.
const NAMED: usize = 3;

/// Why a task is in its state, a sentence a step; the last one is where it begins.
#[must_use]
pub fn explain(run: &Run, index: u32) -> Vec<String> {
    let mut reasons = Vec::new();
    let plan = match &run.plan {
        Ok(plan) => plan,
        Err((code, message)) => {
            return Vec::from([format!("the run has no plan: {message} ({code})")]);
        }
    };
    let mut at = index;
    // Each step goes to a task of an earlier stage, so there are at most as many as stages.
    for _ in 0..=plan.stages() {
        match explain_one(run, plan, at, &mut reasons) {
            Some(next) => at = next,
            None => break,
        }
    }
    reasons
}

fn explain_one(run: &Run, plan: &Plan, index: u32, reasons: &mut Vec<String>) -> Option<u32> {
    let task = run.tasks.get(index as usize)?;
    let name = plan.key(index);
    match task.state {
        TaskState::Blocked => return explain_blocked(run, plan, index, reasons),
        TaskState::Ready => reasons.push(explain_ready(run, index, name.as_str())),
        TaskState::Dispatched => reasons.push(format!(
            "attempt {} of `{name}` waits for a worker",
            task.attempt
        )),
        TaskState::Running => reasons.push(format!("attempt {} of `{name}` runs", task.attempt)),
        TaskState::RetryWait => reasons.push(format!("`{name}` waits for its next attempt")),
        TaskState::Succeeded => {
            reasons.push(format!("attempt {} of `{name}` succeeded", task.attempt))
        }
        TaskState::Failed => reasons.push(format!("`{name}` failed")),
        TaskState::Skipped => {
            let cause = run_cause(run, index)?;
            reasons.push(format!(
                "`{name}` was skipped, because `{}` {}",
                plan.key(cause),
                past(run.task_state(cause))
            ));
            return Some(cause);
        }
        TaskState::Cancelled => {
            if let Some(cause) = run_cause(run, index) {
                reasons.push(format!(
                    "`{name}` was cancelled, because `{}` was cancelled",
                    plan.key(cause)
                ));
                return Some(cause);
            }
            reasons.push(explain_cancel(run, name.as_str()));
        }
    }
    if let Some(failure) = run.failures.get(&index) {
        reasons.push(format!(
            "attempt {} failed with {}",
            failure.attempt, failure.sentence
        ));
        reasons.push(failure.verdict.clone());
    }
    None
}

fn explain_blocked(run: &Run, plan: &Plan, index: u32, reasons: &mut Vec<String>) -> Option<u32> {
    if run.planned.is_none() {
        reasons.push("the run is not planned yet: is a scheduler running?".to_string());
        return None;
    }
    let upstreams = plan.upstreams(index);
    let waiting: Vec<u32> = upstreams
        .iter()
        .copied()
        .filter(|upstream| run.task_state(*upstream) != TaskState::Succeeded)
        .collect();
    let names: Vec<String> = waiting
        .iter()
        .take(NAMED)
        .map(|upstream| format!("`{}`", plan.key(*upstream)))
        .collect();
    let more = if waiting.len() > NAMED {
        format!(" and {} more", waiting.len() - NAMED)
    } else {
        String::new()
    };
    reasons.push(format!(
        "`{}` waits for {} of {} upstream tasks: {}{more}",
        plan.key(index),
        waiting.len(),
        upstreams.len(),
        names.join(", ")
    ));
    waiting.first().copied()
}

fn explain_ready(run: &Run, index: u32, name: &str) -> String {
    match run.tracks.get(run.standing(index).lane) {
        Some(track) => match &track.lane.pool {
            Some(pool) => format!(
                "`{name}` waits for a free place in queue `{}` and pool `{pool}`",
                track.lane.queue
            ),
            None => format!(
                "`{name}` waits for a free place in queue `{}`",
                track.lane.queue
            ),
        },
        None => format!("`{name}` waits for a free place"),
    }
}

fn explain_cancel(run: &Run, name: &str) -> String {
    match &run.cancel {
        Some((seq, Some(reason))) => {
            format!("`{name}` was cancelled with the run, record {seq}: {reason}")
        }
        Some((seq, None)) => format!("`{name}` was cancelled with the run, record {seq}"),
        None => format!("the worker of `{name}` reported that it was cancelled"),
    }
}

/// The task that ended this one, unless it ended on its own.
fn run_cause(run: &Run, index: u32) -> Option<u32> {
    let cause = run.tasks.get(index as usize)?.cause;
    (cause != index && (cause as usize) < run.tasks.len()).then_some(cause)
}

fn past(state: TaskState) -> &'static str {
    match state {
        TaskState::Failed => "failed",
        TaskState::Skipped => "was skipped",
        TaskState::Cancelled => "was cancelled",
        TaskState::Succeeded => "succeeded",
        _ => "did not succeed",
    }
}
