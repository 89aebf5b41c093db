//! Deadlines are the door's, and they are looked at inside the transaction that closes the attempt: no live worker dies of a stale view.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::door::attempt::{Attempt, AttemptState, BoundName, attempt_of, columns};
use crate::door::config::{Config, Moment};
use crate::door::index::RunRow;
use crate::door::look;
use crate::door::session::{Catalogs, Session, Wake, bytes_16};
use crate::door::sql::{Sql, StoreError, Verdict, first};
use crate::identity::ids::RunId;
use crate::identity::keys::TaskKey;
use crate::run::owed::SWEEP_MS;
use crate::wire::event::{AttemptExpired, Event, ExpiryReason, RunCancelRequested};

/// The most attempts that one transaction closes.
const MOST: u64 = 500;

/// How long an attempt whose run has no row is put off, in milliseconds.
const PUT_OFF_MS: u64 = 2 * SWEEP_MS;

/// What expiring did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many attempts were closed.
    pub closed: u64,
    /// How many runs were cancelled because they were too old.
    pub cancelled: u64,
    /// The next deadline, in the door's milliseconds since 1970.
    pub next_ms: Option<u64>,
    /// What happened, for those who wait.
    pub wake: Wake,
}

/// Closes what is overdue, at most a transaction's worth; a host calls it again at `next_ms`, and may call it at any time.
///
/// # Errors
/// What the store says.
pub fn expire(
    config: &Config,
    catalogs: &mut Catalogs,
    sql: &mut dyn Sql,
    moment: Moment,
) -> Result<Expired, StoreError> {
    let mut expired = Expired::default();
    sql.transaction(&mut |sql| {
        let mut session = Session::new(config, catalogs, sql, moment, String::from("door"));
        let now_ms = session.now_ms()?;
        let mut overdue = Vec::new();
        session.sql.query(
            columns!(
                "WHERE state IN (1, 2) AND due_ms <= ?1 ORDER BY due_ms, requested_seq LIMIT ?2"
            ),
            &[now_ms.into(), MOST.into()],
            &mut |row| overdue.push(attempt_of(row)),
        )?;
        for attempt in &overdue {
            expired.closed += u64::from(close(&mut session, attempt, now_ms)?);
        }
        expired.cancelled = cancel_old(&mut session, now_ms)?;
        expired.wake.merge(&session.wake);
        let oldest = now_ms.saturating_sub(config.answer_life_ms);
        session
            .sql
            .execute("DELETE FROM answer WHERE at_ms < ?1", &[oldest.into()])?;
        expired.next_ms = next_deadline_ms(session.sql)?;
        Ok(Verdict::Keep)
    })?;
    Ok(expired)
}

/// Gives every attempt that a worker has the whole time of a start or a heartbeat from now on: while the door was closed nobody could be
/// heard, so silence is no sign of death. A host calls it when it opens a door that was closed; deadlines stay where they are.
///
/// # Errors
/// What the store says.
pub fn listen_again(
    config: &Config,
    catalogs: &mut Catalogs,
    sql: &mut dyn Sql,
    moment: Moment,
) -> Result<(), StoreError> {
    sql.transaction(&mut |sql| {
        let mut session = Session::new(config, catalogs, sql, moment, String::from("door"));
        let now_ms = session.now_ms()?;
        let mut held = Vec::new();
        session
            .sql
            .query(columns!("WHERE state IN (1, 2)"), &[], &mut |row| {
                held.push(attempt_of(row))
            })?;
        for attempt in &held {
            let (Some(run), Ok(task)) = (
                session.run(&attempt.name.run)?,
                TaskKey::parse(&attempt.task_key),
            ) else {
                continue;
            };
            let timeouts = session.timeouts(&run.manifest, &task)?;
            let patience_ms = match attempt.state {
                AttemptState::Leased => timeouts.start_ms,
                _ => timeouts.heartbeat_ms,
            };
            let due_ms = now_ms
                .saturating_add(patience_ms)
                .min(attempt.deadline_ms.unwrap_or(u64::MAX));
            let bound = BoundName::from(&attempt.name);
            session.sql.execute(
                "UPDATE attempt SET due_ms = max(due_ms, ?4) WHERE run = ?1 AND task = ?2 AND attempt = ?3 AND due_ms < ?4",
                &[bound.run.as_slice().into(), bound.task.as_slice().into(), bound.attempt.into(), due_ms.into()],
            )?;
        }
        Ok(Verdict::Keep)
    })
}

/// The next deadline, in the door's milliseconds since 1970.
///
/// # Errors
/// What the store says.
pub fn next_deadline_ms(sql: &mut dyn Sql) -> Result<Option<u64>, StoreError> {
    let due = first(
        sql,
        "SELECT min(due_ms) FROM (
            SELECT * FROM (SELECT due_ms FROM attempt WHERE state IN (1, 2) ORDER BY due_ms LIMIT 1)
            UNION ALL SELECT * FROM (SELECT due_ms FROM run WHERE due_ms IS NOT NULL ORDER BY due_ms LIMIT 1))",
        &[],
        |row| row.optional(0),
    )?;
    Ok(due.flatten())
}

/// A run that is older than it may get is cancelled, as if somebody had asked for it.
fn cancel_old(session: &mut Session<'_>, now_ms: u64) -> Result<u64, StoreError> {
    let mut old = Vec::new();
    session.sql.query(
        "SELECT run, due_ms - triggered_ms FROM run WHERE due_ms IS NOT NULL AND due_ms <= ?1 ORDER BY due_ms LIMIT ?2",
        &[now_ms.into(), MOST.into()],
        &mut |row| old.push((RunId::from_bytes(bytes_16(row.blob(0))), row.unsigned(1))),
    )?;
    for (run, timeout_ms) in &old {
        let reason = format!("run time-out: it did not end within {timeout_ms} ms");
        let event = RunCancelRequested {
            run: *run,
            reason: Some(reason),
        };
        session.append(&Event::RunCancelRequested(event), None)?;
    }
    Ok(old.len() as u64)
}

/// Whether the attempt's own time is over: then that ends it, and not the grace of a cancel that came shortly before.
fn is_spent(
    session: &mut Session<'_>,
    attempt: &Attempt,
    run: &RunRow,
    task: &TaskKey,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let started = match attempt.started_seq {
        Some(seq) => session.record(seq)?,
        None => None,
    };
    let whole_ms = session.timeouts(&run.manifest, task)?.attempt_ms;
    Ok(started.is_some_and(|started| started.at_ms.saturating_add(whole_ms) <= now_ms))
}

/// Closes an attempt, and says whether it did. Why it ends cannot be said without the row of its run: it is put off until a sweep has that
/// written again.
fn close(session: &mut Session<'_>, attempt: &Attempt, now_ms: u64) -> Result<bool, StoreError> {
    let Ok(task) = TaskKey::parse(&attempt.task_key) else {
        return Ok(false);
    };
    let run = session.run(&attempt.name.run)?;
    if run.is_none() && !attempt.is_look() {
        session.set_due(&attempt.name, now_ms.saturating_add(PUT_OFF_MS))?;
        return Ok(false);
    }
    let in_grace = match run.filter(|run| run.cancel_seq.is_some()) {
        Some(run) => !is_spent(session, attempt, &run, &task, now_ms)?,
        None => false,
    };
    let past_deadline = attempt
        .deadline_ms
        .is_some_and(|deadline| deadline <= now_ms);
    let reason = match attempt.state {
        AttemptState::Leased => ExpiryReason::Start,
        _ if in_grace && past_deadline => ExpiryReason::CancelGrace,
        _ if past_deadline => ExpiryReason::Deadline,
        _ => ExpiryReason::Heartbeat,
    };
    if attempt.is_look() {
        look::expire(session, attempt, reason)?;
        return Ok(true);
    }
    session.append(
        &Event::AttemptExpired(AttemptExpired {
            run: attempt.name.run,
            task,
            attempt: attempt.name.attempt,
            reason,
        }),
        None,
    )?;
    Ok(true)
}
