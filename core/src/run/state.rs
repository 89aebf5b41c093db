//! The state of a run is what the fold of its records says; it is never stored, so it is free to change.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::size_of;

use sha2::{Digest, Sha256};

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::TaskKey;
use crate::plan::Plan;
use crate::plan::catalog::Catalog;
use crate::plan::order::map_of;
use crate::wire::event::{RunFinished, RunOutcome, RunTriggered};
use crate::wire::view::{RunState, TaskState};

/// Stands for "no task" where a task index is expected.
pub(crate) const NO_TASK: u32 = u32::MAX;

/// One task of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Where it is in its life.
    pub state: TaskState,
    /// The newest attempt that was requested; 0 before the first.
    pub attempt: u32,
    /// Upstream tasks that have not succeeded. It falls when an upstream *becomes* succeeded, which happens once.
    pub(crate) pending: u32,
    /// The task whose end ended this one; itself when it ended on its own.
    pub(crate) cause: u32,
    /// While waiting for a retry: the door's time in milliseconds when the next attempt may start.
    pub not_before: u64,
    /// The record that brought it into its state.
    pub seq: u64,
}

/// Why a task's last attempt did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The attempt.
    pub attempt: u32,
    /// What went wrong: the category and the message, or the deadline.
    pub sentence: String,
    /// Why it is or is not tried again.
    pub verdict: String,
}

/// Tasks that compete for the same places: one queue, and one pool where the asset names one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// The queue.
    pub queue: String,
    /// The pool.
    pub pool: Option<String>,
}

/// What a run has in a lane.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) lane: Lane,
    /// The ready tasks, those with the lowest rank first.
    pub(crate) ready: BTreeSet<(i32, u32)>,
    /// Attempts that are requested or running.
    pub(crate) open: u32,
    /// How many of them the world has counted.
    counted: u32,
    /// Whether it is among those that moved.
    is_moved: bool,
}

impl Track {
    pub(crate) fn new(lane: Lane) -> Track {
        Track {
            lane,
            ready: BTreeSet::new(),
            open: 0,
            counted: 0,
            is_moved: false,
        }
    }
}

/// How the tasks of an asset compete.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// The place of their lane among the run's.
    pub(crate) lane: usize,
    /// Lower goes first.
    pub(crate) rank: i32,
}

/// A run, folded.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What started it.
    pub triggered: RunTriggered,
    /// The record that started it.
    pub triggered_seq: u64,
    /// When, the door's time in milliseconds since 1970.
    pub triggered_at: u64,
    /// The manifest, indexed; absent when nobody has it, and then nothing is decided.
    pub catalog: Option<Arc<Catalog>>,
    /// The plan, or why there is none: code and sentence.
    pub plan: Result<Arc<Plan>, (String, String)>,
    /// The fingerprint that the scheduler recorded.
    pub planned: Option<Sha256Digest>,
    /// One entry for each task of the plan.
    pub tasks: Vec<Task>,
    /// The record of the cancel, and its reason.
    pub cancel: Option<(u64, Option<String>)>,
    /// How it ended.
    pub finished: Option<RunFinished>,
    /// When it ended.
    pub finished_at: Option<u64>,
    /// In the order of the lanes.
    pub(crate) tracks: Vec<Track>,
    /// The tracks with other open attempts than the world has counted.
    pub(crate) moved: Vec<usize>,
    /// By the place of an asset in the plan.
    pub(crate) standings: Vec<Standing>,
    pub(crate) retrying: BTreeSet<u32>,
    pub(crate) failures: BTreeMap<u32, Failure>,
    pub(crate) counts: [u32; TaskState::ALL.len()],
    pub(crate) warnings_failed: u32,
}

impl Run {
    /// How many tasks are in a state.
    #[must_use]
    pub fn count(&self, state: TaskState) -> u32 {
        self.counts.get(state as usize).copied().unwrap_or(0)
    }

    /// How many tasks are in each state; states without tasks are absent.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<TaskState, u32> {
        let counted = TaskState::ALL.into_iter();
        let counted = counted.map(|state| (state, self.count(state)));
        map_of(counted.filter(|(_, count)| *count > 0))
    }

    /// Attempts that are requested or running.
    #[must_use]
    pub fn open_attempts(&self) -> u32 {
        self.count(TaskState::Dispatched) + self.count(TaskState::Running)
    }

    /// Whether every task is in a final state.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let terminal: u32 = TaskState::ALL
            .into_iter()
            .filter(|state| state.is_terminal())
            .map(|state| self.count(state))
            .sum();
        u64::from(terminal) == self.tasks.len() as u64
    }

    /// Whether a task waits for nothing but a place.
    #[must_use]
    pub fn wants_place(&self) -> bool {
        self.count(TaskState::Ready) > 0 && self.cancel.is_none() && self.finished.is_none()
    }

    /// How the run ends, given that it is settled.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if self.plan.is_err() {
            RunOutcome::Rejected
        } else if self.cancel.is_some() && self.count(TaskState::Cancelled) > 0 {
            RunOutcome::Cancelled
        } else if self.count(TaskState::Failed) > self.warnings_failed
            || self.count(TaskState::Cancelled) > 0
        {
            RunOutcome::Failed
        } else {
            RunOutcome::Succeeded
        }
    }

    /// Where the run is in its life.
    #[must_use]
    pub fn state(&self) -> RunState {
        match (&self.finished, &self.cancel, &self.planned) {
            (Some(finished), _, _) => finished.outcome.into(),
            (None, Some(_), _) => RunState::Cancelling,
            (None, None, Some(_)) => RunState::Running,
            (None, None, None) => RunState::Queued,
        }
    }

    /// The bytes that the state holds at most, without the plan and the catalog that it shares.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        // A node of a B-tree is at least half full.
        let ready: usize = self.tracks.iter().map(|track| track.ready.len()).sum();
        let failures = self.failures.values();
        let sentences: usize = failures
            .map(|failure| failure.sentence.capacity() + failure.verdict.capacity())
            .sum();
        self.tasks.capacity() * size_of::<Task>()
            + 2 * ready * size_of::<(i32, u32)>()
            + 2 * self.retrying.len() * size_of::<u32>()
            + 2 * self.failures.len() * size_of::<(u32, Failure)>()
            + sentences
    }

    /// Equal wherever the same records were folded.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256Digest {
        let mut hash = Sha256::new();
        hash.update(b"arcoflow-run-state:v1:");
        hash.update(self.id.to_bytes());
        hash.update(self.planned.map_or([0; 32], |digest| digest.to_bytes()));
        hash.update(
            self.cancel
                .as_ref()
                .map_or(0, |(seq, _)| *seq)
                .to_le_bytes(),
        );
        hash.update([self.state() as u8]);
        for task in &self.tasks {
            hash.update([task.state as u8]);
            hash.update(task.attempt.to_le_bytes());
            hash.update(task.not_before.to_le_bytes());
            hash.update(task.seq.to_le_bytes());
        }
        Sha256Digest::from_bytes(hash.finalize().into())
    }

    /// Moves a task, keeping every index of the state in step. Terminal states are final: leaving one is a bug.
    pub(crate) fn set(&mut self, index: u32, state: TaskState, seq: u64) {
        let Standing { lane, rank } = self.standing(index);
        let Some(task) = self.tasks.get_mut(index as usize) else {
            return;
        };
        let before = task.state;
        debug_assert!(!before.is_terminal(), "a terminal state is final");
        task.state = state;
        task.seq = seq;
        if let Some(count) = self.counts.get_mut(before as usize) {
            *count -= 1;
        }
        if let Some(count) = self.counts.get_mut(state as usize) {
            *count += 1;
        }
        if before == TaskState::RetryWait {
            self.retrying.remove(&index);
        }
        if state == TaskState::RetryWait {
            self.retrying.insert(index);
        }
        let Some(track) = self.tracks.get_mut(lane) else {
            return;
        };
        if before == TaskState::Ready {
            track.ready.remove(&(rank, index));
        }
        if state == TaskState::Ready {
            track.ready.insert((rank, index));
        }
        let is_open = |state| matches!(state, TaskState::Dispatched | TaskState::Running);
        if is_open(before) == is_open(state) {
            return;
        }
        track.open = track.open + u32::from(is_open(state)) - u32::from(is_open(before));
        if !core::mem::replace(&mut track.is_moved, true) {
            self.moved.push(lane);
        }
    }

    /// Each lane whose open attempts have changed since this was asked last: how many were counted, and how many there are.
    pub(crate) fn count_moved(&mut self, mut count: impl FnMut(&Lane, u32, u32)) {
        for place in self.moved.drain(..) {
            if let Some(track) = self.tracks.get_mut(place) {
                track.is_moved = false;
                let counted = core::mem::replace(&mut track.counted, track.open);
                count(&track.lane, counted, track.open);
            }
        }
    }

    /// The lane in which a task's attempts are open.
    pub(crate) fn lane_of(&self, task: &TaskKey) -> Option<&Lane> {
        let index = self.plan.as_ref().ok()?.find(task)?;
        let track = self.tracks.get(self.standing(index).lane)?;
        Some(&track.lane)
    }

    /// How a task competes.
    pub(crate) fn standing(&self, index: u32) -> Standing {
        let Ok(plan) = &self.plan else {
            return Standing::default();
        };
        let place = plan.asset_place(index) as usize;
        self.standings.get(place).copied().unwrap_or_default()
    }
}
