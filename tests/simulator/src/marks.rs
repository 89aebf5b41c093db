//! A life in which nothing rare happened proves little, so what happened is counted.

use std::collections::BTreeMap;

/// What has to happen in some life: the run over many seeds fails when one of these never did.
pub const SOMETIMES: &[&str] = &[
    "a prefix survived",
    "answered again",
    "automation began a run",
    "automation paused",
    "automation waited",
    "key rotated",
    "key with another body",
    "look lost",
    "look reported",
    "message repeated",
    "requests shared a sync",
    "row lost",
    "row written again",
    "run too old",
    "scheduler's blunder refused",
    "scheduler's lie refused",
    "tick fired",
    "tick missed",
    "answer lost after commit",
    "backfill paused",
    "cancel of a running task",
    "cancel raced a dispatch",
    "chunk ended",
    "clock jumped back",
    "clock jumped forward",
    "completed contradicted",
    "completed repeated",
    "deadline passed",
    "door died before commit",
    "door restarted",
    "grace passed",
    "heartbeat missed",
    "key reused",
    "leased again after a lost answer",
    "lie refused",
    "partition",
    "retry",
    "rerun",
    "run cancelled",
    "run failed",
    "run key repeated",
    "run succeeded",
    "scheduler died",
    "scheduler fenced",
    "start missed",
    "store full",
    "superseded attempt refused",
    "task skipped",
    "worker died",
    "alarm lost and made good",
];

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub struct Marks(pub BTreeMap<&'static str, u64>);

impl Marks {
    pub(crate) fn hit(&mut self, mark: &'static str) {
        *self.0.entry(mark).or_insert(0) += 1;
    }

    /// Adds those of another life.
    pub fn add(&mut self, other: &Marks) {
        for (mark, count) in &other.0 {
            *self.0.entry(mark).or_insert(0) += count;
        }
    }

    /// What never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        SOMETIMES
            .iter()
            .filter(|mark| !self.0.contains_key(*mark))
            .copied()
            .collect()
    }
}
