//! A lease hands an attempt to one worker; the most urgent goes first, and nothing of a cancelled run goes at all.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault, Reply, Then, Wait, WaitOn};
use crate::door::attempt::{Attempt, AttemptState, BoundName, attempt_of, columns};
use crate::door::callback;
use crate::door::http::Response;
use crate::door::index::RunRow;
use crate::door::inputs;
use crate::door::look;
use crate::door::session::Session;
use crate::door::sql::{StoreError, Value, first};
use crate::door::token::{self, TaskClaims};
use crate::identity::derived;
use crate::identity::keys::{Operation, TaskKey};
use crate::identity::spelling;
use crate::wire::body;
use crate::wire::envelope::{Envelope, LeaseAnswer, LeaseRequest, Payload};
use crate::wire::manifest::policy::Timeouts;
use crate::wire::problem::Problem;

/// The most envelopes of one lease.
pub const MOST_TASKS: u32 = 1_000;
/// The longest wait for work, in seconds.
pub const LONGEST_WAIT_S: u32 = 60;

/// `POST /v1/leases`
pub(crate) fn lease(session: &mut Session<'_>, _: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<LeaseRequest>(body, body::SMALL)?;
    check(&request)?;
    let now_ms = session.now_ms()?;
    let mut tasks = Vec::new();
    let looks_only = request.max == 0;
    if request.again {
        for attempt in leased_to(session, &request)? {
            let claim = match (request.start, attempt.state) {
                (true, AttemptState::Leased) => Claim::Start(&request.worker_id),
                _ => Claim::Held,
            };
            tasks.extend(give(session, attempt, claim, now_ms)?);
        }
    }
    let claim = if request.start {
        Claim::Start(&request.worker_id)
    } else {
        Claim::Lease(&request.worker_id)
    };
    for queue in &request.queues {
        let wanted = request.max - tasks.len() as u32;
        for row in look::due(session, queue, now_ms, wanted)? {
            if let Some(look) = look::take(session, &row, queue, &request.worker_id, now_ms)? {
                tasks.extend(give(session, look, claim, now_ms)?);
            }
        }
        let wanted = request.max - tasks.len() as u32;
        for attempt in leasable(session, queue, now_ms, wanted)? {
            tasks.extend(give(session, attempt, claim, now_ms)?);
        }
    }
    let is_answered = !tasks.is_empty() || (looks_only && has_work(session, &request, now_ms)?);
    let then = if !is_answered && request.wait_s > 0 {
        wait(session, &request, now_ms)?
    } else {
        Then::Send
    };
    let body = serde_json::to_vec(&LeaseAnswer { tasks }).unwrap_or_default();
    Ok(Reply {
        response: Response::json(200, body),
        then,
    })
}

fn check(request: &LeaseRequest) -> Result<(), Problem> {
    check_worker(&request.worker_id)?;
    if request.max > MOST_TASKS {
        return Err(Problem::validation(
            "/max",
            &format!("expected up to {MOST_TASKS}"),
        ));
    }
    if request.wait_s > LONGEST_WAIT_S {
        return Err(Problem::validation(
            "/waitS",
            &format!("expected up to {LONGEST_WAIT_S} seconds"),
        ));
    }
    if request.queues.is_empty() || request.queues.len() > 64 {
        return Err(Problem::validation("/queues", "expected 1 to 64 queues"));
    }
    Ok(())
}

/// Whether there is work that could be given now.
fn has_work(
    session: &mut Session<'_>,
    request: &LeaseRequest,
    now_ms: u64,
) -> Result<bool, StoreError> {
    for queue in &request.queues {
        if !leasable(session, queue, now_ms, 1)?.is_empty()
            || !look::due(session, queue, now_ms, 1)?.is_empty()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A worker's name goes into records, logs and screens, so it has no characters that could disguise it.
///
/// # Errors
/// `validation-failed` (422).
pub fn check_worker(worker: &str) -> Result<(), Problem> {
    let fits = (1..=128).contains(&worker.len())
        && worker
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:@/".contains(&byte));
    if fits {
        Ok(())
    } else {
        Err(Problem::validation(
            "/workerId",
            "expected 1 to 128 letters, digits or `-_.:@/`",
        ))
    }
}

/// How a worker gets what it is given.
#[derive(Clone, Copy)]
enum Claim<'a> {
    /// It has it already.
    Held,
    /// It takes it, and will say when it starts.
    Lease(&'a str),
    /// It has started it when the answer leaves.
    Start(&'a str),
}

/// What a worker has leased and not started, the soonest to end first; of one that starts what it leases, also what it has
/// started. The time to start goes on: a worker that begins again and again without starting anything loses it.
fn leased_to(
    session: &mut Session<'_>,
    request: &LeaseRequest,
) -> Result<Vec<Attempt>, StoreError> {
    let mut found = Vec::new();
    for queue in &request.queues {
        let left = u64::from(request.max).saturating_sub(found.len() as u64);
        session.sql.query(
            // The first condition is that of the index, word for word; SQLite takes no other for it.
            columns!("WHERE state IN (1, 2) AND state <= ?4 AND worker = ?1 AND queue = ?2 ORDER BY due_ms LIMIT ?3"),
            &[
                request.worker_id.as_str().into(),
                queue.as_str().into(),
                left.into(),
                (1 + u32::from(request.start)).into(),
            ],
            &mut |row| found.push(attempt_of(row)),
        )?;
    }
    Ok(found)
}

/// The most urgent attempts of a queue: by rank, then by age. Every step is a seek in the index.
fn leasable(
    session: &mut Session<'_>,
    queue: &str,
    now_ms: u64,
    wanted: u32,
) -> Result<Vec<Attempt>, StoreError> {
    let mut found = Vec::new();
    let mut rank = i64::MIN;
    while (found.len() as u64) < u64::from(wanted) {
        let Some(next) = next_rank(session, queue, rank)? else {
            break;
        };
        let left = u64::from(wanted) - found.len() as u64;
        session.sql.query(
            columns!("WHERE state = 0 AND queue = ?1 AND rank = ?2 AND due_ms <= ?3 ORDER BY due_ms, requested_seq LIMIT ?4"),
            &[queue.into(), Value::Integer(next), now_ms.into(), left.into()],
            &mut |row| found.push(attempt_of(row)),
        )?;
        if next == i64::MAX {
            break;
        }
        rank = next + 1;
    }
    Ok(found)
}

fn next_rank(session: &mut Session<'_>, queue: &str, from: i64) -> Result<Option<i64>, StoreError> {
    first(
        session.sql,
        "SELECT rank FROM attempt WHERE state = 0 AND queue = ?1 AND rank >= ?2 ORDER BY rank LIMIT 1",
        &[queue.into(), Value::Integer(from)],
        |row| row.integer(0),
    )
}

/// Waits for work, and asks again when the next retry of these queues is due.
fn wait(
    session: &mut Session<'_>,
    request: &LeaseRequest,
    now_ms: u64,
) -> Result<Then, StoreError> {
    let mut soonest: Option<u64> = None;
    for queue in &request.queues {
        let mut rank = i64::MIN;
        while let Some(next) = next_rank(session, queue, rank)? {
            let due = first(
                session.sql,
                "SELECT due_ms FROM attempt WHERE state = 0 AND queue = ?1 AND rank = ?2 AND due_ms > ?3 ORDER BY due_ms LIMIT 1",
                &[queue.as_str().into(), Value::Integer(next), now_ms.into()],
                |row| row.unsigned(0),
            )?;
            soonest = [soonest, due].into_iter().flatten().min();
            if next == i64::MAX {
                break;
            }
            rank = next + 1;
        }
        let looks = look::next_due_ms(session, queue, now_ms)?;
        soonest = [soonest, looks].into_iter().flatten().min();
    }
    // While the door's time stands still, what is due is as far away as the clock of the machine says.
    let again_ms = soonest.map(|due| due.saturating_sub(session.moment.now_ms));
    Ok(Then::Wait(Wait {
        on: WaitOn::Work(request.queues.clone()),
        give_up_ms: u64::from(request.wait_s) * 1_000,
        again_ms,
    }))
}

/// The envelope of an attempt, which becomes the worker's. `None` when the attempt's manifest cannot be read, and then it
/// stays where it is.
fn give(
    session: &mut Session<'_>,
    mut attempt: Attempt,
    claim: Claim<'_>,
    now_ms: u64,
) -> Result<Option<Envelope>, Fault> {
    if attempt.is_look() {
        if let Claim::Start(worker) = claim {
            let Some(run) = look::stand_in(session, &attempt)? else {
                return Ok(None);
            };
            start(session, &mut attempt, &run, worker, now_ms)?;
        }
        return look::give(session, &attempt, now_ms);
    }
    let Some(run) = session.run(&attempt.name.run)? else {
        return Ok(None);
    };
    let Ok(task_key) = TaskKey::parse(&attempt.task_key) else {
        return Ok(None);
    };
    let Some(catalog) = session.catalog(&run.manifest)? else {
        return Ok(None);
    };
    let asset_key = task_key.asset();
    let Some(asset) = catalog.find(&asset_key) else {
        return Ok(None);
    };
    let spec = catalog.asset(asset);
    let command = match (task_key.operation(), &spec.check) {
        (Operation::Check, Some(check)) => check.run.clone(),
        _ => spec.run.clone(),
    };
    let timeouts = spec.timeouts;
    match claim {
        Claim::Held => {}
        Claim::Lease(worker) => {
            let start_by_ms = now_ms.saturating_add(timeouts.start_ms);
            take(session, &attempt, worker, start_by_ms)?;
        }
        Claim::Start(worker) => start(session, &mut attempt, &run, worker, now_ms)?,
    }
    let (inputs, inputs_truncated) =
        inputs::of_envelope(session, &run, &catalog, &task_key, attempt.requested_seq)?;
    let payload = Payload {
        run: command,
        inputs,
        inputs_truncated,
        look: None,
    };
    envelope(session, &attempt, task_key, &timeouts, payload, now_ms).map(Some)
}

/// Begins an attempt for a worker: on its word, as if it had sent `started`.
fn start(
    session: &mut Session<'_>,
    attempt: &mut Attempt,
    run: &RunRow,
    worker: &str,
    now_ms: u64,
) -> Result<(), Fault> {
    let Ok(task) = TaskKey::parse(&attempt.task_key) else {
        return Ok(());
    };
    let (_, deadline_ms) = callback::begin(session, attempt, run, task, worker, now_ms)?;
    attempt.deadline_ms = Some(deadline_ms);
    Ok(())
}

fn take(
    session: &mut Session<'_>,
    attempt: &Attempt,
    worker: &str,
    start_by_ms: u64,
) -> Result<(), StoreError> {
    let bound = BoundName::from(&attempt.name);
    session.wake.deadline = true;
    session.sql.execute(
        "UPDATE attempt SET state = 1, worker = ?4, due_ms = ?5 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
        &[bound.run.as_slice().into(), bound.task.as_slice().into(), bound.attempt.into(), worker.into(), start_by_ms.into()],
    )?;
    Ok(())
}

pub(crate) fn envelope(
    session: &mut Session<'_>,
    attempt: &Attempt,
    task_key: TaskKey,
    timeouts: &Timeouts,
    payload: Payload,
    now_ms: u64,
) -> Result<Envelope, Fault> {
    let scope = session.config.scope.clone();
    let name = attempt.name;
    // A worker that starts at the last moment has the whole time of the attempt after that.
    let deadline = attempt.deadline_ms.unwrap_or_else(|| {
        now_ms
            .saturating_add(timeouts.start_ms)
            .saturating_add(timeouts.attempt_ms)
    });
    let (task_token, token_expires_at) =
        mint(session, attempt, &task_key, timeouts, deadline, now_ms)?;
    Ok(Envelope {
        tenant_id: scope.tenant,
        workspace_id: scope.workspace,
        run_id: name.run,
        task_id: name.task,
        asset_key: task_key.asset(),
        partition_key: task_key.partition(),
        attempt: name.attempt,
        attempt_id: derived::attempt_id(&name.run, &task_key, name.attempt),
        dispatch_id: derived::dispatch_id(&name.run, &task_key, name.attempt).unwrap_or_default(),
        heartbeat_interval_ms: (timeouts.heartbeat_ms / 3).max(1),
        heartbeat_timeout_ms: timeouts.heartbeat_ms,
        deadline,
        callback_base_url: session.config.base_url.clone(),
        task_token,
        token_expires_at,
        traceparent: traceparent(attempt),
        payload,
        task_key,
    })
}

/// A token for an attempt.
///
/// # Errors
/// A store failure when no key signs: the door is not configured.
pub(crate) fn mint(
    session: &mut Session<'_>,
    attempt: &Attempt,
    task_key: &TaskKey,
    timeouts: &Timeouts,
    deadline: u64,
    now_ms: u64,
) -> Result<(String, u64), Fault> {
    let scope = session.config.scope.clone();
    let name = attempt.name;
    let claims = TaskClaims {
        iss: session.config.issuer.clone(),
        aud: session.config.audience.clone(),
        sub: name.task,
        tid: scope.tenant,
        wid: scope.workspace,
        run: name.run,
        att: name.attempt,
        aid: derived::attempt_id(&name.run, task_key, name.attempt),
        dl: deadline,
        ver: 1,
    };
    let life = token::life_ms(
        timeouts.heartbeat_ms,
        now_ms,
        deadline,
        timeouts.cancel_grace_ms,
    );
    let minted = token::mint(&session.config.token_keys, claims, now_ms, life);
    minted.ok_or_else(|| Fault::Store(StoreError::new("no token key is active".to_string())))
}

/// W3C Trace Context: the trace is the run, the span is the attempt, both by their random parts.
fn traceparent(attempt: &Attempt) -> String {
    let task = attempt.name.task.to_bytes();
    let mut span = [0; 8];
    span.copy_from_slice(&task[8..]);
    if let (Some(last), [low, ..]) = (span.last_mut(), attempt.name.attempt.to_le_bytes()) {
        *last ^= low;
    }
    format!(
        "00-{}-{}-01",
        spelling::hex(&attempt.name.run.to_bytes()),
        spelling::hex(&span)
    )
}
