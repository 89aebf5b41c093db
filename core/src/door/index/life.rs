//! The rows of runs, attempts and backfills follow from their own records alone, so a row that was lost can be written again.

use crate::door::accept;
use crate::door::attempt::{self, AttemptName, AttemptState, BoundName};
use crate::door::session::Session;
use crate::door::sql::{StoreError, Value};
use crate::identity::keys::TaskKey;
use crate::wire::event::automation::BackfillChanged;
use crate::wire::event::{
    AttemptOutcome, AttemptStarted, DispatchRequested, Event, RunCancelRequested, RunFinished,
    RunTriggered,
};
use crate::wire::record::Record;

/// Brings the rows of the run, the attempt or the backfill that a record is about up to it.
///
/// # Errors
/// What the store says.
pub(crate) fn apply(
    session: &mut Session<'_>,
    record: &Record,
    event: &Event,
) -> Result<(), StoreError> {
    match event {
        Event::RunTriggered(body) => apply_triggered(session, record, body),
        Event::RunRequested(body) => apply_triggered(session, record, &body.triggered),
        Event::RunPlanned(body) => {
            let run = body.run.to_bytes();
            session.sql.execute(
                "UPDATE run SET planned_seq = ?2, tasks = ?3 WHERE run = ?1",
                &[run.as_slice().into(), record.seq.into(), body.tasks.into()],
            )?;
            Ok(())
        }
        Event::RunCancelRequested(body) => apply_cancel(session, record, body),
        Event::RunFinished(body) => apply_run_finished(session, record, body),
        Event::DispatchRequested(body) => apply_dispatch(session, record, body),
        Event::AttemptStarted(body) => apply_started(session, record, body),
        Event::AttemptFinished(body) => {
            let state = match body.outcome {
                AttemptOutcome::Succeeded => AttemptState::Succeeded,
                AttemptOutcome::Failed => AttemptState::Failed,
                AttemptOutcome::Cancelled => AttemptState::Cancelled,
            };
            let name = AttemptName::new(body.run, &body.task, body.attempt);
            close(session, record, &name, state)
        }
        Event::AttemptExpired(body) => {
            let name = AttemptName::new(body.run, &body.task, body.attempt);
            close(session, record, &name, AttemptState::Expired)
        }
        Event::BackfillRequested(body) => {
            session.sql.execute(
                "INSERT INTO backfill (backfill, requested_seq, mode, changes) VALUES (?1, ?2, 0, 0)",
                &[body.backfill.to_bytes().as_slice().into(), record.seq.into()],
            )?;
            Ok(())
        }
        Event::BackfillPaused(body) => apply_backfill(session, record, body, 1),
        Event::BackfillResumed(body) => apply_backfill(session, record, body, 0),
        Event::BackfillCancelled(body) => apply_backfill(session, record, body, 2),
        _ => Ok(()),
    }
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

fn apply_triggered(
    session: &mut Session<'_>,
    record: &Record,
    body: &RunTriggered,
) -> Result<(), StoreError> {
    let (run, manifest) = (body.run.to_bytes(), body.manifest.to_bytes());
    let run_key = body.trigger.run_key.as_ref().map(|key| key.as_str());
    // A run that another ledger keeps ends there.
    let due_ms = match session.config.shard.keeps(&body.run) {
        true => due_ms(session, body, record.at_ms)?,
        false => None,
    };
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

/// When a run that was triggered at `at_ms` is too old, in the door's milliseconds since 1970.
///
/// # Errors
/// What the store says.
pub(crate) fn due_ms(
    session: &mut Session<'_>,
    body: &RunTriggered,
    at_ms: u64,
) -> Result<Option<u64>, StoreError> {
    let timeout_ms = match body.trigger.run_timeout_ms {
        Some(own) => Some(own),
        None => {
            let catalog = session.catalog(&body.manifest)?;
            catalog.and_then(|catalog| catalog.manifest().run_timeout_ms)
        }
    };
    Ok(timeout_ms.map(|timeout_ms| at_ms.saturating_add(timeout_ms)))
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
        attempt::columns!("WHERE run = ?1 AND state = 2"),
        &[run.as_slice().into()],
        &mut |row| running.push(attempt::attempt_of(row)),
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
    Ok(())
}

fn apply_dispatch(
    session: &mut Session<'_>,
    record: &Record,
    body: &DispatchRequested,
) -> Result<(), StoreError> {
    let heard_seq = match session.config.shard.leads() {
        true => None,
        false => Some(session.heard(0)?.seq),
    };
    let bound = BoundName::from(&AttemptName::new(body.run, &body.task, body.attempt));
    session.sql.execute(
        "INSERT INTO attempt (run, task, attempt, task_key, state, queue, rank, due_ms, requested_seq, heard_seq) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9)",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
            body.task.as_str().into(),
            body.queue.as_str().into(),
            Value::Integer(-i64::from(body.priority)),
            body.not_before.max(record.at_ms).into(),
            record.seq.into(),
            heard_seq.into(),
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
