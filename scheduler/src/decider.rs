//! The scheduler reads the ledger, folds it, and proposes what follows; its whole memory is a cache of the ledger.

mod manifests;
mod sweep;
mod time;

use std::time::{Duration, Instant};

use arcoflow_core::automation::automations::Automations;
use arcoflow_core::automation::schedules::Schedules;
use arcoflow_core::run::decide::{decide, outstanding, pass_over, settle};
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::owed::begin_after;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::ledger::{
    AppendAnswer, AppendRequest, AppendResult, Proposal, SchedulerLeaseRequest,
};
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::record::{Record, RecordLine};
use arcoflow_core::wire::scope::Scope;
use serde_json::value::RawValue;
use tokio::sync::watch;

use self::manifests::Manifests;
use self::sweep::Sweeper;
use self::time::DoorTime;
use crate::client::refusal::ClientError;
use crate::client::{Client, LedgerQuery, RunsQuery};
use crate::host::crash;

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

/// What a scheduler shows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The newest record that it has folded.
    pub seq: u64,
    /// The epoch under which it decides; `None` while another one does, or while the door is away.
    pub epoch: Option<u64>,
    /// Runs that have not ended.
    pub open_runs: u64,
    /// Records that it could not understand.
    pub quarantined: u64,
    /// Whether the door did not answer when it was last asked.
    pub is_door_away: bool,
}

/// The most records of a page.
const PAGE: u32 = 10_000;
/// The pause after the door did not answer.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the door is asked what is due of the assets that automations keep, at most.
const ASKED_EVERY: Duration = Duration::from_millis(100);
/// A wait that other things end.
const FAR: Duration = Duration::from_secs(3_600);
/// The shortest lease that a door gives, in milliseconds.
const SHORTEST_LEASE_MS: u64 = 1_000;
/// How long a scheduler that ends waits for the door to hear of it.
const FAREWELL: Duration = Duration::from_secs(2);

/// A scheduler at work.
struct Decider {
    client: Client,
    options: Options,
    world: World,
    manifests: Manifests,
    /// Whose ledger it is, as its door says.
    scope: Option<Scope>,
    lease: Option<Lease>,
    /// The newest record that the door is known to have.
    head: u64,
    time: DoorTime,
    /// When the door was last asked what is due.
    asked_at: Option<Instant>,
    /// Whether the last proposal was refused as a whole; what was due is then not looked at again at once.
    was_refused: bool,
    sweeper: Sweeper,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Copy)]
struct Lease {
    epoch: u64,
    renew_at: Instant,
}

/// Decides until `stop` becomes true.
///
/// A door that is away is waited for; a lease that another scheduler holds is asked for again and again.
pub async fn run(
    client: Client,
    options: Options,
    progress: watch::Sender<Progress>,
    mut stop: watch::Receiver<bool>,
) {
    let mut decider = Decider {
        client,
        options,
        world: World::default(),
        manifests: Manifests::default(),
        scope: None,
        lease: None,
        head: 0,
        time: DoorTime::default(),
        asked_at: None,
        was_refused: false,
        sweeper: Sweeper::default(),
        progress,
    };
    loop {
        let worked = tokio::select! {
            worked = decider.work() => Some(worked),
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some(worked) = worked else { break };
        let Err(error) = worked else { continue };
        decider.note_absence(&error);
        if error.slug() == Some(Slug::EpochFenced) {
            tracing::warn!("another scheduler decides; this one follows");
            decider.lose_lease();
        } else {
            tracing::warn!(%error, "the scheduler could not go on");
        }
        let _ = tokio::time::timeout(PAUSE, stop.wait_for(|stop| *stop)).await;
    }
    decider.let_go().await;
}

impl Decider {
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
            let wait_s = match epoch {
                Some(_) if epoch != rested => 0,
                _ => u32::try_from(wait).unwrap_or(1),
            };
            let until_due = self.until_due().min(self.until_sweep());
            let is_behind = tokio::select! {
                is_behind = self.catch_up(wait_s) => is_behind?,
                // It may have been in the middle of a page.
                () = tokio::time::sleep(until_due) => self.world.seq < self.head,
            };
            if !is_behind && self.lease.is_some() {
                self.decide_to_rest().await?;
                rested = epoch;
                if self.until_sweep().is_zero() {
                    self.sweep().await?;
                }
            }
            self.show();
        }
    }

    /// Begins at the oldest run or backfill that is open: what ended before that has no future. The rows of the door may have lost one,
    /// so it begins no later than where a sweep saw that everything before had ended.
    async fn begin(&mut self) -> Result<(), ClientError> {
        let mut query = RunsQuery {
            limit: Some(1_000),
            before: None,
            open: true,
        };
        let mut oldest: Option<u64> = None;
        let mut as_of = None;
        loop {
            let page = self.client.runs(&query).await?;
            as_of = as_of.or(Some(page.as_of));
            let seqs = page.runs.iter().map(|run| run.seq);
            oldest = seqs.chain(oldest).min();
            match page.next {
                Some(next) => query.before = Some(next),
                None => break,
            }
        }
        let backfills = self.client.backfills(true).await?;
        let oldest = backfills
            .backfills
            .iter()
            .map(|backfill| backfill.seq)
            .chain(oldest)
            .min();
        let page = self.client.schedules().await?;
        // All of them are declared by the current manifest.
        let declaring = page.schedules.first().map(|schedule| schedule.manifest);
        if let Some(manifest) = &declaring {
            self.manifests.fetch_content(&self.client, manifest).await?;
        }
        let catalog = declaring.and_then(|manifest| self.manifests.catalog(&manifest));
        let schedules = Schedules::adopted(&page, catalog);
        let floor = self.swept_floor().await?;
        let begin = begin_after(oldest, as_of.unwrap_or(0), floor);
        self.world = World::beginning_after(begin, schedules);
        self.head = page.as_of;
        Ok(())
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

    /// Takes or renews the lease when it is time.
    async fn keep_lease(&mut self) -> Result<(), ClientError> {
        if self.until_renewal() > Duration::ZERO {
            return Ok(());
        }
        let ttl = self.options.lease;
        let asked_at = Instant::now();
        let request = SchedulerLeaseRequest {
            holder: self.options.holder.clone(),
            ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            take_over: self.options.take_over && self.lease.is_none(),
        };
        let answer = self.client.lease_scheduler(&request).await?;
        self.time.hear(answer.server_time);
        self.scope = Some(Scope {
            tenant: answer.tenant_id,
            workspace: answer.workspace_id,
        });
        let held = self.lease.map(|lease| lease.epoch);
        self.lease = answer.granted.then(|| Lease {
            epoch: answer.epoch,
            renew_at: asked_at + ttl / 3,
        });
        if held != self.lease.map(|lease| lease.epoch) {
            tracing::info!(epoch = answer.epoch, granted = answer.granted, holder = %answer.holder, "lease");
        }
        Ok(())
    }

    /// How long the lease is left alone; a lease that is not held is asked for at once.
    fn until_renewal(&self) -> Duration {
        self.lease.map_or(Duration::ZERO, |lease| {
            lease.renew_at.saturating_duration_since(Instant::now())
        })
    }

    /// Leaves the lease to whoever waits for it, a second from now.
    async fn let_go(&mut self) {
        if self.lease.take().is_none() || self.options.take_over {
            return;
        }
        let request = SchedulerLeaseRequest {
            holder: self.options.holder.clone(),
            ttl_ms: SHORTEST_LEASE_MS,
            take_over: false,
        };
        let answer = self.client.lease_scheduler(&request);
        if tokio::time::timeout(FAREWELL, answer).await.is_err() {
            tracing::debug!("the lease runs out by itself");
        }
    }

    /// Shows that the door is away; what was held may still be held when it is back.
    fn note_absence(&self, error: &ClientError) {
        if matches!(error, ClientError::Unreachable { .. }) {
            self.progress
                .send_modify(|progress| progress.is_door_away = true);
        }
    }

    fn lose_lease(&mut self) {
        self.lease = None;
        // From here on somebody else decides, and it may be the one that was asked for.
        self.options.take_over = false;
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
        Ok(())
    }

    /// Decides until nothing follows any more.
    async fn decide_to_rest(&mut self) -> Result<(), ClientError> {
        while let (Some(lease), Some(scope)) = (self.lease, self.scope.clone()) {
            self.keep_automations().await?;
            let now_ms = self.time.now_ms();
            let events = decide(&self.world, now_ms, &scope, &self.options.limits);
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
        let progress = Progress {
            seq: self.world.seq,
            epoch: self.lease.map(|lease| lease.epoch),
            open_runs: self.world.runs.len() as u64,
            quarantined: self.world.quarantined.len() as u64,
            is_door_away: false,
        };
        self.progress.send_replace(progress);
    }
}

fn proposal_of(event: &Event) -> Option<Proposal> {
    Some(Proposal {
        kind: event.kind().to_owned(),
        body: RawValue::from_string(event.body().ok()?).ok()?,
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
