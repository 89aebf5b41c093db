//! What judge and model know of the pipeline, written by hand: what stands before each task, and how often it is tried.

use serde_json::Value;

/// What has to be done before a task, by the name of the task.
const NEEDS: &[(&str, &[&str])] = &[
    ("raw/b:check", &["raw/b:materialize"]),
    ("mid/c:materialize", &["raw/a:materialize", "raw/b:check"]),
    ("mid/d:materialize", &["raw/b:check"]),
    ("mid/d:check", &["mid/d:materialize"]),
    (
        "mart/e:materialize",
        &["mid/c:materialize", "mid/d:materialize"],
    ),
    ("kept/a:materialize", &["raw/a:materialize"]),
    (
        "kept/b:materialize",
        &["kept/a:materialize", "mid/c:materialize"],
    ),
];

/// A check whose failure fails no run.
pub(crate) const WARNING: &str = "mid/d:check";

/// The tasks that stand before a task.
pub(crate) fn needs(task: &str) -> Vec<String> {
    if let Some(day) = task.strip_prefix("day/clean") {
        return vec![format!("day/raw{day}")];
    }
    if let Some(day) = task.strip_prefix("kept/day") {
        return vec![format!("day/clean{day}")];
    }
    let found = NEEDS.iter().find(|(name, _)| *name == task);
    let needs = found.map_or(&[] as &[&str], |(_, needs)| needs);
    needs.iter().map(|need| (*need).to_owned()).collect()
}

/// How a failed attempt is followed by another. Times in milliseconds.
pub(crate) struct Policy {
    pub(crate) most_attempts: u64,
    pub(crate) base_delay_ms: u64,
    pub(crate) most_delay_ms: u64,
    /// How long an attempt may take.
    pub(crate) attempt_ms: u64,
}

/// The policy of a task; the factor of every asset is 2.
pub(crate) fn policy(task: &str) -> Policy {
    let (most_attempts, base_delay_ms, most_delay_ms, attempt_ms) = match asset(task) {
        "raw/a" | "mid/c" => (3, 2_000, 60_000, 1_800_000),
        "raw/b" => (2, 500, 300_000, 900_000),
        "mid/d" => (3, 5_000, 300_000, 600_000),
        _ => (3, 5_000, 300_000, 1_200_000),
    };
    Policy {
        most_attempts,
        base_delay_ms,
        most_delay_ms,
        attempt_ms,
    }
}

/// Whether repeating may mend an error, by its worker's word or by its category.
pub(crate) fn is_retryable(error: &Value) -> bool {
    let permanent = ["DATA_QUALITY", "CONFIGURATION", "CANCELLED"];
    let category = error["category"].as_str().unwrap_or("USER_CODE");
    error["retryable"]
        .as_bool()
        .unwrap_or(!permanent.contains(&category))
}

fn asset(task: &str) -> &str {
    task.split(['[', ':']).next().unwrap_or("")
}

/// Whether tasks of an asset take a place of the pool.
pub(crate) fn is_pooled(task: &str) -> bool {
    asset(task) == "day/raw"
}

/// The priority of a task's asset; in each version of the pipeline it is another.
pub(crate) fn priority(task: &str, version: u64) -> i64 {
    match asset(task) {
        "mid/d" => version as i64,
        _ => 0,
    }
}
