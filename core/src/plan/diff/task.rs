//! Two plans differ in tasks, and each task in what it waits for and how it is handed out.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use schemars::JsonSchema;
use serde::Serialize;

use super::Fate;
use crate::identity::keys::{Operation, TaskKey};
use crate::plan::Plan;

/// What differs between two plans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskChanges {
    /// Tasks of the second plan only.
    pub added: u32,
    /// Tasks of the first plan only.
    pub removed: u32,
    /// Tasks of both that differ.
    pub changed: u32,
    /// Tasks of both that do not differ.
    pub same: u32,
    /// The first of them, in key order.
    pub changes: Vec<TaskChange>,
}

/// One task that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskChange {
    /// The task.
    pub key: TaskKey,
    /// What became of it.
    pub fate: Fate,
    /// Why.
    pub reason: Reason,
    /// What it waits for in the second plan only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams_added: Vec<TaskKey>,
    /// What it waits for in the first plan only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams_removed: Vec<TaskKey>,
}

/// Why a task differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The other manifest does not have the asset.
    Asset,
    /// The other plan does not select the asset.
    Selection,
    /// The other plan has no task for the partition.
    Partition,
    /// The other plan has no check for the asset.
    Check,
    /// It waits for other tasks.
    Upstreams,
    /// Its priority or its resources differ.
    Handing,
}

/// What differs between two plans; at most `limit` tasks are named, all are counted.
pub fn plans(before: &Plan, after: &Plan, limit: u32) -> TaskChanges {
    let mut changes = TaskChanges::default();
    let (mut old, mut new) = (0, 0);
    while old < before.len() || new < after.len() {
        let change = match order(before, old, after, new) {
            Ordering::Less => {
                changes.removed += 1;
                old += 1;
                Some(alone(before, old - 1, after, Fate::Removed))
            }
            Ordering::Greater => {
                changes.added += 1;
                new += 1;
                Some(alone(after, new - 1, before, Fate::Added))
            }
            Ordering::Equal => {
                let change = both(before, old, after, new);
                changes.changed += u32::from(change.is_some());
                changes.same += u32::from(change.is_none());
                (old, new) = (old + 1, new + 1);
                change
            }
        };
        if changes.changes.len() < limit as usize {
            changes.changes.extend(change);
        }
    }
    changes
}

/// The order of a task of each plan; a plan that is over stands last.
fn order(before: &Plan, old: u32, after: &Plan, new: u32) -> Ordering {
    match (old < before.len(), new < after.len()) {
        (true, true) => before.key(old).cmp(&after.key(new)),
        (true, false) => Ordering::Less,
        (false, _) => Ordering::Greater,
    }
}

/// A task that one plan has and the other has not.
fn alone(plan: &Plan, task: u32, other: &Plan, fate: Fate) -> TaskChange {
    let reason = match other.catalog().find(plan.asset_key(task)) {
        None => Reason::Asset,
        Some(asset) if other.tasks_of(asset).is_empty() => Reason::Selection,
        Some(asset) => {
            let partition = plan.partition(task);
            let made = other.find_task(asset, partition.as_ref(), Operation::Materialize);
            if plan.operation(task) == Operation::Check && made.is_some() {
                Reason::Check
            } else {
                Reason::Partition
            }
        }
    };
    TaskChange {
        key: plan.key(task),
        fate,
        reason,
        upstreams_added: Vec::new(),
        upstreams_removed: Vec::new(),
    }
}

fn both(before: &Plan, old: u32, after: &Plan, new: u32) -> Option<TaskChange> {
    let (removed, added) = upstreams(before, old, after, new);
    let reason = if !removed.is_empty() || !added.is_empty() {
        Reason::Upstreams
    } else if handing(before, old) != handing(after, new) {
        Reason::Handing
    } else {
        return None;
    };
    Some(TaskChange {
        key: after.key(new),
        fate: Fate::Changed,
        reason,
        upstreams_added: added,
        upstreams_removed: removed,
    })
}

fn handing(plan: &Plan, task: u32) -> (i32, &alloc::collections::BTreeMap<String, u64>) {
    let asset = plan.catalog().asset(plan.asset(task));
    (asset.priority, &asset.resources)
}

/// The upstreams that only one side has; both lists are ascending.
fn upstreams(before: &Plan, old: u32, after: &Plan, new: u32) -> (Vec<TaskKey>, Vec<TaskKey>) {
    let mut left = before
        .upstreams(old)
        .iter()
        .map(|task| before.key(*task))
        .peekable();
    let mut right = after
        .upstreams(new)
        .iter()
        .map(|task| after.key(*task))
        .peekable();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return (removed, added),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(b),
        };
        match order {
            Ordering::Less => removed.extend(left.next()),
            Ordering::Greater => added.extend(right.next()),
            Ordering::Equal => {
                left.next();
                right.next();
            }
        }
    }
}
