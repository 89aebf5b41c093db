//! The scheduler reads the ledger, folds it, and proposes what follows; its whole memory is a cache of the ledger.

mod progress;
mod beginning;
mod lease;
mod ears;
mod places;
mod manifests;
mod sweep;
mod time;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arcoflow_core::automation::automations::Automations;
use arcoflow_core::run::decide::{outstanding, pass_over, settle};
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::ledger::{AppendAnswer, AppendRequest, AppendResult, Proposal};
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::record::{Record, RecordLine};
use arcoflow_core::wire::scope::Scope;
use arcoflow_core::wire::shard::Shard;
use serde_json::value::RawValue;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use self::ears::Ears;
use self::lease::Lease;
use self::manifests::Manifests;
use self::places::Places;
use self::progress::{Part, Shown};
use self::sweep::Sweeper;
use self::time::DoorTime;
use crate::client::refusal::ClientError;
use crate::client::{Client, LedgerQuery};
use crate::host::crash;

pub use self::progress::Progress;

/// How a scheduler works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its name; the lease is held under it.
    pub holder: String,
    /// How long it holds the lease without a sign of life.
    pub lease: Duration,
    /// Whether it takes the lease from a holder that may still live: the local door has one scheduler, and it is in this process.
    pub take_over: bool,
    /// How many places there are.
    pub limits: Limits,
}

/// The most records of a page.
const PAGE: u32 = 10_000;
/// The pause after the door did not answer.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the door is asked what is due of the assets that automations keep, at most.
const ASKED_EVERY: Duration = Duration::from_millis(100);
/// A wait that other things end.
const FAR: Duration = Duration::from_secs(3_600);

/// A scheduler at work for one ledger.
struct Decider {
    client: Client,
    options: Options,
    /// Which ledger it is, and how many there are.
    shard: Shard,
    shared: Arc<Shared>,
    /// Who wants to know how many ledgers there are, until the door has said so.
    asks: Option<oneshot::Sender<Shard>>,
    /// When it began to read.
    began: Instant,
    world: World,
    manifests: Manifests,
    /// Whose ledger it is, as its door says.
    scope: Option<Scope>,
    lease: Option<Lease>,
    /// What repeats other ledgers in this one while the lease is held.
    ears: Option<Ears>,
    /// The newest record that the door is known to have.
    head: u64,
    time: DoorTime,
    /// When the door was last asked what is due.
    asked_at: Option<Instant>,
    /// Whether the last proposal was refused as a whole; what was due is then not looked at again at once.
    was_refused: bool,
    sweeper: Sweeper,
}

/// What the deciders of a process have in common.
#[derive(Debug)]
struct Shared {
    shown: Shown,
    places: Places,
}

/// Decides for every ledger of the workspace until `stop` becomes true.
///
/// A door that is away is waited for; a lease that another scheduler holds is asked for again and again. Each ledger has a lease of its
/// own, so several schedulers may share the ledgers of a workspace: one stays with whoever has it until that one falls silent.
pub async fn run(
    client: Client,
    options: Options,
    progress: watch::Sender<Progress>,
    stop: watch::Receiver<bool>,
) {
    let shared = Arc::new(Shared {
        shown: Shown::new(progress),
        places: Places::new(),
    });
    let (asks, answer) = oneshot::channel();
    let decider = |shard: Shard, client: Client| {
        let decider = Decider::new(client, options.clone(), shard, shared.clone());
        decider.decide_until(stop.clone())
    };
    let mut first = Decider::new(
        client.clone(),
        options.clone(),
        Shard::default(),
        shared.clone(),
    );
    first.asks = Some(asks);
    let others = async {
        let Ok(first) = answer.await else { return };
        let shards = (1..first.count()).filter_map(|index| first.other(index));
        let others: JoinSet<()> = shards
            .map(|shard| decider(shard, client.clone().at_shard(shard.index())))
            .collect();
        others.join_all().await;
    };
    tokio::join!(first.decide_until(stop.clone()), others);
}

impl Decider {
    fn new(client: Client, options: Options, shard: Shard, shared: Arc<Shared>) -> Decider {
        Decider {
            client,
            options,
            shard,
            shared,
            asks: None,
            began: Instant::now(),
            world: World::default().in_shard(shard),
            manifests: Manifests::default(),
            scope: None,
            lease: None,
            ears: None,
            head: 0,
            time: DoorTime::default(),
            asked_at: None,
            was_refused: false,
            sweeper: Sweeper::default(),
        }
    }

    async fn decide_until(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let worked = tokio::select! {
                worked = self.work() => Some(worked),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let Some(worked) = worked else { break };
            let Err(error) = worked else { continue };
            if matches!(error, ClientError::Unreachable { .. }) {
                self.shared.shown.note_absence(self.shard);
            }
            if error.slug() == Some(Slug::EpochFenced) {
                self.lose_lease();
            } else {
                tracing::warn!(%error, "the scheduler could not go on");
            }
            let _ = tokio::time::timeout(PAUSE, stop.wait_for(|stop| *stop)).await;
        }
        self.let_go().await;
    }

    /// Works until something goes wrong.
    async fn work(&mut self) -> Result<(), ClientError> {
        self.keep_lease().await?;
        if self.world.seq == 0 {
            self.begin().await?;
        }
        // The epoch under which everything that is known was decided. What was folded while another one decided, or before the door
        // went away, is decided before anything is waited for.
        let mut rested = None;
        loop {
            self.keep_lease().await?;
            let epoch = self.lease.map(|lease| lease.epoch);
            // A wait is given in whole seconds; while another one decides, its end is looked for every second.
            let wait = self.until_renewal().as_secs().clamp(1, 30);
            let knows_places = self.knows_places();
            let wait_s = match epoch {
                Some(_) if epoch != rested && knows_places => 0,
                _ => u32::try_from(wait).unwrap_or(1),
            };
            let until_due = match knows_places {
                true => self.until_due().min(self.until_sweep()),
                false => FAR,
            };
            let (elsewhere, fenced) =
                (self.news_from_elsewhere(), ears::fenced(self.ears.as_ref()));
            let is_behind = tokio::select! {
                is_behind = self.catch_up(wait_s) => is_behind?,
                // It may have been in the middle of a page.
                () = tokio::time::sleep(until_due) => self.world.seq < self.head,
                () = elsewhere => self.world.seq < self.head,
                () = fenced => {
                    self.lose_lease();
                    continue;
                }
            };
            if !is_behind && self.lease.is_some() && self.knows_places() {
                self.decide_to_rest().await?;
                rested = epoch;
                if self.until_sweep().is_zero() {
                    self.sweep().await?;
                }
            }
            self.show();
        }
    }

    /// How long the question what is due can wait; the answer of a moment ago is good enough while records come in floods.
    fn until_asked(&self) -> Option<Duration> {
        let asked_at = self
            .world
            .automations
            .is_out_of_date()
            .then_some(self.asked_at)?;
        let since = asked_at.map_or(ASKED_EVERY, |asked_at| asked_at.elapsed());
        Some(ASKED_EVERY.saturating_sub(since))
    }

    /// Asks what is due, when something has changed that may make it so.
    async fn keep_automations(&mut self) -> Result<(), ClientError> {
        if self.until_asked() != Some(Duration::ZERO) {
            return Ok(());
        }
        let page = self.client.automations().await?;
        self.asked_at = Some(Instant::now());
        let declaring = page.automations.first().map(|view| view.manifest);
        if let Some(manifest) = &declaring {
            self.manifests.fetch_content(&self.client, manifest).await?;
        }
        let catalog = declaring.and_then(|manifest| self.manifests.catalog(&manifest));
        self.world.automations = Automations::adopted(page, catalog);
        Ok(())
    }

    /// How long it is until something is due though no record comes. A scheduler that does not decide, or has not read everything,
    /// waits for records; one that was just refused does not ask the same thing again at once.
    fn until_due(&self) -> Duration {
        if self.lease.is_none() || self.world.seq < self.head {
            return FAR;
        }
        let wake_ms = outstanding(&self.world).wake_ms;
        let until_due = match wake_ms {
            None => FAR,
            Some(wake_ms) if self.was_refused => self.time.until(wake_ms).max(PAUSE),
            Some(wake_ms) => self.time.until(wake_ms),
        };
        self.until_asked()
            .map_or(until_due, |asked| asked.min(until_due))
    }

    /// Folds a page. The answer is whether there is more.
    async fn catch_up(&mut self, wait_s: u32) -> Result<bool, ClientError> {
        let query = LedgerQuery {
            after: self.world.seq,
            limit: PAGE,
            wait_s,
            run: None,
            // Nothing follows from a start; the end of what was started comes soon enough.
            quiet: Some("attempt_started"),
        };
        let asked_at = Instant::now();
        let page = self.client.ledger(&query).await?;
        crash::point("C1");
        if wait_s > 0 && page.records.is_empty() && asked_at.elapsed() < PAUSE {
            // A door that closes lets everybody go at once, with nothing.
            tokio::time::sleep(PAUSE).await;
        }
        self.head = page.head;
        self.fold(page.records).await?;
        crash::point("C2");
        Ok(self.world.seq < page.head)
    }

    async fn fold(&mut self, lines: Vec<RecordLine>) -> Result<(), ClientError> {
        for line in lines {
            let record = Record::from(line);
            self.manifests.fetch(&self.client, &record).await?;
            self.world
                .fold(&record, &self.manifests, &self.options.limits);
        }
        self.publish_places();
        Ok(())
    }

    /// Decides until nothing follows any more.
    async fn decide_to_rest(&mut self) -> Result<(), ClientError> {
        while let (Some(lease), Some(scope)) = (self.lease, self.scope.clone()) {
            self.keep_automations().await?;
            let events = self.decide(&scope);
            if events.is_empty() {
                self.was_refused = false;
                settle(&mut self.world);
                return Ok(());
            }
            crash::point("C4");
            let before = self.world.seq;
            let answer = self.append(lease.epoch, &events).await?;
            self.time.hear(answer.server_time);
            let head = answer.head;
            self.head = head;
            let is_refused = is_refused(&events, &answer.results);
            self.fold(answer.records).await?;
            while self.world.seq < head {
                self.catch_up(0).await?;
            }
            if is_refused && self.world.seq == before {
                self.was_refused = true;
                if !pass_over(&mut self.world, &events) {
                    return Ok(());
                }
            }
            self.keep_lease().await?;
        }
        Ok(())
    }

    async fn append(&self, epoch: u64, events: &[Event]) -> Result<AppendAnswer, ClientError> {
        let proposals = events.iter().filter_map(proposal_of).collect();
        let request = AppendRequest {
            epoch,
            after: self.world.seq,
            events: proposals,
        };
        let answer = self.client.append(&request).await?;
        crash::point("C5");
        Ok(answer)
    }

    fn show(&self) {
        let part = Part {
            seq: self.world.seq,
            epoch: self.lease.map(|lease| lease.epoch),
            open_runs: self.world.runs.len() as u64,
            quarantined: self.world.quarantined.len() as u64,
            is_door_away: false,
        };
        self.shared.shown.show(self.shard, part);
    }
}

fn proposal_of(event: &Event) -> Option<Proposal> {
    Some(Proposal {
        kind: event.kind().to_owned(),
        body: RawValue::from_string(event.body().ok()?).ok()?,
        origin: None,
    })
}

/// Whether nothing of what was proposed was taken; the reasons go to the log, because a race is normal and a habit is not.
fn is_refused(events: &[Event], results: &[AppendResult]) -> bool {
    for (event, result) in events.iter().zip(results) {
        if let AppendResult::Refused(code) = result {
            tracing::debug!(kind = event.kind(), code, "the door refused a decision");
        }
    }
    !results
        .iter()
        .any(|result| matches!(result, AppendResult::Appended(_)))
}
