//! The indexes follow from the records: this is the only place that changes them on account of one.

pub(crate) mod life;

use crate::door::session::{Session, bytes_16, digest_of};
use crate::door::sql::{StoreError, first};
use crate::door::{automation, inputs, look, partition, schedule, sensor};
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::TaskKey;
use crate::wire::event::automation::{Account, RunRequested};
use crate::wire::event::{AttemptFinished, Event, ManifestDeployed};
use crate::wire::manifest::policy::Timeouts;
use crate::wire::record::Record;
use crate::wire::shard::Origin;

/// A row of the run index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// Its manifest.
    pub manifest: Sha256Digest,
    /// The record that started it.
    pub triggered_seq: u64,
    /// When.
    pub triggered_ms: u64,
    /// How many tasks it has, once it is planned.
    pub tasks: Option<u32>,
    /// The key that it was triggered under.
    pub run_key: Option<alloc::string::String>,
    /// The record of its plan.
    pub planned_seq: Option<u64>,
    /// The record of its cancel.
    pub cancel_seq: Option<u64>,
    /// The record of its end.
    pub finished_seq: Option<u64>,
    /// When it ended.
    pub finished_ms: Option<u64>,
    /// How it ended, as a number.
    pub outcome: Option<u64>,
    /// When it is too old, unless it has ended or was cancelled.
    pub due_ms: Option<u64>,
}

macro_rules! run_columns {
    ($rest:literal) => {
        concat!("SELECT run, manifest, triggered_seq, triggered_ms, tasks, run_key, planned_seq, cancel_seq, finished_seq, finished_ms, outcome, due_ms FROM run ", $rest)
    };
}
pub(crate) use run_columns;

pub(crate) fn run_of(row: &dyn crate::door::sql::Row) -> RunRow {
    RunRow {
        run: RunId::from_bytes(bytes_16(row.blob(0))),
        manifest: digest_of(row.blob(1)),
        triggered_seq: row.unsigned(2),
        triggered_ms: row.unsigned(3),
        tasks: row.optional(4).and_then(|tasks| u32::try_from(tasks).ok()),
        run_key: (!row.is_null(5)).then(|| row.text(5).into()),
        planned_seq: row.optional(6),
        cancel_seq: row.optional(7),
        finished_seq: row.optional(8),
        finished_ms: row.optional(9),
        outcome: row.optional(10),
        due_ms: row.optional(11),
    }
}

impl Session<'_> {
    /// The index row of a run.
    ///
    /// # Errors
    /// What the store says.
    pub fn run(&mut self, run: &RunId) -> Result<Option<RunRow>, StoreError> {
        first(
            self.sql,
            run_columns!("WHERE run = ?1"),
            &[run.to_bytes().as_slice().into()],
            run_of,
        )
    }

    /// The timeouts of a task's asset; the defaults when its manifest is not known.
    ///
    /// # Errors
    /// What the store says.
    pub fn timeouts(
        &mut self,
        manifest: &Sha256Digest,
        task: &TaskKey,
    ) -> Result<Timeouts, StoreError> {
        if let Some(timeouts) = look::timeouts(self, manifest, task)? {
            return Ok(timeouts);
        }
        let catalog = self.catalog(manifest)?;
        let found = catalog.and_then(|catalog| {
            catalog
                .find(&task.asset())
                .map(|asset| catalog.asset(asset).timeouts)
        });
        Ok(found.unwrap_or_default())
    }
}

/// Brings the indexes up to a record.
///
/// # Errors
/// What the store says.
pub fn apply(session: &mut Session<'_>, record: &Record, event: &Event) -> Result<(), StoreError> {
    life::apply(session, record, event)?;
    let origin = Origin::of_actor(&record.actor);
    // A deployment comes on another way too, so it says nothing about what was heard before it.
    if let Some(origin) = &origin
        && !matches!(event, Event::ManifestDeployed(_))
    {
        session.note_heard(origin);
    }
    match event {
        Event::ManifestDeployed(body) => apply_deployed(session, record, body)?,
        Event::AttemptFinished(body) => apply_made(session, record, body, origin.is_none())?,
        // What is about the workspace is in its first ledger.
        event if session.config.shard.leads() => apply_leading(session, record, event)?,
        _ => {}
    }
    Ok(())
}

fn apply_deployed(
    session: &mut Session<'_>,
    record: &Record,
    body: &ManifestDeployed,
) -> Result<(), StoreError> {
    let leads = session.config.shard.leads();
    let address = body.manifest.to_bytes();
    if leads {
        partition::deployed::deployed(session, &body.manifest)?;
    }
    session.set_manifest(&body.manifest)?;
    session.sql.execute(
        "UPDATE manifest SET seq = ?2 WHERE digest = ?1",
        &[address.as_slice().into(), record.seq.into()],
    )?;
    if leads {
        schedule::apply_deployed(session, record, &body.manifest)?;
        sensor::apply_deployed(session, record, &body.manifest)?;
        automation::apply_deployed(session, &body.manifest)?;
    }
    Ok(())
}

fn apply_leading(
    session: &mut Session<'_>,
    record: &Record,
    event: &Event,
) -> Result<(), StoreError> {
    match event {
        Event::ScheduleTicked(body) => schedule::apply_ticked(session, record, body)?,
        Event::ScheduleSet(body) => schedule::apply_set(session, record, body)?,
        Event::SensorReported(body) => sensor::apply_reported(session, record, body)?,
        Event::SensorSet(body) => sensor::apply_set(session, record, body)?,
        Event::AutomationEvaluated(body) => automation::apply_evaluated(session, record, body)?,
        Event::AutomationSet(body) => automation::apply_set(session, record, body)?,
        Event::RunFinished(body) => automation::apply_run_finished(session, &body.run)?,
        Event::RunRequested(body) => apply_account(session, body)?,
        Event::AttemptExpired(body) => partition::failed(session, &body.task)?,
        Event::ManifestDeployed(_)
        | Event::AttemptFinished(_)
        | Event::RunTriggered(_)
        | Event::RunPlanned(_)
        | Event::RunCancelRequested(_)
        | Event::DispatchRequested(_)
        | Event::AttemptStarted(_)
        | Event::BackfillRequested(_)
        | Event::BackfillPaused(_)
        | Event::BackfillResumed(_)
        | Event::BackfillCancelled(_)
        | Event::RunRejected(_)
        | Event::Unknown => {}
    }
    Ok(())
}

/// The newest run of a chunk is the one that counts.
fn apply_account(session: &mut Session<'_>, body: &RunRequested) -> Result<(), StoreError> {
    if let Account::Backfill { backfill, chunk } = &body.on_account_of {
        session.sql.execute(
            "INSERT INTO backfill_chunk (backfill, chunk, run) VALUES (?1, ?2, ?3) ON CONFLICT (backfill, chunk) DO UPDATE SET run = excluded.run",
            &[backfill.to_bytes().as_slice().into(), (*chunk).into(), body.triggered.run.to_bytes().as_slice().into()],
        )?;
    }
    Ok(())
}

/// What an attempt made is the newest of its partition. What is repeated is so when it replaces what is the newest here: whoever repeated it
/// has looked.
fn apply_made(
    session: &mut Session<'_>,
    record: &Record,
    body: &AttemptFinished,
    is_own: bool,
) -> Result<(), StoreError> {
    if body.makes() {
        let partition = body.task.partition();
        let asset = body.task.asset();
        if is_own || inputs::newest(session, &asset, partition.as_ref())? == body.replaces {
            session.sql.execute(
                "INSERT INTO materialization (asset, partition, seq) VALUES (?1, ?2, ?3) ON CONFLICT (asset, partition) DO UPDATE SET seq = excluded.seq",
                &[asset.as_str().into(), partition.as_ref().map_or("", |partition| partition.as_str()).into(), record.seq.into()],
            )?;
        }
    }
    if session.config.shard.leads() {
        partition::finished(session, record, body)?;
    }
    Ok(())
}
