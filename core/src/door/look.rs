//! A look of a poll sensor is an attempt that no record asked for: it is leased, kept alive and closed like any other.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::door::answer::Fault;
use crate::door::attempt::{Attempt, AttemptName, AttemptState, BoundName};
use crate::door::index::RunRow;
use crate::door::lease;
use crate::door::sensor::{self, Report, Standing, sensor_columns, standing_of};
use crate::door::session::Session;
use crate::door::sql::{StoreError, Value, first};
use crate::identity::digest::{Part, digest};
use crate::identity::ids::RunId;
use crate::identity::keys::{AssetKey, TaskKey};
use crate::run::fold::category_name;
use crate::wire::callback::{Completed, Outcome};
use crate::wire::envelope::{Envelope, Payload};
use crate::wire::event::{ErrorCategory, ExpiryReason};
use crate::wire::manifest::policy::Timeouts;
use crate::wire::problem::{Problem, Slug};
use crate::wire::sensor::{Look, SensorFindings};

/// The namespace that the tasks of looks have.
const NAMESPACE: &str = "sensor/";

/// The task of a sensor's looks; absent for a name that no poll sensor can have.
fn task_of(name: &str) -> Option<TaskKey> {
    TaskKey::parse(&format!("{NAMESPACE}{name}:check")).ok()
}

/// What stands where the run of an attempt stands: the same for all looks of a sensor, so that a later look supersedes an earlier one.
fn run_of(name: &str) -> RunId {
    let mut random = [0; 10];
    let named = digest("arcoflow/sensor/v1", &[Part::Text(name)]).to_bytes();
    random.copy_from_slice(&named[..10]);
    RunId::from_parts(0, random).unwrap_or(RunId::from_bytes([0; 16]))
}

/// Whether a run is what stands where that of a look would: no run is as old. Looks are where the sensors are, in the first ledger.
pub(crate) fn stands_in(run: &RunId) -> bool {
    run.timestamp_ms() == 0
}

/// The sensor of a task.
fn sensor_of(asset: &AssetKey) -> Option<&str> {
    asset.as_str().strip_prefix(NAMESPACE)
}

impl Attempt {
    /// Whether this is a look.
    #[must_use]
    pub fn is_look(&self) -> bool {
        self.requested_seq == 0
    }
}

/// Whether a worker looks.
pub(crate) fn is_open(session: &mut Session<'_>, name: &str) -> Result<bool, StoreError> {
    let Some(task) = task_of(name) else {
        return Ok(false);
    };
    let name = AttemptName::new(run_of(name), &task, 0);
    let newest = session.newest_attempt(&name.run, &name.task)?;
    Ok(newest.is_some_and(|attempt| !attempt.state.is_closed()))
}

/// The sensors of a queue that a worker may be sent to.
pub(crate) fn due(
    session: &mut Session<'_>,
    queue: &str,
    now_ms: u64,
    wanted: u32,
) -> Result<Vec<Standing>, StoreError> {
    let mut found = Vec::new();
    session.sql.query(
        sensor_columns!("AND queue = ?1 AND due_ms <= ?2 ORDER BY due_ms LIMIT ?3"),
        &[queue.into(), now_ms.into(), wanted.into()],
        &mut |row| found.push(standing_of(row)),
    )?;
    Ok(found)
}

/// When the next sensor of a queue will be due, in the door's milliseconds since 1970.
pub(crate) fn next_due_ms(
    session: &mut Session<'_>,
    queue: &str,
    now_ms: u64,
) -> Result<Option<u64>, StoreError> {
    first(
        session.sql,
        "SELECT due_ms FROM sensor WHERE queue = ?1 AND due_ms > ?2 ORDER BY due_ms LIMIT 1",
        &[queue.into(), now_ms.into()],
        |row| row.unsigned(0),
    )
}

/// Sends a worker to look.
pub(crate) fn take(
    session: &mut Session<'_>,
    row: &Standing,
    queue: &str,
    worker: &str,
    now_ms: u64,
) -> Result<Option<Attempt>, StoreError> {
    let Some(sensor) = sensor::declared(session, &row.manifest, &row.name)? else {
        return Ok(None);
    };
    let Some(task_key) = task_of(&row.name) else {
        return Ok(None);
    };
    let number = u32::try_from(row.reports + 1).unwrap_or(u32::MAX);
    let name = AttemptName::new(run_of(&row.name), &task_key, number);
    let start_by_ms = now_ms.saturating_add(sensor.timeouts().start_ms);
    let bound = BoundName::from(&name);
    // The last look is remembered, so that its worker can be told that it is over; those before are not.
    session.sql.execute(
        "DELETE FROM attempt WHERE run = ?1 AND task = ?2 AND attempt + 1 < ?3",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
        ],
    )?;
    session.wake.deadline = true;
    session.sql.execute(
        "INSERT OR REPLACE INTO attempt (run, task, attempt, task_key, state, queue, rank, due_ms, worker, requested_seq) VALUES (?1, ?2, ?3, ?4, 1, ?5, 0, ?6, ?7, 0)",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
            task_key.as_str().into(),
            queue.into(),
            start_by_ms.into(),
            worker.into(),
        ],
    )?;
    sensor::put_due(session, &sensor, None)?;
    session.attempt(&name)
}

/// The envelope of a look. `None` when its sensor is not declared any more.
pub(crate) fn give(
    session: &mut Session<'_>,
    attempt: &Attempt,
    now_ms: u64,
) -> Result<Option<Envelope>, Fault> {
    let Ok(task_key) = TaskKey::parse(&attempt.task_key) else {
        return Ok(None);
    };
    let asset = task_key.asset();
    let name = sensor_of(&asset).unwrap_or_default();
    let Some(row) = sensor::standing(session, name)? else {
        return Ok(None);
    };
    let Some(sensor) = sensor::declared(session, &row.manifest, name)? else {
        return Ok(None);
    };
    let timeouts = sensor.timeouts();
    let Some(run) = sensor.run else {
        return Ok(None);
    };
    let payload = Payload {
        run,
        inputs: Vec::new(),
        inputs_truncated: false,
        look: Some(Look {
            sensor: row.name,
            cursor: row.cursor,
        }),
    };
    lease::envelope(session, attempt, task_key, &timeouts, payload, now_ms).map(Some)
}

/// What the callbacks of a look find where an attempt's run is. Absent for what is no look.
pub(crate) fn stand_in(
    session: &mut Session<'_>,
    attempt: &Attempt,
) -> Result<Option<RunRow>, StoreError> {
    let task = TaskKey::parse(&attempt.task_key).ok();
    let Some(asset) = task.filter(|_| attempt.is_look()).map(|task| task.asset()) else {
        return Ok(None);
    };
    let name = sensor_of(&asset).unwrap_or_default();
    let row = sensor::standing(session, name)?;
    Ok(row.map(|row| RunRow {
        run: attempt.name.run,
        manifest: row.manifest,
        triggered_seq: 0,
        triggered_ms: 0,
        tasks: None,
        run_key: None,
        planned_seq: None,
        cancel_seq: None,
        finished_seq: None,
        finished_ms: None,
        due_ms: None,
        outcome: None,
    }))
}

/// The timeouts of a look.
pub(crate) fn timeouts(
    session: &mut Session<'_>,
    manifest: &crate::identity::digest::Sha256Digest,
    task: &TaskKey,
) -> Result<Option<Timeouts>, StoreError> {
    let asset = task.asset();
    let Some(name) = sensor_of(&asset) else {
        return Ok(None);
    };
    let sensor = sensor::declared(session, manifest, name)?;
    Ok(sensor.map(|sensor| sensor.timeouts()))
}

/// A worker begins to look. There is no record of it: what counts is what it finds.
pub(crate) fn start(
    session: &mut Session<'_>,
    attempt: &Attempt,
    worker: &str,
    timeouts: &Timeouts,
    now_ms: u64,
) -> Result<(), StoreError> {
    let deadline_ms = now_ms.saturating_add(timeouts.attempt_ms);
    let due_ms = now_ms
        .saturating_add(timeouts.heartbeat_ms)
        .min(deadline_ms);
    let bound = BoundName::from(&attempt.name);
    session.wake.deadline = true;
    session.sql.execute(
        "UPDATE attempt SET state = 2, worker = ?4, due_ms = ?5, deadline_ms = ?6 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
            worker.into(),
            due_ms.into(),
            deadline_ms.into(),
        ],
    )?;
    Ok(())
}

/// A worker says what it found; the answer is the record that keeps it.
pub(crate) fn complete(
    session: &mut Session<'_>,
    attempt: &Attempt,
    request: Completed,
) -> Result<u64, Fault> {
    let (state, findings) = match request.outcome {
        Outcome::Succeeded => (
            AttemptState::Succeeded,
            request.findings.unwrap_or_default(),
        ),
        Outcome::Failed => {
            let category = request
                .error
                .as_ref()
                .map_or(ErrorCategory::UserCode, |error| error.category);
            let message = request.error.map(|error| error.message).unwrap_or_default();
            let reason = format!("the look failed: {}: {message}", category_name(category));
            (AttemptState::Failed, nothing(reason))
        }
        Outcome::Cancelled => {
            let reason = "the look was stopped".to_string();
            (AttemptState::Cancelled, nothing(reason))
        }
    };
    sensor::check(&findings)?;
    close(session, attempt, state, findings)
}

/// Closes a look whose deadline passed.
pub(crate) fn expire(
    session: &mut Session<'_>,
    attempt: &Attempt,
    reason: ExpiryReason,
) -> Result<(), StoreError> {
    let why = match reason {
        ExpiryReason::Start => "no worker started it in time after the lease",
        ExpiryReason::Heartbeat => "its worker fell silent",
        ExpiryReason::Deadline | ExpiryReason::CancelGrace => "it took longer than it may",
    };
    let findings = nothing(format!("the look was closed: {why}"));
    match close(session, attempt, AttemptState::Expired, findings) {
        Ok(_) => Ok(()),
        Err(Fault::Store(error)) => Err(error),
        // The sensor is not declared any more: there is nobody to report to.
        Err(Fault::Refused(_)) => shut(session, attempt, AttemptState::Expired, 0),
    }
}

fn nothing(reason: String) -> SensorFindings {
    SensorFindings {
        reason: Some(reason),
        ..SensorFindings::default()
    }
}

fn close(
    session: &mut Session<'_>,
    attempt: &Attempt,
    state: AttemptState,
    findings: SensorFindings,
) -> Result<u64, Fault> {
    let gone = || Problem::new(Slug::TaskNotFound, "the sensor is not declared any more");
    let task = TaskKey::parse(&attempt.task_key).map_err(|_| gone())?;
    let asset = task.asset();
    let name = sensor_of(&asset).unwrap_or_default();
    let row = sensor::standing(session, name)?.ok_or_else(gone)?;
    let sensor = sensor::declared(session, &row.manifest, name)?.ok_or_else(gone)?;
    // Closed before the report is kept, so that the sensor is due again from then on.
    shut(session, attempt, state, 0)?;
    let said = Report {
        message: None,
        findings,
    };
    let answer = sensor::report(session, &row, &sensor, said)?;
    shut(session, attempt, state, answer.seq)?;
    Ok(answer.seq)
}

fn shut(
    session: &mut Session<'_>,
    attempt: &Attempt,
    state: AttemptState,
    seq: u64,
) -> Result<(), StoreError> {
    let bound = BoundName::from(&attempt.name);
    session.sql.execute(
        "UPDATE attempt SET state = ?4, closed_seq = ?5 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
            Value::Integer(state as i64),
            seq.into(),
        ],
    )?;
    Ok(())
}
