//! A callback is believed only from the worker that holds the attempt, and only once: a repetition gets the answer that was given.

use alloc::format;
use alloc::string::{String, ToString};

use serde_json::json;

use crate::door::admit::{Admitted, Caller, scope_mismatch};
use crate::door::answer::{Answered, Fault};
use crate::door::attempt::{Attempt, AttemptName, AttemptState, BoundName};
use crate::door::http::Response;
use crate::door::index::RunRow;
use crate::door::inputs;
use crate::door::lease::{check_worker, mint};
use crate::door::look;
use crate::door::session::Session;
use crate::door::token::Verified;
use crate::identity::ids::AttemptId;
use crate::identity::keys::{Operation, TaskKey};
use crate::wire::body;
use crate::wire::callback::{
    CallbackAnswer, Completed, Heartbeat, HeartbeatAnswer, Outcome, RenewAnswer, Started,
};
use crate::wire::event::{
    AttemptFinished, AttemptOutcome, AttemptStarted, Event, Output, TaskError,
};
use crate::wire::problem::{Problem, Slug};
use crate::wire::shard::Basis;

/// The longest error message that is kept, in bytes.
const LONGEST_MESSAGE: usize = 8 * 1_024;
/// The most bytes of unknown members that are kept.
const MOST_EXTRA: usize = 16 * 1_024;

/// An attempt that a token speaks for, with what is known around it.
struct Held {
    attempt: Attempt,
    newest: u32,
    task: TaskKey,
}

/// `POST /v1/tasks/{taskId}/started`
pub(crate) fn started(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<Started>(body, body::SMALL)?;
    check_worker(&request.worker_id)?;
    let held = hold(session, admitted, request.attempt, request.attempt_id)?;
    let attempt = &held.attempt;
    let own = attempt.worker.as_deref() == Some(request.worker_id.as_str());
    if attempt.is_look() && own && attempt.state == AttemptState::Running {
        let (seq, deadline) = (session.end()?.seq, attempt.deadline_ms);
        return Ok(accepted(session, seq, deadline)?
            .header("idempotent-replayed", "true")
            .into());
    }
    if let (Some(seq), true) = (
        attempt.started_seq,
        own && attempt.state == AttemptState::Running,
    ) {
        let at_ms = session.record(seq)?.map(|record| record.at_ms);
        let deadline = deadline_from(session, &held, at_ms)?;
        return Ok(accepted(session, seq, deadline)?
            .header("idempotent-replayed", "true")
            .into());
    }
    held.refuse_superseded()?;
    if attempt.state.is_closed() {
        return Err(Fault::Refused(refusal(
            Slug::TaskAlreadyTerminal,
            "the attempt is closed",
            attempt,
        )));
    }
    if attempt.state == AttemptState::Running {
        return Err(Fault::Refused(refusal(
            Slug::AttemptClaimed,
            "another worker has started this attempt",
            attempt,
        )));
    }
    let now_ms = session.now_ms()?;
    let (task, worker) = (held.task.clone(), request.worker_id.as_str());
    let run = held.run(session)?;
    let (seq, deadline) = begin(session, attempt, &run, task, worker, now_ms)?;
    Ok(accepted(session, seq, Some(deadline))?.into())
}

/// Starts an attempt that nobody has started, on the word of its worker. The answer is the record of it, or for a look the end
/// of the ledger, and when the attempt is closed whatever it does.
pub(crate) fn begin(
    session: &mut Session<'_>,
    attempt: &Attempt,
    run: &RunRow,
    task: TaskKey,
    worker: &str,
    now_ms: u64,
) -> Result<(u64, u64), Fault> {
    session.act_as(format!("worker:{worker}"));
    let timeouts = session.timeouts(&run.manifest, &task)?;
    if attempt.is_look() {
        look::start(session, attempt, worker, &timeouts, now_ms)?;
        let seq = session.end()?.seq;
        return Ok((seq, now_ms.saturating_add(timeouts.attempt_ms)));
    }
    let event = AttemptStarted {
        run: run.run,
        task,
        attempt: attempt.name.attempt,
        worker: worker.to_string(),
    };
    let record = session.append(&Event::AttemptStarted(event), None)?;
    Ok((record.seq, record.at_ms.saturating_add(timeouts.attempt_ms)))
}

/// `POST /v1/tasks/{taskId}/heartbeat`
pub(crate) fn heartbeat(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<Heartbeat>(body, body::SMALL)?;
    if request.progress_pct.is_some_and(|progress| progress > 100) {
        return Err(Fault::Refused(Problem::validation(
            "/progressPct",
            "expected 0 to 100",
        )));
    }
    let held = hold_open(session, admitted, &request)?;
    let now_ms = session.now_ms()?;
    let run = held.run(session)?;
    let timeouts = session.timeouts(&run.manifest, &held.task)?;
    if held.attempt.state == AttemptState::Running {
        // A heartbeat that arrives late moves nothing back, and none moves past the deadline.
        let silent_ms = now_ms
            .saturating_add(timeouts.heartbeat_ms)
            .min(held.attempt.deadline_ms.unwrap_or(u64::MAX));
        let bound = BoundName::from(&held.attempt.name);
        session.sql.execute(
            "UPDATE attempt SET due_ms = max(due_ms, ?4) WHERE run = ?1 AND task = ?2 AND attempt = ?3 AND due_ms < ?4",
            &[bound.run.as_slice().into(), bound.task.as_slice().into(), bound.attempt.into(), silent_ms.into()],
        )?;
    }
    let fresh = match token_of(admitted) {
        Some(token) if now_ms > token.issued_ms + (token.expires_ms - token.issued_ms) / 2 => {
            Some(mint(
                session,
                &held.attempt,
                &held.task,
                &timeouts,
                deadline_of(&held.attempt, now_ms),
                now_ms,
            )?)
        }
        _ => None,
    };
    let answer = HeartbeatAnswer {
        should_cancel: run.cancel_seq.is_some(),
        cancel_reason: cancel_reason(session, &run)?,
        task_token: fresh.as_ref().map(|(token, _)| token.clone()),
        token_expires_at: fresh.map(|(_, expires)| expires),
        server_time: now_ms,
    };
    Ok(Response::json(200, serde_json::to_vec(&answer).unwrap_or_default()).into())
}

/// `POST /v1/tasks/{taskId}/renew`
pub(crate) fn renew(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<Heartbeat>(body, body::SMALL)?;
    let held = hold_open(session, admitted, &request)?;
    let now_ms = session.now_ms()?;
    let run = held.run(session)?;
    let timeouts = session.timeouts(&run.manifest, &held.task)?;
    let (task_token, token_expires_at) = mint(
        session,
        &held.attempt,
        &held.task,
        &timeouts,
        deadline_of(&held.attempt, now_ms),
        now_ms,
    )?;
    let answer = RenewAnswer {
        task_token,
        token_expires_at,
        server_time: now_ms,
    };
    Ok(Response::json(200, serde_json::to_vec(&answer).unwrap_or_default()).into())
}

/// `POST /v1/tasks/{taskId}/completed`
pub(crate) fn completed(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<Completed>(body, body::SMALL)?;
    check_worker(&request.worker_id)?;
    if request.outcome == Outcome::Succeeded && request.error.is_some() {
        return Err(Fault::Refused(Problem::validation(
            "/error",
            "a success has no error",
        )));
    }
    let held = hold(session, admitted, request.attempt, request.attempt_id)?;
    let worker = request.worker_id.clone();
    if held.attempt.is_look() {
        return looked(session, &held, request);
    }
    let fact = fact(&held, request);
    if held.attempt.state.is_closed() {
        return repeated(session, &held, &fact);
    }
    held.refuse_superseded()?;
    let claimed = held.attempt.state == AttemptState::Running
        && held.attempt.worker.as_deref() != Some(worker.as_str());
    if claimed {
        return Err(Fault::Refused(refusal(
            Slug::AttemptClaimed,
            "another worker has started this attempt",
            &held.attempt,
        )));
    }
    let replaces = match (fact.outcome, held.task.operation()) {
        (AttemptOutcome::Succeeded, Operation::Materialize) => {
            inputs::newest(session, &held.task.asset(), held.task.partition().as_ref())?
        }
        _ => None,
    };
    session.act_as(format!("worker:{worker}"));
    let basis = held.attempt.heard_seq.map(|heard| Basis {
        asked: held.attempt.requested_seq,
        heard,
    });
    let made = AttemptFinished {
        replaces,
        basis,
        ..fact
    };
    let record = session.append(&Event::AttemptFinished(made), None)?;
    Ok(accepted(session, record.seq, None)?.into())
}

/// The end of a look. A look ends once: whoever held it and says so again gets the answer that was given.
fn looked(session: &mut Session<'_>, held: &Held, request: Completed) -> Answered {
    let own = held.attempt.worker.as_deref() == Some(request.worker_id.as_str());
    match held.attempt.closed_seq {
        Some(seq) if own && seq > 0 && held.attempt.state != AttemptState::Expired => {
            return Ok(accepted(session, seq, None)?
                .header("idempotent-replayed", "true")
                .into());
        }
        Some(_) => {
            held.refuse_superseded()?;
            let refused = refusal(
                Slug::TaskAlreadyTerminal,
                "the look is closed",
                &held.attempt,
            );
            return Err(Fault::Refused(refused));
        }
        None => held.refuse_superseded()?,
    }
    if held.attempt.state == AttemptState::Running && !own {
        return Err(Fault::Refused(refusal(
            Slug::AttemptClaimed,
            "another worker has started this attempt",
            &held.attempt,
        )));
    }
    session.act_as(format!("worker:{}", request.worker_id));
    let seq = look::complete(session, &held.attempt, request)?;
    Ok(accepted(session, seq, None)?.into())
}

/// What a completion says, as it would stand in the ledger.
fn fact(held: &Held, request: Completed) -> AttemptFinished {
    let extra_fits =
        serde_json::to_vec(&request.extra).is_ok_and(|bytes| bytes.len() <= MOST_EXTRA);
    AttemptFinished {
        run: held.attempt.name.run,
        task: held.task.clone(),
        attempt: held.attempt.name.attempt,
        outcome: match request.outcome {
            Outcome::Succeeded => AttemptOutcome::Succeeded,
            Outcome::Failed => AttemptOutcome::Failed,
            Outcome::Cancelled => AttemptOutcome::Cancelled,
        },
        error: request.error.map(cut),
        output: request.output.filter(|output| *output != Output::default()),
        replaces: None,
        basis: None,
        extra: if extra_fits {
            request.extra
        } else {
            serde_json::Map::new()
        },
    }
}

fn cut(mut error: TaskError) -> TaskError {
    if error.message.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE)
            .rev()
            .find(|end| error.message.is_char_boundary(*end))
            .unwrap_or(0);
        error.message.truncate(end);
        error.truncated = true;
    }
    error
}

/// A completion of a closed attempt: the same one gets the answer that was given, another one is told what stands.
fn repeated(session: &mut Session<'_>, held: &Held, fact: &AttemptFinished) -> Answered {
    let record = match held.attempt.closed_seq {
        Some(seq) => session.record(seq)?,
        None => None,
    };
    let recorded = record.and_then(|record| match record.event() {
        Some(Event::AttemptFinished(body)) => Some((record.seq, body)),
        _ => None,
    });
    if let Some((seq, recorded)) = recorded {
        if recorded.as_reported() == *fact {
            return Ok(accepted(session, seq, None)?
                .header("idempotent-replayed", "true")
                .into());
        }
        held.refuse_superseded()?;
        let problem = refusal(
            Slug::CompletionConflict,
            "the attempt was completed with another outcome or output before",
            &held.attempt,
        );
        return Err(Fault::Refused(
            problem.with("recordedOutcome", json!(recorded.outcome)),
        ));
    }
    held.refuse_superseded()?;
    Err(Fault::Refused(refusal(
        Slug::TaskAlreadyTerminal,
        "the attempt is closed",
        &held.attempt,
    )))
}

fn missing() -> Fault {
    Fault::Refused(Problem::new(Slug::TaskNotFound, "no such attempt"))
}

/// The attempt of the token, when the body speaks of the same one.
fn hold(
    session: &mut Session<'_>,
    admitted: &Admitted,
    attempt: u32,
    attempt_id: Option<AttemptId>,
) -> Result<Held, Fault> {
    let Some(token) = token_of(admitted) else {
        return Err(Fault::Refused(scope_mismatch()));
    };
    let claims = &token.claims;
    if attempt == 0 {
        return Err(Fault::Refused(Problem::validation(
            "/attempt",
            "attempts count from 1",
        )));
    }
    if attempt != claims.att || attempt_id.is_some_and(|id| id != claims.aid) {
        return Err(Fault::Refused(scope_mismatch()));
    }
    let newest = session
        .newest_attempt(&claims.run, &claims.sub)?
        .ok_or_else(missing)?;
    let newest_number = newest.name.attempt;
    let attempt = if newest_number == claims.att {
        newest
    } else {
        session
            .attempt(&AttemptName {
                run: claims.run,
                task: claims.sub,
                attempt: claims.att,
            })?
            .ok_or_else(missing)?
    };
    let task = TaskKey::parse(&attempt.task_key).map_err(|_| missing())?;
    Ok(Held {
        attempt,
        newest: newest_number,
        task,
    })
}

/// The attempt of the token, when it is open and this worker's.
fn hold_open(
    session: &mut Session<'_>,
    admitted: &Admitted,
    request: &Heartbeat,
) -> Result<Held, Fault> {
    check_worker(&request.worker_id)?;
    let held = hold(session, admitted, request.attempt, request.attempt_id)?;
    held.refuse_superseded()?;
    if held.attempt.state.is_closed() {
        return Err(Fault::Refused(refusal(
            Slug::TaskNotActive,
            "the attempt is closed",
            &held.attempt,
        )));
    }
    if held.attempt.state == AttemptState::Running
        && held.attempt.worker.as_deref() != Some(request.worker_id.as_str())
    {
        return Err(Fault::Refused(refusal(
            Slug::AttemptClaimed,
            "another worker has started this attempt",
            &held.attempt,
        )));
    }
    Ok(held)
}

impl Held {
    /// The run of the attempt; for a look, which no run asked for, what stands for one. The end of an attempt does not ask for it.
    fn run(&self, session: &mut Session<'_>) -> Result<RunRow, Fault> {
        let run = match session.run(&self.attempt.name.run)? {
            Some(run) => Some(run),
            None => look::stand_in(session, &self.attempt)?,
        };
        run.ok_or_else(missing)
    }

    fn refuse_superseded(&self) -> Result<(), Fault> {
        if self.newest <= self.attempt.name.attempt {
            return Ok(());
        }
        let problem = refusal(
            Slug::AttemptSuperseded,
            "a later attempt of the task exists",
            &self.attempt,
        );
        Err(Fault::Refused(
            problem
                .with("expectedAttempt", self.newest)
                .with("receivedAttempt", self.attempt.name.attempt),
        ))
    }
}

/// A refusal with the members that workers of the older contract read.
fn refusal(slug: Slug, sentence: &str, attempt: &Attempt) -> Problem {
    Problem::new(slug, sentence)
        .with("error", slug.as_str().replace('-', "_"))
        .with("message", sentence)
        .with("state", attempt.state.as_str())
}

fn token_of(admitted: &Admitted) -> Option<&Verified> {
    match &admitted.caller {
        Caller::Task(token) => Some(token),
        _ => None,
    }
}

/// When an attempt is closed whatever it does; one that has not started has no end yet.
fn deadline_of(attempt: &Attempt, now_ms: u64) -> u64 {
    attempt
        .deadline_ms
        .unwrap_or(now_ms.saturating_add(900_000))
}

/// When an attempt that began at a time is closed whatever it does. It follows from the record, so a repetition is answered alike.
fn deadline_from(
    session: &mut Session<'_>,
    held: &Held,
    began_ms: Option<u64>,
) -> Result<Option<u64>, Fault> {
    let manifest = held.run(session)?.manifest;
    let timeouts = session.timeouts(&manifest, &held.task)?;
    Ok(began_ms.map(|began_ms| began_ms.saturating_add(timeouts.attempt_ms)))
}

fn accepted(session: &mut Session<'_>, seq: u64, deadline: Option<u64>) -> Result<Response, Fault> {
    let answer = CallbackAnswer {
        accepted: true,
        seq,
        deadline,
        server_time: session.now_ms()?,
    };
    Ok(Response::json(
        200,
        serde_json::to_vec(&answer).unwrap_or_default(),
    ))
}

fn cancel_reason(session: &mut Session<'_>, run: &RunRow) -> Result<Option<String>, Fault> {
    let Some(seq) = run.cancel_seq else {
        return Ok(None);
    };
    let reason = session
        .record(seq)?
        .and_then(|record| match record.event() {
            Some(Event::RunCancelRequested(body)) => body.reason,
            _ => None,
        });
    Ok(Some(
        reason.unwrap_or_else(|| "the run was cancelled".to_string()),
    ))
}
