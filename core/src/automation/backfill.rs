//! A backfill is a walk along one dimension, and a chunk's state is its run's state.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::identity::derived;
use crate::identity::digest::{Part, digest};
use crate::identity::ids::{BackfillId, RunId};
use crate::identity::keys::RunKey;
use crate::plan::PlanError;
use crate::plan::catalog::Catalog;
use crate::plan::stretch::{self, Stretch};
use crate::wire::backfill::BackfillRequest;
use crate::wire::event::automation::{Account, BackfillRequested, RunRequested};
use crate::wire::event::{Event, RunOutcome, RunTriggered};
use crate::wire::finding::Finding;
use crate::wire::trigger::Trigger;

/// Runs of one backfill at once, at most.
pub const MOST_CONCURRENT: u32 = 1_000;

/// The chunks of a backfill.
#[derive(Clone, Debug)]
pub struct Chunks {
    stretch: Stretch,
    size: u32,
}

impl Chunks {
    /// The chunks of a request that was made at `as_of_ms`: the same for whoever computes them.
    ///
    /// # Errors
    /// Those of the stretch, and `backfill.*` for a chunk size or a concurrency that cannot be.
    pub fn new(
        catalog: &Catalog,
        request: &BackfillRequest,
        as_of_ms: u64,
    ) -> Result<Chunks, PlanError> {
        check(request)?;
        let stretch = stretch::stretch(
            catalog,
            &request.trigger,
            request.dimension.as_deref(),
            as_of_ms,
        )?;
        if request.chunk_size > 1 && !stretch.is_ordered() {
            return Err(Finding::new(
                "backfill.chunk_size",
                "/chunkSize",
                format!("the values of `{}` make no ranges", stretch.dimension()),
                "leave `chunkSize` at 1: one run for each value",
            )
            .into());
        }
        Ok(Chunks {
            stretch,
            size: request.chunk_size,
        })
    }

    /// How many chunks there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.stretch.len().div_ceil(self.size)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The trigger of a chunk.
    #[must_use]
    pub fn trigger(&self, chunk: u32) -> Option<Trigger> {
        let start = chunk.checked_mul(self.size)?;
        if start >= self.stretch.len() {
            return None;
        }
        self.stretch
            .part(start, self.size)
            .map(|(trigger, _, _)| trigger)
    }
}

fn check(request: &BackfillRequest) -> Result<(), Finding> {
    if request.chunk_size == 0 {
        return Err(Finding::new(
            "backfill.chunk_size",
            "/chunkSize",
            "a chunk has at least one partition",
            "use 1 or more",
        ));
    }
    if !(1..=MOST_CONCURRENT).contains(&request.concurrency) {
        return Err(Finding::new(
            "backfill.concurrency",
            "/concurrency",
            format!("the concurrency `{}` is out of bounds", request.concurrency),
            format!("use 1 to {MOST_CONCURRENT}"),
        ));
    }
    if request.trigger.run_key.is_some() {
        return Err(Finding::new(
            "backfill.run_key",
            "/trigger/runKey",
            "a backfill has many runs",
            "leave the run key out; each chunk has its own",
        ));
    }
    Ok(())
}

/// A backfill, folded.
#[derive(Clone, Debug)]
pub struct Backfill {
    /// The record that asked for it.
    seq: u64,
    requested: BackfillRequested,
    chunks: Option<Arc<Chunks>>,
    /// The chunk that is begun next.
    next: u32,
    open: BTreeSet<u32>,
    failed: BTreeSet<u32>,
    /// Chunks that are run again before new ones are begun.
    again: BTreeSet<u32>,
    /// How often a chunk was begun, when more than once.
    tries: BTreeMap<u32, u32>,
    is_paused: bool,
    is_cancelled: bool,
}

/// The backfills of a shard, folded.
#[derive(Clone, Debug, Default)]
pub struct Backfills {
    backfills: BTreeMap<BackfillId, Backfill>,
    chunk_of_run: BTreeMap<RunId, (BackfillId, u32)>,
    /// Backfills that may have a chunk to begin.
    attention: BTreeSet<BackfillId>,
}

impl Backfills {
    /// Takes an event that may be about a backfill; `seq` is its record, and `at_ms` the time of that.
    pub fn fold(
        &mut self,
        event: &Event,
        seq: u64,
        at_ms: u64,
        catalog: &dyn Fn(&BackfillRequested) -> Option<Arc<Catalog>>,
    ) {
        match event {
            Event::BackfillRequested(body) => self.begin(body, seq, at_ms, catalog(body)),
            Event::RunRequested(body) => self.fold_run_requested(body),
            Event::RunFinished(body) => self.fold_run_finished(&body.run, body.outcome),
            Event::BackfillPaused(body) => {
                self.change(&body.backfill, |backfill| backfill.is_paused = true)
            }
            Event::BackfillCancelled(body) => {
                self.change(&body.backfill, |backfill| backfill.is_cancelled = true)
            }
            Event::BackfillResumed(body) => self.change(&body.backfill, |backfill| {
                backfill.is_paused = false;
                if body.retry_failed {
                    backfill.again.append(&mut backfill.failed);
                }
            }),
            _ => {}
        }
    }

    fn begin(
        &mut self,
        body: &BackfillRequested,
        seq: u64,
        at_ms: u64,
        catalog: Option<Arc<Catalog>>,
    ) {
        let chunks = catalog
            .and_then(|catalog| Chunks::new(&catalog, &body.request, at_ms).ok())
            .map(Arc::new);
        let backfill = Backfill {
            seq,
            requested: body.clone(),
            chunks,
            next: 0,
            open: BTreeSet::new(),
            failed: BTreeSet::new(),
            again: BTreeSet::new(),
            tries: BTreeMap::new(),
            is_paused: false,
            is_cancelled: false,
        };
        self.backfills.entry(body.backfill).or_insert(backfill);
        self.attention.insert(body.backfill);
    }

    fn change(&mut self, id: &BackfillId, change: impl FnOnce(&mut Backfill)) {
        if let Some(backfill) = self.backfills.get_mut(id) {
            change(backfill);
            self.attention.insert(*id);
        }
    }

    fn fold_run_requested(&mut self, body: &RunRequested) {
        let Account::Backfill {
            backfill: id,
            chunk,
        } = &body.on_account_of
        else {
            return;
        };
        let Some(backfill) = self.backfills.get_mut(id) else {
            return;
        };
        backfill.next = backfill.next.max(chunk + 1);
        backfill.again.remove(chunk);
        backfill.open.insert(*chunk);
        *backfill.tries.entry(*chunk).or_insert(0) += 1;
        self.chunk_of_run.insert(body.triggered.run, (*id, *chunk));
        self.attention.insert(*id);
    }

    fn fold_run_finished(&mut self, run: &RunId, outcome: RunOutcome) {
        let Some((id, chunk)) = self.chunk_of_run.remove(run) else {
            return;
        };
        let Some(backfill) = self.backfills.get_mut(&id) else {
            return;
        };
        backfill.open.remove(&chunk);
        if outcome != RunOutcome::Succeeded {
            backfill.failed.insert(chunk);
        }
        self.attention.insert(id);
    }

    /// The chunks that are begun next.
    #[must_use]
    pub fn decide(&self, most: usize) -> Vec<Event> {
        let waiting = self
            .attention
            .iter()
            .filter_map(|id| self.backfills.get(id));
        waiting
            .flat_map(Backfill::decide)
            .take(most)
            .map(Event::RunRequested)
            .collect()
    }

    /// Marks the backfills as looked at.
    pub fn settle(&mut self) {
        self.attention.clear();
    }

    /// Marks one backfill as looked at; false when it was not waiting to be.
    pub fn pass_over(&mut self, id: &BackfillId) -> bool {
        self.attention.remove(id)
    }

    /// Puts every backfill that is not over up for decision.
    pub fn attend(&mut self) {
        let open: Vec<BackfillId> = self.open().map(|(id, _)| id).collect();
        self.attention.extend(open);
    }

    /// The backfills that are not over, each with the record that asked for it. One that has failed can still be resumed.
    pub fn open(&self) -> impl Iterator<Item = (BackfillId, u64)> + '_ {
        self.backfills
            .iter()
            .filter(|(_, backfill)| !backfill.is_over())
            .map(|(id, backfill)| (*id, backfill.seq))
    }
}

impl Backfill {
    fn is_over(&self) -> bool {
        let is_walked = self
            .chunks
            .as_ref()
            .is_some_and(|chunks| self.next >= chunks.len());
        let is_done = is_walked && self.failed.is_empty() && self.again.is_empty();
        self.open.is_empty() && (self.is_cancelled || is_done)
    }

    fn decide(&self) -> impl Iterator<Item = RunRequested> + '_ {
        let places = self
            .requested
            .request
            .concurrency
            .saturating_sub(self.open.len() as u32) as usize;
        let places = if self.is_paused || self.is_cancelled {
            0
        } else {
            places
        };
        let chunks = self.chunks.as_deref();
        let fresh = self.next..chunks.map_or(0, Chunks::len);
        self.again
            .iter()
            .copied()
            .chain(fresh)
            .take(places)
            .filter_map(move |chunk| self.begin_chunk(chunks?, chunk))
    }

    /// The run of a chunk. Its key and its id follow from the backfill, the chunk and how often it was begun.
    fn begin_chunk(&self, chunks: &Chunks, chunk: u32) -> Option<RunRequested> {
        let backfill = self.requested.backfill;
        let number = self.tries.get(&chunk).copied().unwrap_or(0) + 1;
        let run_key = RunKey::parse(&format!("backfill:{backfill}:{chunk}:{number}")).ok()?;
        let mut trigger = chunks.trigger(chunk)?;
        let run = run_of_key(backfill.timestamp_ms(), &run_key)?;
        trigger.run_key = Some(run_key);
        let triggered = RunTriggered {
            run,
            manifest: self.requested.manifest,
            trigger,
            as_of_ms: None,
            rerun: None,
        };
        Some(RunRequested {
            triggered,
            on_account_of: Account::Backfill { backfill, chunk },
        })
    }
}

/// The id of a run that nobody triggered: a time, the home of its key, and a digest of its key.
#[must_use]
pub fn run_of_key(time_ms: u64, run_key: &RunKey) -> Option<RunId> {
    let digest = digest("arcoflow/run/v1", &[Part::Text(run_key.as_str())]);
    let mut random = [0; 10];
    random.copy_from_slice(digest.to_bytes().get(..10)?);
    if let Some(home) = random.first_mut() {
        *home = derived::home_of_run_key(run_key);
    }
    RunId::from_parts(time_ms, random).ok()
}
