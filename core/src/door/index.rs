//! The indexes follow from the records: this is the only place that changes them on account of one.

use crate::door::accept;
use crate::door::attempt::{AttemptName, AttemptState, BoundName};
use crate::door::session::{Session, bytes_16, digest_of};
use crate::door::sql::{StoreError, Value, first};
use crate::door::{automation, look, partition, schedule, sensor};
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::{Operation, TaskKey};
use crate::wire::event::automation::{Account, BackfillChanged, RunRequested};
use crate::wire::event::{
    AttemptExpired, AttemptFinished, AttemptOutcome, AttemptStarted, DispatchRequested, Event,
    RunCancelRequested, RunFinished, RunTriggered,
};
use crate::wire::manifest::policy::Timeouts;
use crate::wire::record::Record;

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
}

macro_rules! run_columns {
    ($rest:literal) => {
        concat!("SELECT run, manifest, triggered_seq, triggered_ms, tasks, run_key, planned_seq, cancel_seq, finished_seq, finished_ms, outcome FROM run ", $rest)
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
    match event {
        Event::ManifestDeployed(body) => {
            let address = body.manifest.to_bytes();
            partition::deployed::deployed(session, &body.manifest)?;
            session.sql.execute("INSERT INTO meta (name, value) VALUES ('manifest', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", &[address.as_slice().into()])?;
            session.sql.execute(
                "UPDATE manifest SET seq = ?2 WHERE digest = ?1",
                &[address.as_slice().into(), record.seq.into()],
            )?;
            schedule::apply_deployed(session, record, &body.manifest)?;
            sensor::apply_deployed(session, record, &body.manifest)?;
            automation::apply_deployed(session, &body.manifest)?;
        }
        Event::ScheduleTicked(body) => schedule::apply_ticked(session, record, body)?,
        Event::ScheduleSet(body) => schedule::apply_set(session, record, body)?,
        Event::SensorReported(body) => sensor::apply_reported(session, record, body)?,
        Event::SensorSet(body) => sensor::apply_set(session, record, body)?,
        Event::AutomationEvaluated(body) => automation::apply_evaluated(session, record, body)?,
        Event::AutomationSet(body) => automation::apply_set(session, record, body)?,
        Event::RunTriggered(body) => apply_triggered(session, record, body)?,
        Event::RunPlanned(body) => {
            let run = body.run.to_bytes();
            session.sql.execute(
                "UPDATE run SET planned_seq = ?2, tasks = ?3 WHERE run = ?1",
                &[run.as_slice().into(), record.seq.into(), body.tasks.into()],
            )?;
        }
        Event::RunCancelRequested(body) => apply_cancel(session, record, body)?,
        Event::RunFinished(body) => apply_run_finished(session, record, body)?,
        Event::DispatchRequested(body) => apply_dispatch(session, record, body)?,
        Event::AttemptStarted(body) => apply_started(session, record, body)?,
        Event::AttemptFinished(body) => apply_finished(session, record, body)?,
        Event::AttemptExpired(body) => apply_expired(session, record, body)?,
        Event::RunRequested(body) => {
            apply_triggered(session, record, &body.triggered)?;
            apply_account(session, body)?;
        }
        Event::BackfillRequested(body) => {
            session.sql.execute(
                "INSERT INTO backfill (backfill, requested_seq, mode, changes) VALUES (?1, ?2, 0, 0)",
                &[body.backfill.to_bytes().as_slice().into(), record.seq.into()],
            )?;
        }
        Event::BackfillPaused(body) => apply_backfill(session, record, body, 1)?,
        Event::BackfillResumed(body) => apply_backfill(session, record, body, 0)?,
        Event::BackfillCancelled(body) => apply_backfill(session, record, body, 2)?,
        Event::RunRejected(_) | Event::Unknown => {}
    }
    Ok(())
}

fn apply_triggered(
    session: &mut Session<'_>,
    record: &Record,
    body: &RunTriggered,
) -> Result<(), StoreError> {
    let (run, manifest) = (body.run.to_bytes(), body.manifest.to_bytes());
    let run_key = body.trigger.run_key.as_ref().map(|key| key.as_str());
    let due_ms = match body.trigger.run_timeout_ms {
        Some(own) => Some(own),
        None => {
            let catalog = session.catalog(&body.manifest)?;
            catalog.and_then(|catalog| catalog.manifest().run_timeout_ms)
        }
    }
    .map(|timeout_ms| record.at_ms.saturating_add(timeout_ms));
    session.wake.deadline |= due_ms.is_some();
    session.sql.execute(
        "INSERT INTO run (run, manifest, triggered_seq, triggered_ms, tasks, run_key, due_ms) VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6)",
        &[run.as_slice().into(), manifest.as_slice().into(), record.seq.into(), record.at_ms.into(), run_key.into(), due_ms.into()],
    )?;
    if let Some(key) = &body.trigger.run_key {
        let fingerprint = accept::fingerprint(&body.trigger);
        session.sql.execute(
            "INSERT INTO run_key (run_key, fingerprint, run) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            &[key.as_str().into(), fingerprint.to_bytes().as_slice().into(), run.as_slice().into()],
        )?;
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

fn apply_backfill(
    session: &mut Session<'_>,
    record: &Record,
    body: &BackfillChanged,
    mode: u32,
) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE backfill SET mode = ?2, changes = ?3, retried_seq = coalesce(?4, retried_seq) WHERE backfill = ?1",
        &[
            body.backfill.to_bytes().as_slice().into(),
            mode.into(),
            body.change.into(),
            (mode == 0 && body.retry_failed)
                .then_some(record.seq)
                .into(),
        ],
    )?;
    Ok(())
}

/// Running attempts get the grace of their asset; the others are never leased again, because the lease looks at the run.
fn apply_cancel(
    session: &mut Session<'_>,
    record: &Record,
    body: &RunCancelRequested,
) -> Result<(), StoreError> {
    let run = body.run.to_bytes();
    session.sql.execute(
        "UPDATE run SET cancel_seq = ?2, due_ms = NULL WHERE run = ?1",
        &[run.as_slice().into(), record.seq.into()],
    )?;
    let Some(row) = session.run(&body.run)? else {
        return Ok(());
    };
    let mut running = alloc::vec::Vec::new();
    session.sql.query(
        crate::door::attempt::columns!("WHERE run = ?1 AND state = 2"),
        &[run.as_slice().into()],
        &mut |row| running.push(crate::door::attempt::attempt_of(row)),
    )?;
    for attempt in running {
        let Ok(task) = TaskKey::parse(&attempt.task_key) else {
            continue;
        };
        let grace_ms = session.timeouts(&row.manifest, &task)?.cancel_grace_ms;
        let end_ms = record.at_ms.saturating_add(grace_ms);
        let bound = BoundName::from(&attempt.name);
        session.wake.deadline = true;
        session.sql.execute(
            "UPDATE attempt SET due_ms = min(due_ms, ?4), deadline_ms = min(deadline_ms, ?4) WHERE run = ?1 AND task = ?2 AND attempt = ?3",
            &[bound.run.as_slice().into(), bound.task.as_slice().into(), bound.attempt.into(), end_ms.into()],
        )?;
    }
    // What was asked for and not started is closed by the cancel itself.
    session.sql.execute(
        "UPDATE attempt SET state = ?2, closed_seq = ?3 WHERE run = ?1 AND state IN (0, 1)",
        &[
            run.as_slice().into(),
            Value::Integer(AttemptState::Cancelled as i64),
            record.seq.into(),
        ],
    )?;
    Ok(())
}

fn apply_run_finished(
    session: &mut Session<'_>,
    record: &Record,
    body: &RunFinished,
) -> Result<(), StoreError> {
    let run = body.run.to_bytes();
    session.sql.execute(
        "UPDATE run SET finished_seq = ?2, finished_ms = ?3, outcome = ?4, due_ms = NULL WHERE run = ?1",
        &[
            run.as_slice().into(),
            record.seq.into(),
            record.at_ms.into(),
            Value::Integer(body.outcome as i64),
        ],
    )?;
    if let Some(row) = session.run(&body.run)? {
        automation::apply_run_finished(session, &row)?;
    }
    Ok(())
}

fn apply_dispatch(
    session: &mut Session<'_>,
    record: &Record,
    body: &DispatchRequested,
) -> Result<(), StoreError> {
    let bound = BoundName::from(&AttemptName::new(body.run, &body.task, body.attempt));
    session.sql.execute(
        "INSERT INTO attempt (run, task, attempt, task_key, state, queue, rank, due_ms, requested_seq) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8)",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
            body.task.as_str().into(),
            body.queue.as_str().into(),
            Value::Integer(-i64::from(body.priority)),
            body.not_before.max(record.at_ms).into(),
            record.seq.into(),
        ],
    )?;
    session.wake.work.insert(body.queue.clone());
    Ok(())
}

fn apply_started(
    session: &mut Session<'_>,
    record: &Record,
    body: &AttemptStarted,
) -> Result<(), StoreError> {
    let Some(run) = session.run(&body.run)? else {
        return Ok(());
    };
    let timeouts = session.timeouts(&run.manifest, &body.task)?;
    let deadline = record.at_ms.saturating_add(timeouts.attempt_ms);
    let due = record
        .at_ms
        .saturating_add(timeouts.heartbeat_ms)
        .min(deadline);
    let bound = BoundName::from(&AttemptName::new(body.run, &body.task, body.attempt));
    session.wake.deadline = true;
    session.sql.execute(
        "UPDATE attempt SET state = 2, worker = ?4, due_ms = ?5, deadline_ms = ?6, started_seq = ?7 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
            body.worker.as_str().into(),
            due.into(),
            deadline.into(),
            record.seq.into(),
        ],
    )?;
    Ok(())
}

fn apply_finished(
    session: &mut Session<'_>,
    record: &Record,
    body: &AttemptFinished,
) -> Result<(), StoreError> {
    let state = match body.outcome {
        AttemptOutcome::Succeeded => AttemptState::Succeeded,
        AttemptOutcome::Failed => AttemptState::Failed,
        AttemptOutcome::Cancelled => AttemptState::Cancelled,
    };
    close(
        session,
        record,
        &AttemptName::new(body.run, &body.task, body.attempt),
        state,
    )?;
    if body.outcome == AttemptOutcome::Succeeded && body.task.operation() == Operation::Materialize
    {
        let partition = body.task.partition();
        let asset = body.task.asset();
        session.sql.execute(
            "INSERT INTO materialization (asset, partition, seq) VALUES (?1, ?2, ?3) ON CONFLICT (asset, partition) DO UPDATE SET seq = excluded.seq",
            &[asset.as_str().into(), partition.as_ref().map_or("", |partition| partition.as_str()).into(), record.seq.into()],
        )?;
    }
    partition::finished(session, record, body)
}

fn apply_expired(
    session: &mut Session<'_>,
    record: &Record,
    body: &AttemptExpired,
) -> Result<(), StoreError> {
    close(
        session,
        record,
        &AttemptName::new(body.run, &body.task, body.attempt),
        AttemptState::Expired,
    )?;
    partition::failed(session, &body.task)
}

fn close(
    session: &mut Session<'_>,
    record: &Record,
    name: &AttemptName,
    state: AttemptState,
) -> Result<(), StoreError> {
    let bound = BoundName::from(name);
    session.sql.execute(
        "UPDATE attempt SET state = ?4, closed_seq = ?5 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
        &[bound.run.as_slice().into(), bound.task.as_slice().into(), bound.attempt.into(), Value::Integer(state as i64), record.seq.into()],
    )?;
    Ok(())
}
