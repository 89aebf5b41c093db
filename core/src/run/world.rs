//! The world of a scheduler is one shard's ledger, folded: the runs that have not ended, and what competes for places.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::automation::automations::Automations;
use crate::automation::backfill::Backfills;
use crate::automation::schedules::Schedules;
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::run::fold::Catalogs;
use crate::run::state::{Lane, Run};
use crate::wire::event::{Event, RunTriggered};
use crate::wire::record::{Chain, Record};
use crate::wire::shard::Shard;

/// How many places there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open attempts in the workspace.
    pub open_attempts: u32,
    /// Tasks in a plan.
    pub plan_tasks: u32,
    /// Decisions in one append.
    pub decisions: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            open_attempts: 10_000,
            plan_tasks: 1_000_000,
            decisions: 1_000,
        }
    }
}

/// One shard's ledger, folded.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Which ledger of its workspace it is.
    pub shard: Shard,
    /// The newest record that was folded.
    pub seq: u64,
    /// Its time, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its chain value.
    pub chain: Chain,
    /// The manifest that a trigger without one means.
    pub current_manifest: Option<Sha256Digest>,
    /// Records that could not be decoded.
    pub quarantined: Vec<u64>,
    /// The runs that have not ended.
    pub runs: BTreeMap<RunId, Run>,
    /// The runs that other ledgers keep, as far as this one has heard: nothing is decided about them, but they are on account of
    /// something that is decided here, or make what would be made here.
    pub away: BTreeMap<RunId, Run>,
    /// What is open in the other ledgers, as far as whoever decides knows.
    pub elsewhere: Open,
    /// The backfills, and how far each is.
    pub backfills: Backfills,
    /// The schedules, and which ticks they have dealt with.
    pub schedules: Schedules,
    /// The automations, and what is due.
    pub automations: Automations,
    /// How many runs have ended.
    pub finished_runs: u64,
    /// Open attempts over all runs.
    pub(crate) open: Open,
    /// Runs whose life may go on: one of their records was folded since the last rest.
    pub(crate) attention: BTreeSet<RunId>,
    /// Runs of which the door refused a decision: they wait for their next record, and their retries keep their places.
    pub(crate) refused: BTreeSet<RunId>,
    /// Runs with a task that waits for nothing but a place.
    pub(crate) hungry: BTreeSet<RunId>,
}

/// Open attempts: how many there are, and by queue and pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    lanes: BTreeMap<Lane, u32>,
    attempts: u32,
}

impl Open {
    /// Adds what is open in another ledger.
    pub fn add(&mut self, other: &Open) {
        for (lane, open) in &other.lanes {
            self.change(lane, 0, *open);
        }
    }

    /// Whether fewer attempts of some lane are open than before.
    #[must_use]
    pub fn frees(&self, before: &Open) -> bool {
        let open = |lane| self.lanes.get(lane).copied().unwrap_or(0);
        let mut lanes = before.lanes.iter();
        lanes.any(|(lane, before)| open(lane) < *before)
    }

    fn change(&mut self, lane: &Lane, was: u32, is: u32) {
        match self.lanes.get_mut(lane) {
            Some(open) => *open = *open + is - was,
            None => drop(self.lanes.insert(lane.clone(), is)),
        }
        self.attempts = self.attempts + is - was;
    }

    fn in_lanes(&self, fits: impl Fn(&Lane) -> bool) -> u32 {
        let lanes = self.lanes.iter().filter(|(lane, _)| fits(lane));
        lanes.map(|(_, open)| *open).sum()
    }
}

impl World {
    /// The same of one ledger of several, before anything was folded.
    #[must_use]
    pub fn in_shard(self, shard: Shard) -> World {
        World { shard, ..self }
    }

    /// A world that begins after a record, with the schedules as the door shows them: whatever else is open began later. What is due
    /// of automations the door has yet to be asked.
    #[must_use]
    pub fn beginning_after(seq: u64, schedules: Schedules) -> World {
        World {
            seq,
            schedules,
            automations: Automations::unknown(),
            ..World::default()
        }
    }

    /// Takes the next record. A record that was folded before, or that cannot be decoded, changes nothing but the cursor.
    pub fn fold(&mut self, record: &Record, catalogs: &dyn Catalogs, limits: &Limits) {
        if record.seq <= self.seq {
            return;
        }
        self.seq = record.seq;
        self.at_ms = record.at_ms;
        self.chain = record.chain;
        match record.event() {
            None => self.quarantined.push(record.seq),
            Some(Event::ManifestDeployed(body)) => {
                self.current_manifest = Some(body.manifest);
                if !self.shard.leads() {
                    return;
                }
                let catalog = catalogs.catalog(&body.manifest);
                self.automations.deploy(record.seq, catalog.as_deref());
                self.schedules
                    .deploy(record.seq, record.at_ms, body.manifest, catalog);
            }
            Some(event) => {
                if self.shard.leads() {
                    self.schedules.fold(record.seq, record.at_ms, &event);
                    self.automations.fold(record.seq, &event);
                    self.backfills
                        .fold(&event, record.seq, record.at_ms, &|body| {
                            catalogs.catalog(&body.manifest)
                        });
                }
                match event {
                    Event::RunTriggered(body) => self.begin(record, body, catalogs, limits),
                    Event::RunRequested(body) => {
                        self.begin(record, body.triggered, catalogs, limits)
                    }
                    event => self.fold_run(record, &event),
                }
            }
        }
    }

    fn begin(
        &mut self,
        record: &Record,
        body: RunTriggered,
        catalogs: &dyn Catalogs,
        limits: &Limits,
    ) {
        let id = body.run;
        if !self.shard.keeps(&id) {
            // What is about the workspace is decided in its first ledger alone.
            if self.shard.leads() {
                let run = Run::begin(record, body, catalogs, limits.plan_tasks);
                self.away.entry(id).or_insert(run);
            }
            return;
        }
        self.runs
            .entry(id)
            .or_insert_with(|| Run::begin(record, body, catalogs, limits.plan_tasks));
        self.attention.insert(id);
    }

    fn fold_run(&mut self, record: &Record, event: &Event) {
        let Some(id) = event.run() else {
            return;
        };
        let Some(run) = self.runs.get_mut(&id) else {
            if let Some(run) = self.away.get_mut(&id) {
                run.apply(record, event);
                if run.finished.is_some() {
                    self.away.remove(&id);
                }
            }
            return;
        };
        run.apply(record, event);
        run.count_moved(|lane, was, is| self.open.change(lane, was, is));
        if run.wants_place() {
            self.hungry.insert(id);
        } else {
            self.hungry.remove(&id);
        }
        self.refused.remove(&id);
        if run.finished.is_some() {
            self.runs.remove(&id);
            self.attention.remove(&id);
            self.finished_runs += 1;
        } else {
            self.attention.insert(id);
        }
    }

    /// Equal wherever the same records were folded: the end of the ledger, and the state of every run that has not ended.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256Digest {
        let mut hash = Sha256::new();
        hash.update(b"arcoflow-world:v1:");
        hash.update(self.seq.to_le_bytes());
        hash.update(self.at_ms.to_le_bytes());
        hash.update(self.chain.0);
        hash.update(self.finished_runs.to_le_bytes());
        hash.update(self.open.attempts.to_le_bytes());
        for run in self.runs.values() {
            hash.update(run.fingerprint().to_bytes());
        }
        Sha256Digest::from_bytes(hash.finalize().into())
    }

    /// Open attempts.
    #[must_use]
    pub fn open(&self) -> &Open {
        &self.open
    }

    /// What is open once these decisions are taken.
    #[must_use]
    pub fn open_with(&self, decided: &[Event]) -> Open {
        let mut open = self.open.clone();
        for event in decided {
            if let Event::DispatchRequested(body) = event
                && let Some(run) = self.runs.get(&body.run)
                && let Some(lane) = run.lane_of(&body.task)
            {
                open.change(lane, 0, 1);
            }
        }
        open
    }

    /// Whether a task waits for nothing but a place.
    #[must_use]
    pub fn is_hungry(&self) -> bool {
        !self.hungry.is_empty()
    }

    /// Open attempts, here and elsewhere.
    #[must_use]
    pub fn open_attempts(&self) -> u32 {
        self.open.attempts.saturating_add(self.elsewhere.attempts)
    }

    /// Open attempts of a queue, over all pools, here and elsewhere.
    #[must_use]
    pub fn open_in_queue(&self, queue: &str) -> u32 {
        let of_queue = |lane: &Lane| lane.queue == queue;
        self.open.in_lanes(of_queue) + self.elsewhere.in_lanes(of_queue)
    }

    /// Open attempts of a pool, over all queues, here and elsewhere.
    #[must_use]
    pub fn open_in_pool(&self, pool: &str) -> u32 {
        let of_pool = |lane: &Lane| lane.pool.as_deref() == Some(pool);
        self.open.in_lanes(of_pool) + self.elsewhere.in_lanes(of_pool)
    }

    /// Open attempts by queue, for metrics.
    #[must_use]
    pub fn open_by_queue(&self) -> BTreeMap<String, u32> {
        let mut queues = BTreeMap::new();
        for (lane, open) in &self.open.lanes {
            *queues.entry(lane.queue.clone()).or_insert(0) += open;
        }
        queues
    }
}
