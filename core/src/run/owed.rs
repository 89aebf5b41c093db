//! What has to exist so that every task moves on follows from the state alone; a door is asked whether it has it.

use alloc::vec::Vec;

use crate::run::decide::decide;
use crate::run::state::Run;
use crate::run::world::{Limits, World};
use crate::wire::scope::Scope;
use crate::wire::sweep::{OwedAttempt, OwedBackfill, OwedRun, SweepRequest};
use crate::wire::view::TaskState;

/// How long it is from one sweep to the next, in milliseconds. What is lost is there again within two of these.
pub const SWEEP_MS: u64 = 30_000;
/// The most runs, attempts and backfills in one request.
pub const MOST_OWED: usize = 2_000;

/// The record before the oldest one that matters: every run and every backfill that was begun up to it has ended.
#[must_use]
pub fn floor(world: &World) -> u64 {
    let runs = world.runs.values().map(|run| run.triggered_seq);
    let backfills = world.backfills.open().map(|(_, seq)| seq);
    runs.chain(backfills)
        .min()
        .map_or(world.seq, |oldest| oldest.saturating_sub(1))
}

/// The record to begin to read after: before the oldest run or backfill that the door lists as open, or where its list ended. Its rows
/// may have lost one, so it is no later than the floor of its last sweep.
#[must_use]
pub fn begin_after(oldest: Option<u64>, as_of: u64, floor: u64) -> u64 {
    oldest
        .map_or(as_of, |oldest| oldest.saturating_sub(1))
        .min(floor)
}

/// Whether a sweep would look at nothing: no run is open, and the door was told the floor.
#[must_use]
pub fn is_quiet(world: &World, told: Option<u64>) -> bool {
    world.runs.is_empty() && told == Some(floor(world))
}

/// Puts everything up for decision once more, and counts the decisions that nobody would have made, because the world was thought to be
/// at rest.
pub fn undecided(world: &mut World, now_ms: u64, scope: &Scope, limits: &Limits) -> u32 {
    let before = decide(world, now_ms, scope, limits).len();
    attend(world);
    let after = decide(world, now_ms, scope, limits).len();
    u32::try_from(after.saturating_sub(before)).unwrap_or(u32::MAX)
}

/// Everything that has to be in the indexes of the door, in as many requests as it takes; one when nothing has to.
#[must_use]
pub fn owed(world: &World, epoch: u64, decisions: u32) -> Vec<SweepRequest> {
    let mut parts = Parts {
        done: Vec::new(),
        open: SweepRequest {
            epoch,
            as_of: world.seq,
            floor: floor(world),
            goes_on: false,
            decisions,
            backfills: Vec::new(),
            runs: Vec::new(),
        },
        room: MOST_OWED,
    };
    for (backfill_id, seq) in world.backfills.open() {
        parts.make_room();
        let backfill = OwedBackfill { backfill_id, seq };
        parts.open.backfills.push(backfill);
    }
    for run in world.runs.values() {
        parts.make_room();
        parts.open.runs.push(owed_run(run));
        for attempt in owed_attempts(run) {
            // A run goes on in the next part under its own name.
            if parts.make_room() {
                parts.open.runs.push(owed_run(run));
            }
            if let Some(run) = parts.open.runs.last_mut() {
                run.attempts.push(attempt);
            }
        }
    }
    parts.done.push(parts.open);
    parts.done
}

/// Requests in the making: each takes so many things, and then another one is begun.
struct Parts {
    done: Vec<SweepRequest>,
    open: SweepRequest,
    room: usize,
}

impl Parts {
    /// Makes room for one more thing. The answer is whether it took another request.
    fn make_room(&mut self) -> bool {
        let is_full = self.room == 0;
        if is_full {
            let next = SweepRequest {
                goes_on: true,
                decisions: 0,
                backfills: Vec::new(),
                runs: Vec::new(),
                ..self.open
            };
            self.done.push(core::mem::replace(&mut self.open, next));
            self.room = MOST_OWED;
        }
        self.room -= 1;
        is_full
    }
}

fn owed_run(run: &Run) -> OwedRun {
    OwedRun {
        run_id: run.id,
        seq: run.triggered_seq,
        is_planned: run.planned.is_some(),
        is_cancelled: run.cancel.is_some(),
        attempts: Vec::new(),
    }
}

/// The newest attempts of the tasks that a worker, a deadline or a retry moves on; all other tasks wait for these.
fn owed_attempts(run: &Run) -> impl Iterator<Item = OwedAttempt> + '_ {
    let plan = run.plan.as_ref().ok();
    (0..)
        .zip(&run.tasks)
        .filter_map(move |(index, task)| match task.state {
            TaskState::Dispatched | TaskState::Running | TaskState::RetryWait => {
                Some(OwedAttempt {
                    task_key: plan?.key(index),
                    attempt: task.attempt,
                    state: task.state,
                })
            }
            _ => None,
        })
}

/// Puts everything that is open up for decision, as if all of its records had just come. What is decided of it while the world was
/// thought to be at rest had been left behind.
pub fn attend(world: &mut World) {
    world.attention.extend(world.runs.keys());
    world.refused.clear();
    world.hungry = world
        .runs
        .values()
        .filter(|run| run.wants_place())
        .map(|run| run.id)
        .collect();
    world.backfills.attend();
}
