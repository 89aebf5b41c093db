//! What has to happen next follows from the state alone: the same state gives the same decisions, with the same ids.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::iter::Peekable;

use crate::automation::automations::{Moment, OpenRun};
use crate::identity::ids::RunId;
use crate::identity::keys::RunKey;
use crate::plan::Plan;
use crate::run::state::{Lane, Run};
use crate::run::world::{Limits, World};
use crate::wire::event::automation::Account;
use crate::wire::event::{
    DispatchRequested, Event, RunFinished, RunOutcome, RunPlanned, RunRejected,
};
use crate::wire::scope::Scope;
use crate::wire::view::TaskState;

/// What is decided at `now_ms`, the door's time, at most `limits.decisions` events; nothing when the world is at rest.
///
/// Places go first to the runs with the highest priority, among those to the run that holds the fewest, so that a large run cannot
/// starve a small one.
#[must_use]
pub fn decide(world: &World, now_ms: u64, scope: &Scope, limits: &Limits) -> Vec<Event> {
    let mut decisions = Decisions {
        events: Vec::new(),
        limit: limits.decisions as usize,
    };
    let mut places = Places::new(world, limits);
    for run in world.attention.iter().filter_map(|id| world.runs.get(id)) {
        decide_life(run, scope, &mut decisions);
        decide_retries(run, &mut places, &mut decisions);
    }
    for run in world.refused.iter().filter_map(|id| world.runs.get(id)) {
        for &index in &run.retrying {
            places.keep(run, index);
        }
    }
    decide_dispatches(world, places, &mut decisions);
    let left = decisions.limit.saturating_sub(decisions.events.len());
    decisions.events.extend(world.backfills.decide(left));
    let left = decisions.limit.saturating_sub(decisions.events.len());
    let ticks = world.schedules.decide(now_ms, limits.plan_tasks, left);
    decisions.events.extend(ticks);
    if world.automations.has_due(world.seq) {
        let left = decisions.limit.saturating_sub(decisions.events.len());
        let moment = Moment {
            runs: world
                .runs
                .values()
                .chain(world.away.values())
                .map(|run| run as &dyn OpenRun)
                .collect(),
            seq: world.seq,
            at_ms: world.at_ms,
            plan_tasks: limits.plan_tasks,
        };
        let upkeep = world.automations.decide(&moment, left);
        decisions.events.extend(upkeep);
    }
    decisions.events
}

impl OpenRun for Run {
    fn run_key(&self) -> Option<&RunKey> {
        self.triggered.trigger.run_key.as_ref()
    }

    fn plan(&self) -> Option<&Plan> {
        self.plan.as_deref().ok()
    }

    fn is_left(&self, task: u32) -> bool {
        let task = self.tasks.get(task as usize);
        task.is_some_and(|task| !task.state.is_terminal())
    }
}

/// What the passing of time will ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// When to decide again though no record came, in the door's milliseconds since 1970.
    pub wake_ms: Option<u64>,
}

/// What is owed, and when to wake up. Retries and deadlines are the door's to keep.
#[must_use]
pub fn outstanding(world: &World) -> Outstanding {
    Outstanding {
        wake_ms: world.schedules.wake_ms(),
    }
}

/// Marks the world as looked at, after [`decide`] had nothing more to say about it.
pub fn settle(world: &mut World) {
    world.attention.clear();
    world.backfills.settle();
}

/// Marks as looked at what decisions are about that the door refused without having anything new to say: it would refuse them again.
/// What else waits to be looked at goes on waiting. False when nothing was marked, so that deciding again decides the same.
pub fn pass_over(world: &mut World, refused: &[Event]) -> bool {
    let mut is_marked = false;
    for event in refused {
        is_marked |= match event {
            Event::RunRequested(body) => match &body.on_account_of {
                Account::Backfill { backfill, .. } => world.backfills.pass_over(backfill),
                _ => false,
            },
            event => event.run().is_some_and(|run| {
                let was_there = world.attention.remove(&run);
                if was_there {
                    world.refused.insert(run);
                }
                was_there
            }),
        };
    }
    is_marked
}

struct Decisions {
    events: Vec<Event>,
    limit: usize,
}

impl Decisions {
    fn is_full(&self) -> bool {
        self.events.len() >= self.limit
    }

    fn push(&mut self, event: Event) {
        if !self.is_full() {
            self.events.push(event);
        }
    }
}

/// The beginning and the end of a run.
fn decide_life(run: &Run, scope: &Scope, decisions: &mut Decisions) {
    match (&run.plan, &run.catalog) {
        // Whoever has the manifest decides; the end of a run that nobody could read is not ours to say.
        (Err(_), None) => {}
        (Err((code, message)), Some(_)) if run.finished.is_none() && run.planned.is_none() => {
            decisions.push(Event::RunRejected(RunRejected {
                run: run.id,
                code: code.clone(),
                message: message.clone(),
            }));
            decisions.push(finished(run, RunOutcome::Rejected));
        }
        (Ok(plan), Some(_)) if run.planned.is_none() && run.cancel.is_none() => {
            decisions.push(Event::RunPlanned(RunPlanned {
                run: run.id,
                plan: plan.fingerprint(&scope.tenant, &scope.workspace),
                tasks: plan.len(),
            }));
        }
        _ if run.is_settled() && run.finished.is_none() => {
            decisions.push(finished(run, run.outcome()))
        }
        _ => {}
    }
}

fn finished(run: &Run, outcome: RunOutcome) -> Event {
    Event::RunFinished(RunFinished {
        run: run.id,
        outcome,
        succeeded: run.count(TaskState::Succeeded),
        failed: run.count(TaskState::Failed),
        skipped: run.count(TaskState::Skipped),
        cancelled: run.count(TaskState::Cancelled),
    })
}

/// A retry is asked for at once; the door holds it back until its time. It keeps the place that its task had, so no other task gets it.
fn decide_retries(run: &Run, places: &mut Places<'_>, decisions: &mut Decisions) {
    for &index in &run.retrying {
        if decisions.is_full() {
            return;
        }
        if let Some(event) = dispatch(run, index) {
            decisions.push(event);
        }
        places.keep(run, index);
    }
}

/// Whether the plan of a run is the next thing to decide. Its first tasks are asked for together with it, so that the first of them does
/// not wait for a second round to the ledger.
fn begins(run: &Run) -> bool {
    run.planned.is_none()
        && run.cancel.is_none()
        && run.finished.is_none()
        && run.plan.is_ok()
        && run.catalog.is_some()
}

/// Hands out the free places, one at a time, to the run that is furthest behind.
fn decide_dispatches(world: &World, mut places: Places<'_>, decisions: &mut Decisions) {
    if places.are_gone() {
        return;
    }
    let beginning = world.attention.iter().filter_map(|id| world.runs.get(id));
    let mut queue: BTreeSet<(i32, u32, RunId)> = world
        .hungry
        .iter()
        .filter_map(|id| world.runs.get(id))
        .chain(beginning.filter(|run| begins(run)))
        .map(|run| {
            (
                run.triggered.trigger.priority.saturating_neg(),
                run.open_attempts(),
                run.id,
            )
        })
        .collect();
    let mut cursors: BTreeMap<RunId, Cursor<'_>> = BTreeMap::new();
    while let Some((rank, open, id)) = queue.pop_first() {
        if decisions.is_full() || places.are_gone() {
            return;
        }
        let Some(run) = world.runs.get(&id) else {
            continue;
        };
        let cursor = cursors.entry(id).or_insert_with(|| Cursor::new(run));
        if let Some(index) = cursor.next(run, &mut places) {
            if let Some(event) = dispatch(run, index) {
                decisions.push(event);
            }
            queue.insert((rank, open + 1, id));
        }
    }
}

fn dispatch(run: &Run, index: u32) -> Option<Event> {
    let (plan, catalog) = (run.plan.as_ref().ok()?, run.catalog.as_ref()?);
    let task = run.tasks.get(index as usize)?;
    let asset = catalog.asset(plan.asset(index));
    Some(Event::DispatchRequested(DispatchRequested {
        run: run.id,
        task: plan.key(index),
        attempt: task.attempt + 1,
        queue: asset.queue.clone(),
        priority: run.standing(index).rank.saturating_neg(),
        not_before: if task.state == TaskState::RetryWait {
            task.not_before
        } else {
            0
        },
    }))
}

/// The ready tasks of a lane, best first: rank and place.
type Ready<'a> = Box<dyn Iterator<Item = (i32, u32)> + 'a>;

/// Walks the ready tasks of a run, best first, lane by lane.
struct Cursor<'a> {
    lanes: Vec<Peekable<Ready<'a>>>,
}

impl<'a> Cursor<'a> {
    fn new(run: &'a Run) -> Self {
        let boxed = |lane: Box<dyn Iterator<Item = (i32, u32)> + 'a>| lane.peekable();
        let lanes = if begins(run) {
            let first = first_tasks(run).into_iter();
            first
                .map(|lane| boxed(Box::new(lane.into_iter())))
                .collect()
        } else {
            let tracks = run.tracks.iter();
            tracks
                .map(|track| boxed(Box::new(track.ready.iter().copied())))
                .collect()
        };
        Cursor { lanes }
    }

    /// The best ready task whose lane has a place, which is taken.
    fn next(&mut self, run: &Run, places: &mut Places<'_>) -> Option<u32> {
        let mut best: Option<((i32, u32), usize)> = None;
        for (lane, ready) in self.lanes.iter_mut().enumerate() {
            let Some(&task) = ready.peek() else { continue };
            let open = run
                .tracks
                .get(lane)
                .is_some_and(|track| places.has(run, &track.lane));
            if open && best.is_none_or(|(other, _)| task < other) {
                best = Some((task, lane));
            }
        }
        let ((_, index), lane) = best?;
        self.lanes.get_mut(lane)?.next();
        places.take(&run.tracks.get(lane)?.lane);
        Some(index)
    }
}

/// The tasks that are ready once the run is planned, lane by lane, best first.
fn first_tasks(run: &Run) -> Vec<BTreeSet<(i32, u32)>> {
    let mut lanes = alloc::vec![BTreeSet::new(); run.tracks.len()];
    for (index, task) in (0..).zip(&run.tasks) {
        let standing = run.standing(index);
        if task.pending == 0
            && let Some(lane) = lanes.get_mut(standing.lane)
        {
            lane.insert((standing.rank, index));
        }
    }
    lanes
}

/// The places that are left, as they are handed out.
struct Places<'a> {
    world: &'a World,
    left: u32,
    queues: BTreeMap<String, u32>,
    pools: BTreeMap<String, u32>,
}

impl<'a> Places<'a> {
    fn new(world: &'a World, limits: &Limits) -> Self {
        Places {
            world,
            left: limits.open_attempts.saturating_sub(world.open_attempts()),
            queues: BTreeMap::new(),
            pools: BTreeMap::new(),
        }
    }

    fn are_gone(&self) -> bool {
        self.left == 0
    }

    fn has(&mut self, run: &Run, lane: &Lane) -> bool {
        let Some(catalog) = &run.catalog else {
            return false;
        };
        let open_queue = *self.open_in_queue(&lane.queue);
        let queue_ok = catalog
            .manifest()
            .queues
            .get(&lane.queue)
            .is_none_or(|queue| open_queue < queue.limit);
        let pool_ok = lane.pool.as_ref().is_none_or(|pool| {
            let open_pool = *self.open_in_pool(pool);
            catalog
                .manifest()
                .pools
                .get(pool)
                .is_none_or(|limit| open_pool < limit.limit)
        });
        self.left > 0 && queue_ok && pool_ok
    }

    /// A task that is tried again keeps the place that it had.
    fn keep(&mut self, run: &Run, index: u32) {
        if let Some(track) = run.tracks.get(run.standing(index).lane) {
            self.take(&track.lane);
        }
    }

    fn take(&mut self, lane: &Lane) {
        self.left = self.left.saturating_sub(1);
        *self.open_in_queue(&lane.queue) += 1;
        if let Some(pool) = &lane.pool {
            *self.open_in_pool(pool) += 1;
        }
    }

    fn open_in_queue(&mut self, queue: &str) -> &mut u32 {
        let world = self.world;
        let open = self.queues.entry(String::from(queue));
        open.or_insert_with(|| world.open_in_queue(queue))
    }

    fn open_in_pool(&mut self, pool: &str) -> &mut u32 {
        let world = self.world;
        let open = self.pools.entry(String::from(pool));
        open.or_insert_with(|| world.open_in_pool(pool))
    }
}
