//! The automations of a shard start runs for what is due, once nothing that it is made from is being made.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::automation::backfill::run_of_key;
use crate::identity::digest::Sha256Digest;
use crate::identity::keys::{AssetKey, Operation, RunKey, TaskKey};
use crate::identity::partition_key::PartitionKey;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::{self, Plan};
use crate::wire::automation::{AutomationPage, DuePartition};
use crate::wire::event::automation::{Account, AutomationEvaluated, RunRequested};
use crate::wire::event::{Event, RunTriggered};
use crate::wire::manifest::automation::Automation;
use crate::wire::trigger::{Selection, Trigger};

/// Inputs of a partition that are looked at one by one; of more it counts only which assets they are of.
const MOST_INPUTS: u64 = 4_096;
/// Reasons that one evaluation tells.
const MOST_REASONS: usize = 3;

/// The automations of a shard, as a door showed them, and whether that is still true.
#[derive(Clone, Debug, Default)]
pub struct Automations {
    catalog: Option<Arc<Catalog>>,
    standings: Vec<Standing>,
    /// Records up to here are in what was shown.
    as_of: u64,
    is_out_of_date: bool,
}

/// An automation, with what is due.
#[derive(Clone, Debug)]
struct Standing {
    declared: Automation,
    manifest: Sha256Digest,
    is_paused: bool,
    evaluations: u64,
    reason: Option<String>,
    due: Vec<DuePartition>,
}

/// A run that has not ended.
pub trait OpenRun {
    /// The key that it was started under.
    fn run_key(&self) -> Option<&RunKey>;
    /// Its plan; absent when there is none.
    fn plan(&self) -> Option<&Plan>;
    /// Whether a task of its plan has still to end.
    fn is_left(&self, task: u32) -> bool;
}

/// The ledger as far as it was folded.
pub struct Moment<'a> {
    /// The runs that have not ended.
    pub runs: Vec<&'a dyn OpenRun>,
    /// The newest record.
    pub seq: u64,
    /// Its time, in milliseconds since 1970.
    pub at_ms: u64,
    /// The most tasks of a plan.
    pub plan_tasks: u32,
}

impl Automations {
    /// Nothing is known of them: the door has to be asked.
    #[must_use]
    pub fn unknown() -> Automations {
        Automations {
            is_out_of_date: true,
            ..Automations::default()
        }
    }

    /// The automations as a door shows them; `catalog` is that of the manifest which declares them.
    #[must_use]
    pub fn adopted(page: AutomationPage, catalog: Option<Arc<Catalog>>) -> Automations {
        let standings = page.automations.into_iter().map(|view| Standing {
            declared: view.automation,
            manifest: view.manifest,
            is_paused: view.paused.is_some(),
            evaluations: view.evaluations,
            reason: view.last_evaluation.and_then(|last| last.reason),
            due: view.due,
        });
        Automations {
            standings: standings.collect(),
            catalog,
            as_of: page.as_of,
            is_out_of_date: false,
        }
    }

    /// Whether the door has to be asked again what is due, before anything is decided.
    #[must_use]
    pub fn is_out_of_date(&self) -> bool {
        self.is_out_of_date
    }

    /// Takes the deployment of a manifest.
    pub fn deploy(&mut self, seq: u64, catalog: Option<&Catalog>) {
        if seq <= self.as_of {
            return;
        }
        let declares = catalog.is_some_and(|catalog| !catalog.manifest().automations.is_empty());
        self.is_out_of_date = declares;
        self.standings.clear();
    }

    /// Takes an event that may make something due, or let something begin that waited.
    pub fn fold(&mut self, seq: u64, event: &Event) {
        if seq <= self.as_of || self.standings.is_empty() {
            return;
        }
        self.is_out_of_date |= matches!(
            event,
            Event::AttemptFinished(_)
                | Event::AttemptExpired(_)
                | Event::RunFinished(_)
                | Event::AutomationEvaluated(_)
                | Event::AutomationSet(_)
        );
    }

    /// Whether something is due, as far as it is known after a record. What the door counted on has to be folded first.
    #[must_use]
    pub fn has_due(&self, seq: u64) -> bool {
        let is_due = |standing: &Standing| !standing.is_paused && !standing.due.is_empty();
        !self.is_out_of_date && seq >= self.as_of && self.standings.iter().any(is_due)
    }

    /// What follows for what is due, at most so many events; nothing while it is not known what is.
    #[must_use]
    pub fn decide(&self, now: &Moment<'_>, most: usize) -> Vec<Event> {
        let catalog = self.catalog.as_deref().filter(|_| self.has_due(now.seq));
        let Some(catalog) = catalog else {
            return Vec::new();
        };
        let mut events = Vec::new();
        for standing in self.standings.iter().filter(|standing| !standing.is_paused) {
            let left = most.saturating_sub(events.len());
            events.extend(standing.evaluate(catalog, now, left));
        }
        events
    }
}

/// A partition of an asset of a catalog.
type Place = (AssetIndex, Option<PartitionKey>);

impl Standing {
    /// The runs that begin and the word that they do, or why none does. The same word is not given twice.
    fn evaluate(&self, catalog: &Catalog, now: &Moment<'_>, most: usize) -> Vec<Event> {
        // A run is one event, and one says which they are.
        if self.due.is_empty() || most < 2 {
            return Vec::new();
        }
        let evaluation = self.evaluations + 1;
        let mut waiting = Waiting::default();
        let own = format!("automation:{}:", self.declared.name);
        let look = Look::of(catalog, now, &self.due, &own);
        let ready = look.ready(&mut waiting);
        let open = now.runs.iter().filter(|run| look.is_own(**run)).count();
        let places = (self.declared.concurrency as usize).saturating_sub(open);
        if ready.len() > places {
            waiting.tell(format!(
                "{} runs are open, which is as many as may be",
                self.declared.concurrency
            ));
        }
        let mut events = Vec::new();
        let mut runs = Vec::new();
        for (place, (partition, assets)) in ready.into_iter().take(places.min(most - 1)).enumerate()
        {
            let key = format!("{own}{evaluation}:{place}");
            match self.begin(catalog, now, &key, partition, &assets) {
                Ok(triggered) => {
                    runs.push(triggered.run);
                    events.push(Event::RunRequested(RunRequested {
                        triggered,
                        on_account_of: Account::Automation {
                            automation: self.declared.name.clone(),
                            evaluation,
                        },
                    }));
                }
                Err(reason) => waiting.tell(reason),
            }
        }
        let reason = waiting.reason();
        if runs.is_empty() && (reason.is_none() || reason == self.reason) {
            return Vec::new();
        }
        events.push(Event::AutomationEvaluated(AutomationEvaluated {
            automation: self.declared.name.clone(),
            manifest: self.manifest,
            evaluation,
            as_of: now.seq,
            runs,
            reason,
        }));
        events
    }

    fn begin(
        &self,
        catalog: &Catalog,
        now: &Moment<'_>,
        key: &str,
        partition_key: Option<PartitionKey>,
        assets: &[AssetIndex],
    ) -> Result<RunTriggered, String> {
        let keys = assets
            .iter()
            .map(|asset| catalog.asset(*asset).key.to_string());
        let trigger = Trigger {
            selection: Selection::Many(keys.collect()),
            partition_key,
            ..self.declared.trigger.clone()
        };
        if let Err(error) = plan::compile(catalog, &trigger, now.at_ms, now.plan_tasks) {
            let finding = error.finding;
            return Err(format!("{}: {}", finding.code, finding.message));
        }
        let beyond = || "the clock is beyond the time that ids can name".to_string();
        let run_key = RunKey::parse(key).map_err(|error| error.to_string())?;
        let run = run_of_key(now.at_ms, &run_key).ok_or_else(beyond)?;
        Ok(RunTriggered {
            run,
            manifest: self.manifest,
            trigger: Trigger {
                run_key: Some(run_key),
                ..trigger
            },
            as_of_ms: None,
            rerun: None,
        })
    }
}

/// Why things wait, each reason once.
#[derive(Default)]
struct Waiting {
    reasons: Vec<String>,
}

impl Waiting {
    fn tell(&mut self, reason: String) {
        if self.reasons.len() < MOST_REASONS && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    fn reason(self) -> Option<String> {
        (!self.reasons.is_empty()).then(|| self.reasons.join("; "))
    }
}

/// A look at what is due beside what is being made.
struct Look<'a> {
    catalog: &'a Catalog,
    now: &'a Moment<'a>,
    /// What the run keys of the automation begin with.
    own: &'a str,
    /// What is due, upstreams first.
    due: Vec<Place>,
    is_due: BTreeSet<Place>,
    /// For each asset the runs that have something of it left to do.
    busy: BTreeMap<AssetIndex, Vec<&'a dyn OpenRun>>,
}

impl<'a> Look<'a> {
    fn of(
        catalog: &'a Catalog,
        now: &'a Moment<'a>,
        due: &[DuePartition],
        own: &'a str,
    ) -> Look<'a> {
        let place =
            |row: &DuePartition| Some((catalog.find(&row.asset_key)?, row.partition_key.clone()));
        let due: Vec<Place> = due.iter().filter_map(place).collect();
        let mut relevant: BTreeSet<AssetIndex> = due.iter().map(|(asset, _)| *asset).collect();
        for (asset, _) in &due {
            relevant.extend(catalog.links(*asset).iter().map(|link| link.upstream));
        }
        let mut busy: BTreeMap<AssetIndex, Vec<&dyn OpenRun>> = BTreeMap::new();
        for &run in &now.runs {
            for &asset in &relevant {
                if is_about(run, &catalog.asset(asset).key, begins_with(run, own)) {
                    busy.entry(asset).or_default().push(run);
                }
            }
        }
        Look {
            catalog,
            now,
            own,
            is_due: due.iter().cloned().collect(),
            due,
            busy,
        }
    }

    /// What can be made, by partition: one run makes everything that is due of one partition key, upstreams first.
    fn ready(&self, waiting: &mut Waiting) -> BTreeMap<Option<PartitionKey>, Vec<AssetIndex>> {
        let mut ready: BTreeMap<Option<PartitionKey>, Vec<AssetIndex>> = BTreeMap::new();
        let mut held: BTreeSet<&Place> = BTreeSet::new();
        for place in &self.due {
            match self.obstacle(place, &held) {
                Some(obstacle) => {
                    held.insert(place);
                    self.tell(place.0, obstacle, waiting);
                }
                None => ready.entry(place.1.clone()).or_default().push(place.0),
            }
        }
        ready
    }

    /// What is due and waits for something that this automation does needs no word: the next look begins it.
    fn tell(&self, asset: AssetIndex, obstacle: Obstacle, waiting: &mut Waiting) {
        let name = |asset| &self.catalog.asset(asset).key;
        match obstacle {
            Obstacle::MadeBy(run, made) if !self.is_own(run) => waiting.tell(if made == asset {
                format!("`{}` is being made by another run", name(asset))
            } else {
                format!(
                    "`{}` waits for `{}`, which another run makes",
                    name(asset),
                    name(made)
                )
            }),
            Obstacle::MadeBy(..) | Obstacle::Due => {}
        }
    }

    /// Why a partition cannot be made now.
    fn obstacle(&self, place: &Place, held: &BTreeSet<&Place>) -> Option<Obstacle<'a>> {
        if let Some(run) = self.maker(place) {
            return Some(Obstacle::MadeBy(run, place.0));
        }
        let inputs = plan::inputs::upstream_partitions(
            self.catalog,
            place.0,
            place.1.as_ref(),
            self.now.at_ms,
        )?;
        if inputs.len() > MOST_INPUTS {
            let mut links = self.catalog.links(place.0).iter();
            return links.find_map(|link| {
                let run = self.busy.get(&link.upstream)?.first()?;
                Some(Obstacle::MadeBy(*run, link.upstream))
            });
        }
        inputs.iter().find_map(|input| {
            if let Some(run) = self.maker(&input) {
                return Some(Obstacle::MadeBy(run, input.0));
            }
            // What is due of the same partition is made before it in the same run.
            let is_due = self.is_due.contains(&input);
            (is_due && (input.1 != place.1 || held.contains(&input))).then_some(Obstacle::Due)
        })
    }

    /// The run that has the partition still to make or to check.
    fn maker(&self, (asset, partition): &Place) -> Option<&'a dyn OpenRun> {
        let runs = self.busy.get(asset)?;
        let key = &self.catalog.asset(*asset).key;
        let operations = [Operation::Materialize, Operation::Check];
        let tasks = operations.map(|operation| TaskKey::new(key, partition.as_ref(), operation));
        let makes = |run: &dyn OpenRun| {
            let Some(plan) = run.plan() else { return false };
            let counts = |task: u32| self.is_own(run) || run.is_left(task);
            tasks.iter().any(|task| plan.find(task).is_some_and(counts))
        };
        runs.iter().copied().find(|run| makes(*run))
    }

    fn is_own(&self, run: &dyn OpenRun) -> bool {
        begins_with(run, self.own)
    }
}

/// Why a partition is not made though it is due.
enum Obstacle<'a> {
    /// A run makes it, or what it is made from.
    MadeBy(&'a dyn OpenRun, AssetIndex),
    /// Something that it is made from is due, and made first.
    Due,
}

fn begins_with(run: &dyn OpenRun, own: &str) -> bool {
    run.run_key()
        .is_some_and(|key| key.as_str().starts_with(own))
}

/// Whether a run has something of an asset left to do. A run of the automation itself counts until it has ended: only then the door
/// knows what has become of everything that was due.
fn is_about(run: &dyn OpenRun, key: &AssetKey, is_own: bool) -> bool {
    let Some(plan) = run.plan() else { return false };
    let Some(asset) = plan.catalog().find(key) else {
        return false;
    };
    let mut tasks = plan.tasks_of(asset);
    tasks.any(|task| is_own || run.is_left(task))
}
